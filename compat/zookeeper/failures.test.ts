/** The coordination engine while its ensemble fails: members die, hang and come back, sessions end. */
import { expect } from 'chai'
import { ZooKeeperClient } from '../../lib/cluster/coordination/zookeeper/client.js'
import type { ZooKeeperCoordination } from '../../lib/cluster/coordination/zookeeper/coordination.js'
import {
  CLUSTER_ID,
  CONTROLLER,
  CONTROLLER_EPOCH,
  HEAD,
  LOG,
  SNAPSHOT,
  SNAPSHOTS,
} from '../../lib/cluster/coordination/zookeeper/znodes.js'
import { silentLogger } from '../../lib/host/logger.js'
import { NodeNetwork } from '../../lib/host/node-network.js'
import { secureRandom } from '../../lib/host/random-sources.js'
import { SystemClock } from '../../lib/host/system-clock.js'
import type { MetadataRecord } from '../../lib/metadata/records.js'
import { ErrorCode } from '../../protocol/index.js'
import { Link } from '../../test/chaos/links.js'
import { eventually, Follower, memberInfo, topicRecord } from '../../test/contracts/coordination.js'
import { engineOver, SESSION_TIMEOUT_MS } from './engines.js'
import { Ensemble, zooKeeperUnavailable } from './ensemble.js'

const missing = zooKeeperUnavailable()

/** A member that appends whenever it is the controller, and remembers what was acknowledged. */
class Appender extends Follower {
  readonly acked: { name: string; epoch: number; offset: number }[] = []
  expelled = 0
  doubts = 0
  #stopped = false
  #running: Promise<void> = Promise.resolve()
  #count = 0

  constructor(
    readonly port: ZooKeeperCoordination,
    readonly id: number,
  ) {
    super()
  }

  override onExpelled(): void {
    this.expelled++
    this.lease = null
  }

  override onDoubt(inDoubt?: boolean): void {
    if (inDoubt === true) this.doubts++
  }

  begin(): void {
    this.#running = this.#run()
  }

  async end(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const epoch = this.lease?.controllerId === this.id ? this.lease.controllerEpoch : null
      if (epoch !== null) {
        const name = `t${this.id}-${this.#count++}`
        const { errorCode, offset } = await this.port.append([topicRecord(name)], epoch)
        if (errorCode === ErrorCode.NONE) this.acked.push({ name, epoch, offset })
      }
      await new Promise(setImmediate)
    }
  }
}

async function joined(engine: ReturnType<typeof engineOver>, ids: readonly number[]): Promise<Appender[]> {
  const members: Appender[] = []
  for (const id of ids) {
    const member = new Appender(await engine.connect(id), id)
    await member.port.start(member)
    await member.port.register(memberInfo(id))
    member.port.campaign()
    members.push(member)
  }
  await eventually(() => members.every(({ lease }) => lease !== null), 'a controller that all know')
  return members
}

/** Everything that anybody was told is there, once, in one order, and no epoch had two holders. */
async function expectOneHistory(members: readonly Appender[]): Promise<void> {
  const longest = () => Math.max(...members.map(({ offset }) => offset))
  await eventually(() => members.every(({ offset }) => offset === longest()), 'all to have the same')
  for (const member of members) expect(member.names).to.deep.equal(members[0]!.names)
  const { names } = members[0]!
  for (const { acked } of members) for (const { name, offset } of acked) expect(names[offset]).to.equal(name)
  expect(new Set(names).size).to.equal(names.length)
  const holders = new Map<number, number>()
  for (const { leases } of members) {
    for (const lease of leases) {
      if (lease === null) continue
      expect(holders.get(lease.controllerEpoch) ?? lease.controllerId).to.equal(lease.controllerId)
      holders.set(lease.controllerEpoch, lease.controllerId)
    }
  }
  for (const { acked, id } of members) for (const { epoch } of acked) expect(holders.get(epoch)).to.equal(id)
}

const appended = (members: readonly Appender[]): number => members.reduce((sum, { acked }) => sum + acked.length, 0)

