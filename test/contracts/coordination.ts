/** What every coordination engine must do (the promises A-E of the port), run over an engine by its own test file. */
import { expect } from 'chai'
import type {
  ControllerLease,
  Coordination,
  CoordinationListener,
  LiveMember,
  MemberInfo,
} from '../../lib/cluster/coordination/coordination.js'
import type { MetadataRecord } from '../../lib/metadata/records.js'
import { ErrorCode } from '../../protocol/errors.js'

export interface CoordinationEngine {
  /** The port of one more broker of the same cluster. */
  connect(brokerId: number): Coordination
  close(): Promise<void>
}

/** Follows one member and remembers what it was told. */
export class Follower implements CoordinationListener {
  names: string[] = []
  offset = -1
  lease: ControllerLease | null = null
  leases: (ControllerLease | null)[] = []
  members: readonly LiveMember[] = []
  onRecordsToo: ((records: readonly MetadataRecord[]) => void) | null = null

  onSnapshot(records: readonly MetadataRecord[], offset: number): void {
    this.names = records.flatMap(nameOf)
    this.offset = offset
  }

  onRecords(records: readonly MetadataRecord[], baseOffset: number): void {
    expect(baseOffset).to.equal(this.offset + 1)
    this.offset += records.length
    this.names.push(...records.flatMap(nameOf))
    this.onRecordsToo?.(records)
  }

  onController(lease: ControllerLease | null): void {
    this.lease = lease
    this.leases.push(lease)
  }

  onMembers(members: readonly LiveMember[]): void {
    this.members = members
  }

  onExpelled(): void {}
}

function nameOf(record: MetadataRecord): string[] {
  return record.type === 'TopicRecord' ? [record.name] : []
}

export function topicRecord(name: string): MetadataRecord {
  return { type: 'TopicRecord', name, topicId: name.padEnd(22, 'x') }
}

export function memberInfo(brokerId: number): MemberInfo {
  return { brokerId, incarnationId: 'i', rack: null, endpoints: [], features: [], logDirs: [] }
}

export function coordinationContract(name: string, make: () => Promise<CoordinationEngine>): void {
  describe(`coordination: ${name}`, () => {
    let engine: CoordinationEngine
    beforeEach(async () => {
      engine = await make()
    })
    afterEach(() => engine.close())

    async function join(brokerId: number): Promise<{ port: Coordination; seen: Follower }> {
      const port = engine.connect(brokerId)
      const seen = new Follower()
      await port.start(seen)
      return { port, seen }
    }

    it('gives everybody the same records in the same order, early or late', async () => {
      const one = await join(1)
      const two = await join(2)
      one.port.campaign()
      const { controllerEpoch } = one.seen.lease!
      for (const topic of ['a', 'b', 'c']) {
        const { errorCode, offset } = await one.port.append(
          [topicRecord(topic), { type: 'NoOpRecord' }],
          controllerEpoch,
        )
        expect(errorCode).to.equal(ErrorCode.NONE)
        expect(one.seen.offset).to.equal(offset)
      }
      const late = await join(3)
      for (const { seen } of [one, two, late]) {
        expect(seen.names).to.deep.equal(['a', 'b', 'c'])
        expect(seen.offset).to.equal(5)
      }
    })

    it('lets nobody append without the lease, and hands it on with a higher epoch', async () => {
      const one = await join(1)
      const two = await join(2)
      one.port.campaign()
      two.port.campaign()
      const first = one.seen.lease!
      expect(first.controllerId).to.equal(1)
      expect((await two.port.append([topicRecord('x')], first.controllerEpoch)).errorCode).to.equal(
        ErrorCode.STALE_CONTROLLER_EPOCH,
      )
      one.port.resign()
      const second = two.seen.lease!
      expect(second.controllerId).to.equal(2)
      expect(second.controllerEpoch).to.be.greaterThan(first.controllerEpoch)
      expect((await one.port.append([topicRecord('y')], first.controllerEpoch)).errorCode).to.equal(
        ErrorCode.STALE_CONTROLLER_EPOCH,
      )
      expect((await two.port.append([topicRecord('z')], second.controllerEpoch)).errorCode).to.equal(ErrorCode.NONE)
      expect(one.seen.names).to.deep.equal(['z'])
    })

    it('knows who lives, and frees the lease of who leaves', async () => {
      const one = await join(1)
      const two = await join(2)
      one.port.campaign()
      two.port.campaign()
      const first = await one.port.register(memberInfo(1))
      const second = await two.port.register(memberInfo(2))
      expect(second.brokerEpoch).to.be.greaterThan(first.brokerEpoch)
      expect(two.seen.members.map((member) => member.brokerId)).to.deep.equal([1, 2])
      const before = one.seen.leases.length
      await one.port.close()
      expect(two.seen.members.map((member) => member.brokerId)).to.deep.equal([2])
      expect(two.seen.lease?.controllerId).to.equal(2)
      expect(one.seen.leases).to.have.length(before)
    })

    it('refuses a second live broker of the same id', async () => {
      const one = await join(1)
      const other = await join(1)
      await one.port.register(memberInfo(1))
      const error = await other.port.register(memberInfo(1)).then(
        () => null,
        (reason: unknown) => reason,
      )
      expect(error).to.have.property('code', 'ERR_DUPLICATE_BROKER_ID')
    })

    it('keeps one order when a member appends from inside a callback', async () => {
      const one = await join(1)
      one.port.campaign()
      const { controllerEpoch } = one.seen.lease!
      let answered = false
      one.seen.onRecordsToo = (records) => {
        if (!records.flatMap(nameOf).includes('a')) return
        void one.port.append([topicRecord('b')], controllerEpoch).then(() => {
          answered = true
          expect(one.seen.names).to.deep.equal(['a', 'b'])
        })
      }
      const two = await join(2)
      await one.port.append([topicRecord('a')], controllerEpoch)
      await new Promise((resolve) => setImmediate(resolve))
      expect(answered).to.equal(true)
      expect(two.seen.names).to.deep.equal(['a', 'b'])
    })
  })
}
