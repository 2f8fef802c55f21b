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

/** Waits until `check` returns something; what an engine tells may come later than the call that led to it. */
export async function eventually<T>(check: () => T | null | undefined | false, what: string): Promise<T> {
  const deadline = process.hrtime.bigint() + 20_000_000_000n
  for (;;) {
    const found = check()
    if (found) return found
    if (process.hrtime.bigint() > deadline) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const inSync = (seen: Follower, offset: number) => eventually(() => seen.offset === offset, `offset ${offset}`)
const leaseOf = (seen: Follower, brokerId: number) =>
  eventually(() => (seen.lease?.controllerId === brokerId ? seen.lease : null), `the lease of ${brokerId}`)
const membersOf = (seen: Follower, ids: readonly number[]) =>
  eventually(() => seen.members.map(({ brokerId }) => brokerId).join() === ids.join(), `the members ${ids.join()}`)

export interface CoordinationEngine {
  /** The port of one more broker of the same cluster. */
  connect(brokerId: number): Coordination | Promise<Coordination>
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

  onDoubt(): void {}
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
      const port = await engine.connect(brokerId)
      const seen = new Follower()
      await port.start(seen)
      return { port, seen }
    }

    it('gives everybody the same records in the same order, early or late', async () => {
      const one = await join(1)
      const two = await join(2)
      one.port.campaign()
      const { controllerEpoch } = await leaseOf(one.seen, 1)
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
        await inSync(seen, 5)
        expect(seen.names).to.deep.equal(['a', 'b', 'c'])
        expect(seen.offset).to.equal(5)
      }
    })

    it('lets nobody append without the lease, and hands it on with a higher epoch', async () => {
      const one = await join(1)
      const two = await join(2)
      one.port.campaign()
      const first = await leaseOf(one.seen, 1)
      two.port.campaign()
      expect((await two.port.append([topicRecord('x')], first.controllerEpoch)).errorCode).to.equal(
        ErrorCode.STALE_CONTROLLER_EPOCH,
      )
      one.port.resign()
      const second = await leaseOf(two.seen, 2)
      expect(second.controllerEpoch).to.be.greaterThan(first.controllerEpoch)
      expect((await one.port.append([topicRecord('y')], first.controllerEpoch)).errorCode).to.equal(
        ErrorCode.STALE_CONTROLLER_EPOCH,
      )
      expect((await two.port.append([topicRecord('z')], second.controllerEpoch)).errorCode).to.equal(ErrorCode.NONE)
      await inSync(one.seen, 0)
      expect(one.seen.names).to.deep.equal(['z'])
    })

    it('knows who lives, and frees the lease of who leaves', async () => {
      const one = await join(1)
      const two = await join(2)
      one.port.campaign()
      await leaseOf(one.seen, 1)
      two.port.campaign()
      const first = await one.port.register(memberInfo(1))
      const second = await two.port.register(memberInfo(2))
      expect(second.brokerEpoch).to.be.greaterThan(first.brokerEpoch)
      await membersOf(two.seen, [1, 2])
      const before = one.seen.leases.length
      await one.port.close()
      await membersOf(two.seen, [2])
      await leaseOf(two.seen, 2)
      expect(one.seen.leases).to.have.length(before)
    })

    it('tells of a member what it says of itself', async () => {
      const one = await join(1)
      const said = { ...memberInfo(1), incarnationId: 'life', rack: 'r', logDirs: ['d'], previousBrokerEpoch: 17 }
      const { brokerEpoch } = await one.port.register(said)
      await membersOf(one.seen, [1])
      expect(one.seen.members).to.deep.equal([{ ...said, brokerEpoch }])
      const two = await join(2)
      await membersOf(two.seen, [1])
      expect(two.seen.members).to.deep.equal([{ ...said, brokerEpoch }])
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
      const { controllerEpoch } = await leaseOf(one.seen, 1)
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
      await eventually(() => answered, 'the answer to the append from inside')
      await inSync(two.seen, 1)
      expect(two.seen.names).to.deep.equal(['a', 'b'])
    })
  })
}