describe(`ZooKeeper that fails${missing === null ? '' : ` (left out: ${missing})`}`, function () {
  this.timeout(90_000)
  let ensemble: Ensemble
  let engine: ReturnType<typeof engineOver>
  let members: Appender[] = []
  const links: Link[] = []

  before(async function () {
    if (missing !== null) this.skip()
    ensemble = await Ensemble.start({ servers: 3, tickTimeMs: 200 })
  })
  after(() => ensemble?.stop())
  afterEach(async () => {
    await Promise.all(members.splice(0).map((member) => member.end()))
    await engine?.close()
    for (const link of links.splice(0)) link.close()
  })

  async function begin(): Promise<void> {
    engine = engineOver(ensemble)
    members = await joined(engine, [1, 2, 3])
    for (const member of members) member.begin()
    await goesOn()
  }

  /** Somebody in the cluster's tree who has no credentials. */
  function plainClient(): ZooKeeperClient {
    const client = new ZooKeeperClient(
      { servers: ensemble.addresses, chroot: engine.chroot, sessionTimeoutMs: SESSION_TIMEOUT_MS },
      { network: new NodeNetwork(), clock: new SystemClock(), random: secureRandom, logger: silentLogger },
      { onDoubt() {}, onExpired() {} },
    )
    client.start()
    return client
  }

  /** New appends are acknowledged. */
  async function goesOn(): Promise<void> {
    const before = appended(members)
    await eventually(() => appended(members) > before + 20, 'appends to go on')
  }

  async function finish(): Promise<void> {
    await Promise.all(members.map((member) => member.end()))
    await expectOneHistory(members)
  }

  it('keeps every acknowledged append when the leader is killed in the middle of them', async () => {
    await begin()
    for (let round = 0; round < 2; round++) {
      const leader = await ensemble.leader()
      await ensemble.kill(leader)
      await goesOn()
      await ensemble.startServer(leader)
      await goesOn()
    }
    await finish()
  })

  it('leaves a member that hangs for another', async () => {
    await begin()
    for (const id of ensemble.ids) {
      ensemble.freeze(id)
      await goesOn()
      ensemble.thaw(id)
    }
    await finish()
  })

  it('stands still without a quorum, in doubt, and goes on when there is one again', async () => {
    await begin()
    const [first, second] = ensemble.ids as [number, number]
    await Promise.all([ensemble.kill(first), ensemble.kill(second)])
    await eventually(() => members.every(({ doubts }) => doubts > 0), 'everybody to be in doubt')
    const before = appended(members)
    await Promise.all([ensemble.startServer(first), ensemble.startServer(second)])
    await goesOn()
    expect(appended(members)).to.be.greaterThan(before)
    await finish()
  })

  it('gives the lease to another when a session ends, and takes the old holder back as a member', async () => {
    engine = engineOver(ensemble)
    const cut: Link[] = []
    for (const { port } of ensemble.addresses) cut.push(await Link.to(port, () => ''))
    links.push(...cut)
    const servers = cut.map(({ port }) => ({ host: '127.0.0.1', port }))
    const old = new Appender(await engine.connect(1, servers), 1)
    await old.port.start(old)
    await old.port.register(memberInfo(1))
    old.port.campaign()
    await eventually(() => old.lease?.controllerId === 1, 'the lease of 1')
    members = [old, ...(await joined(engine, [2]))]
    for (const member of members) member.begin()
    await goesOn()
    const epoch = old.lease!.controllerEpoch
    const life = old.members.find(({ brokerId }) => brokerId === 1)!.brokerEpoch
    for (const link of cut) link.set(null, 'silent')
    await eventually(() => old.doubts > 0, 'the old controller to be in doubt')
    await eventually(() => members[1]!.lease?.controllerId === 2, 'the lease of 2')
    for (const link of cut) link.set(null, 'open')
    await eventually(() => old.expelled > 0, 'the old controller to be expelled')
    await eventually(() => old.lease?.controllerId === 2, 'the old controller to know the new one')
    await eventually(
      () => (old.members.find(({ brokerId }) => brokerId === 1)?.brokerEpoch ?? 0) > life,
      'a new life of the old one',
    )
    expect(old.acked.every((one) => one.epoch === epoch)).to.equal(true)
    const refused = await old.port.append([topicRecord('late')], epoch)
    expect(refused.errorCode).to.equal(ErrorCode.STALE_CONTROLLER_EPOCH)
    await finish()
  })

  it('takes nobody for the controller by the lease of its last life, whose session has not ended yet', async () => {
    engine = engineOver(ensemble)
    members = await joined(engine, [1])
    const [old] = members as [Appender]
    const again = new Appender(await engine.connect(1), 1)
    await again.port.start(again)
    again.port.campaign()
    await again.port.append([topicRecord('too-early')], old.lease!.controllerEpoch)
    expect(again.lease).to.equal(null)
    await old.port.close()
    await eventually(() => again.lease !== null, 'a lease of its own')
    expect(again.lease).to.deep.equal({ controllerId: 1, controllerEpoch: old.lease!.controllerEpoch + 1 })
    expect(again.names).to.deep.equal([])
  })

  it('tells a new controller who lives before it tells of the lease: it would fence who has joined meanwhile', async () => {
    engine = engineOver(ensemble)
    const cut: Link[] = []
    for (const { port } of ensemble.addresses) cut.push(await Link.to(port, () => ''))
    links.push(...cut)
    const [first] = await joined(engine, [1])
    const servers = cut.map(({ port }) => ({ host: '127.0.0.1', port }))
    const next = new Appender(await engine.connect(2, servers), 2)
    const known: string[] = []
    next.onController = (lease) => {
      if (lease?.controllerId === 2) known.push(next.members.map(({ brokerId }) => brokerId).join())
    }
    await next.port.start(next)
    await next.port.register(memberInfo(2))
    next.port.campaign()
    await eventually(() => next.members.length === 2, 'the members 1 and 2')
    for (const link of cut) link.set(null, 'cut')
    const third = new Appender(await engine.connect(3), 3)
    await third.port.start(third)
    await third.port.register(memberInfo(3))
    await first!.port.close()
    for (const link of cut) link.set(null, 'open')
    await eventually(() => known.length > 0, 'the lease of 2')
    expect(next.expelled).to.equal(0)
    expect(known).to.deep.equal(['2,3'])
  })

  it('starts through connections that break', async () => {
    engine = engineOver(ensemble)
    for (let id = 1; id <= 3; id++) {
      const shaky: Link[] = []
      for (const { port } of ensemble.addresses) shaky.push(await Link.to(port, () => ''))
      links.push(...shaky)
      const breaking = setInterval(() => {
        for (const link of shaky) {
          link.set(null, 'cut')
          link.set(null, 'open')
        }
      }, 25)
      const steady = setTimeout(() => clearInterval(breaking), SESSION_TIMEOUT_MS)
      const port = await engine.connect(
        id,
        shaky.map((link) => ({ host: '127.0.0.1', port: link.port })),
      )
      const member = new Appender(port, id)
      await port.start(member)
      await port.register(memberInfo(id))
      clearInterval(breaking)
      clearTimeout(steady)
      await eventually(() => member.members.some(({ brokerId }) => brokerId === id), `member ${id}`)
    }
  })

  it('replaces the log by snapshots, and who comes late begins with one', async () => {
    const state: { names: string[]; offset: number } = { names: [], offset: -1 }
    const snapshot = () => ({ records: state.names.map(topicRecord), offset: state.offset })
    engine = engineOver(ensemble, { snapshotEveryRecords: 20, snapshot })
    const port = await engine.connect(1)
    const seen = new Follower()
    seen.onRecordsToo = (records: readonly MetadataRecord[]) => {
      for (const record of records) if (record.type === 'TopicRecord') state.names.push(record.name)
      state.offset = seen.offset
    }
    await port.start(seen)
    await port.register(memberInfo(1))
    port.campaign()
    const { controllerEpoch } = await eventually(() => seen.lease, 'the lease')
    for (let n = 0; n < 200; n++) await port.append([topicRecord(`t${n}`)], controllerEpoch)
    const raw = plainClient()
    try {
      expect(await raw.exists(SNAPSHOT)).to.not.equal(null)
      let left = Number.POSITIVE_INFINITY
      for (let n = 200; left > 60 && n < 260; n++) {
        await port.append([topicRecord(`t${n}`)], controllerEpoch)
        left = (await raw.children(LOG))!.length
      }
      expect(left, 'batches that are left').to.be.at.most(60)
      expect((await raw.children(SNAPSHOTS))!.length).to.be.at.most(3)
    } finally {
      await raw.close()
    }
    const late = new Follower()
    const another = await engine.connect(2)
    await another.start(late)
    expect(late.names).to.deep.equal(seen.names)
    expect(late.offset).to.equal(seen.offset)
  })

  it('shuts out who has no credentials, or others', async () => {
    const auth = (credentials: string) => [{ scheme: 'digest', credentials }]
    engine = engineOver(ensemble, { secure: true, auth: auth('odradek:secret') })
    members = await joined(engine, [1, 2])
    for (const member of members) member.begin()
    await goesOn()
    const stranger = plainClient()
    try {
      for (const path of [CLUSTER_ID, HEAD, CONTROLLER_EPOCH, CONTROLLER]) {
        expect(await refusal(stranger.get(path)), `reading ${path}`).to.equal('NO_AUTH')
        expect(await refusal(stranger.set(path, Buffer.from('{}'))), `writing ${path}`).to.equal('NO_AUTH')
      }
    } finally {
      await stranger.close()
    }
    const other = engine.connect(3, ensemble.addresses, auth('odradek:guessed'))
    expect(await refusal(other)).to.equal('NO_AUTH')
    await finish()
  })
})

function refusal(asked: Promise<unknown>): Promise<string> {
  return asked.then(
    () => 'done',
    (error: { code: string }) => error.code,
  )
}
