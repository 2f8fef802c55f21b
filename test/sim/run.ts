/** One seed from start to end. */
import type { Disk } from '../../lib/host/disk.js'
import { Cast } from './cast.js'
import { Checker } from './checker.js'
import { ClusterStory } from './cluster-story.js'
import { Ground } from './ground.js'
import { Host } from './host.js'
import { BROKER_VALUES, CLUSTER_PROFILES, type Fault, networkFaults, PROFILES, type Profile } from './profile.js'
import { createTopics, within } from './stage.js'
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
  // Drawn in any case, so that a seed is the same run with its profile named.
  const drawn = chance.pick(PROFILES)
  const profile = [...PROFILES, ...CLUSTER_PROFILES].find(({ name }) => name === options.profile) ?? drawn
  const story =
    profile.cluster === undefined
      ? new Story(world, profile, chance, options.wrapDisk)
      : new ClusterStory(world, profile, chance)
  let failure: Outcome['failure'] = null
  try {
    await world.run(() => story.tell(), LIMIT_MS)
  } catch (error) {
    const violation = error instanceof Violation
    const sentence = violation ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)
    failure = { violation, sentence, last: world.trace.last }
  }
  const { trace } = world
  return {
    seed,
    profile: profile.name,
    traceHash: trace.hash,
    events: trace.count,
    counts: { ...story.ground.counts },
    virtualMs: world.nowMs,
    failure,
  }
}

class Story {
  readonly ground: Ground
  readonly #host: Host
  readonly #checker: Checker
  #cast!: Cast

  constructor(
    readonly world: World,
    readonly profile: Profile,
    readonly chance: Chance,
    wrapDisk: RunOptions['wrapDisk'],
  ) {
    const { durable, synced, disk: faults } = profile
    const values = { ...BROKER_VALUES, ...(synced ? { 'log.flush.interval.messages': '1' } : {}) }
    const host = { name: 'broker', brokerId: 1, values, durable, faults, ...(wrapDisk ? { wrapDisk } : {}) }
    this.#host = new Host(host, world)
    this.ground = new Ground(world, [this.#host], networkFaults(chance))
    this.#checker = new Checker(this.ground)
  }

  async tell(): Promise<void> {
    const { world, ground, chance, profile } = this
    await this.#start()
    await createTopics(this.ground, this.#checker, this.profile, this.chance)
    this.#cast = new Cast(ground, profile, chance)
    const clients = this.#cast.enter()
    for (let faults = chance.between(1, 4); faults > 0; faults--) {
      await world.sleep(chance.between(20, 300))
      await this.#befall(chance.pick(profile.faults))
    }
    await world.sleep(chance.between(20, 100))
    ground.ending = true
    await within(this.world, Promise.all(clients), 'The faults are over, but the clients do not get through')
    await this.#cast.check(this.#checker, 'at the end', true)
    await this.#stop()
    if (!profile.durable) return
    this.#checker.afterCrash(false)
    this.#checker.files()
    await this.#start()
    await this.#cast.check(this.#checker, 'after the last start', true)
    await this.#stop()
    this.#checker.files()
  }

  async #befall(fault: Fault): Promise<void> {
    const { world, chance, profile } = this
    const host = this.#host
    if (fault === 'clock') {
      host.skewMs = chance.pick([-1_800_000, -1000, 0, 600_000])
      world.say('world', `the broker's clock is off by ${host.skewMs} ms`)
      return
    }
    this.ground.closed = true
    if (fault === 'errors' || fault === 'sync-errors') {
      this.ground.closed = false
      world.say('world', 'the disk begins to fail')
      host.disk.armed = true
      await world.sleep(chance.between(10, 150))
      host.disk.armed = false
      world.say('world', 'the disk is well again')
      this.ground.closed = true
    }
    if (fault === 'stop' && host.running) await this.#stop()
    else this.#crash(fault === 'power' || fault === 'sync-errors' || (fault === 'errors' && chance.happens(0.5)))
    this.#checker.afterCrash(this.#mayLose)
    await world.sleep(chance.between(0, 200))
    // A broker may go down again while it still finds out what it has, or find that the disk is still ill.
    while (chance.happens(0.15)) {
      const ill = fault.endsWith('errors') && chance.happens(0.5)
      host.disk.armed = ill
      void host.start().catch((error: unknown) => ill || world.fail(error))
      await world.sleep(chance.between(0, 25))
      host.disk.armed = false
      this.#crash(fault === 'sync-errors' || (profile.faults.includes('power') && chance.happens(0.5)))
      this.#checker.afterCrash(this.#mayLose)
    }
    await this.#start()
    if (chance.happens(0.6)) await this.#cast.check(this.#checker, `after start ${host.starts}`, false)
    this.ground.closed = false
  }

  #crash(power: boolean): void {
    if (!power) this.#host.kill()
    else {
      this.#host.powerLoss()
      if (this.#mayLose) {
        this.ground.lose()
        this.#cast.forgetCommits()
      }
    }
  }

  get #mayLose(): boolean {
    return !this.profile.synced && this.profile.faults.includes('power')
  }

  async #start(): Promise<void> {
    const started = this.#host.start().catch((error: unknown) => {
      throw new Violation(`The broker does not start: ${error instanceof Error ? error.stack : String(error)}`)
    })
    await within(this.world, started, 'The broker does not start')
  }

  #stop(): Promise<void> {
    return within(this.world, this.#host.stop(), 'The broker does not stop')
  }
}
