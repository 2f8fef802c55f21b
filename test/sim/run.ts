/** One seed from start to end. */
import type { Disk } from '../../lib/host/disk.js'
import { CreateTopics, errorName, FindCoordinator } from '../../protocol/index.js'
import { Admin } from './admin.js'
import { Checker } from './checker.js'
import { Ground } from './ground.js'
import { fetchOffset, GroupClient, GroupOffset } from './groups.js'
import { Host } from './host.js'
import { IdempotentProducer, plainProducer } from './producers.js'
import { networkFaults, PROFILES, type Profile, topicsFor } from './profile.js'
import { COMMITTED, Reader, UNCOMMITTED } from './readers.js'
import { type Chance, Violation, World } from './world.js'

export interface RunOptions {
  readonly seed: number
  /** By name; the seed chooses when absent. */
  readonly profile?: string
  /** Gets every line of the trace. */
  readonly sink?: (line: string) => void
  readonly wrapDisk?: (disk: Disk) => Disk
}

export interface Outcome {
  readonly seed: number
  readonly profile: string
  readonly traceHash: string
  readonly events: number
  readonly counts: Readonly<Record<string, number>>
  readonly virtualMs: number
  readonly failure: { readonly violation: boolean; readonly sentence: string; readonly last: readonly string[] } | null
}

/** Virtual time by which every run has to have come to its end. */
const LIMIT_MS = 600_000

export async function runSeed(options: RunOptions): Promise<Outcome> {
  const { seed, sink = null } = options
  const world = new World(seed, sink)
  const chance = world.chance('story')
  const profile = PROFILES.find(({ name }) => name === options.profile) ?? chance.pick(PROFILES)
  const story = new Story(world, profile, chance, options.wrapDisk)
  let failure: Outcome['failure'] = null
  try {
    await world.run(() => story.tell(), LIMIT_MS)
  } catch (error) {
    const violation = error instanceof Violation
    const sentence = violation ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)
    failure = { violation, sentence, last: world.trace.last }
  }
  const { trace } = world
  const { counts } = story.ground
  return {
    seed,
    profile: profile.name,
    traceHash: trace.hash,
    events: trace.count,
    counts: { ...counts },
    virtualMs: world.nowMs,
    failure,
  }
}

class Story {
  readonly ground: Ground
  readonly #host: Host
  readonly #checker: Checker
  readonly #offsets: GroupOffset[] = []
  #admin!: Admin

  constructor(
    readonly world: World,
    readonly profile: Profile,
    readonly chance: Chance,
    wrapDisk: RunOptions['wrapDisk'],
  ) {
    const values: Record<string, string> = profile.synced ? { 'log.flush.interval.messages': '1' } : {}
    this.#host = new Host(
      {
        name: 'broker',
        brokerId: 1,
        values,
        durable: profile.durable,
        faults: profile.disk,
        ...(wrapDisk ? { wrapDisk } : {}),
      },
      world,
    )
    this.ground = new Ground(world, this.#host, networkFaults(chance))
    this.#checker = new Checker(this.ground)
  }

  async tell(): Promise<void> {
    await this.#host.start()
    await this.#createTopics()
    const clients = this.#clients()
    for (let faults = this.chance.between(1, 4); faults > 0; faults--) {
      await this.world.sleep(this.chance.between(50, 400))
      await this.#befall()
    }
    await this.world.sleep(this.chance.between(20, 100))
    this.ground.ending = true
    await this.#within(60_000, Promise.all(clients), 'The faults are over, but the clients do not get through')
    await this.#check('at the end')
    await this.#within(60_000, this.#host.stop(), 'The broker does not stop')
  }

  async #createTopics(): Promise<void> {
    const rpc = this.ground.rpc('setup', true)
    const plans = topicsFor(this.chance)
    const topics = plans.map(({ name, partitions, configs }) => ({
      name,
      numPartitions: partitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    }))
    const answer = await this.ground.insist(() => rpc.call(CreateTopics, 7, { topics, timeoutMs: 5000 }))
    for (const { name, errorCode } of answer.topics) {
      if (errorCode !== 0) throw new Violation(`Topic ${name} could not be created: ${errorName(errorCode)}.`)
    }
    for (const plan of plans) this.ground.addTopic(plan)
    await this.#checker.patiently(async () => {
      const { errorCode } = await rpc.call(FindCoordinator, 2, { key: 'lone', keyType: 0 })
      return errorCode === 0 ? true : null
    })
    rpc.hangUp('done')
  }

  #clients(): Promise<void>[] {
    const { world, ground } = this
    const plain = ground.topics.get('plain')!
    const exact = ground.topics.get('exact')!
    const all = [...ground.histories()]
    this.#admin = new Admin('admin', plain, ground)
    const lone = new GroupOffset('lone', 'plain', 0)
    const team = new GroupOffset('team', 'plain', 1)
    this.#offsets.push(lone, team)
    return [
      world.spawn(() => this.#admin.run()),
      world.spawn(() => new GroupClient('lone', lone, false, ground).run()),
      world.spawn(() => new GroupClient('team-1', team, true, ground).run()),
      world.spawn(() => new GroupClient('team-2', team, true, ground).run()),
      world.spawn(() => plainProducer('plain-1', plain, ground)),
      world.spawn(() => plainProducer('plain-2', plain, ground)),
      world.spawn(() => new IdempotentProducer('exact-1', exact, ground).run()),
      world.spawn(() => new IdempotentProducer('exact-2', exact, ground).run()),
      world.spawn(() => new Reader('reader', UNCOMMITTED, all, ground).run()),
      world.spawn(() => new Reader('committed', COMMITTED, all, ground).run()),
    ]
  }

  /** Everything that is known, against what a reader without faults finds. */
  async #check(what: string): Promise<void> {
    const { rpc } = this.#checker
    await this.#checker.everything(what)
    await this.#admin.verify(rpc, what)
    for (const place of this.#offsets) {
      const offset = await this.#checker.patiently(() => fetchOffset(rpc, place, true))
      place.saw(offset, place.acked, what)
    }
  }

  async #befall(): Promise<void> {
    const fault = this.chance.pick(this.profile.faults)
    if (fault === 'clock') {
      this.#host.skewMs = this.chance.pick([-1_800_000, -1000, 0, 600_000])
      this.world.say('world', `the broker's clock is off by ${this.#host.skewMs} ms`)
    }
  }

  async #within(ms: number, work: Promise<unknown>, sentence: string): Promise<void> {
    let done = false
    void work.then(
      () => (done = true),
      (error: unknown) => this.world.fail(error),
    )
    const deadline = this.world.nowMs + ms
    while (!done) {
      if (this.world.nowMs > deadline) throw new Violation(`${sentence} within ${ms / 1000} s.`)
      await this.world.sleep(5)
    }
  }
}
