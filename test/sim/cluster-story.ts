/** One seed with several brokers: what befalls each of them, one after the other or at once, and that all is whole in the end. */
import { UpgradeType } from '../../lib/cluster/control/features.js'
import { EmbeddedCoordination } from '../../lib/cluster/coordination/embedded.js'
import { ELIGIBLE_LEADER_REPLICAS_VERSION } from '../../lib/metadata/features.js'
import { AlterPartitionReassignments, ElectLeaders } from '../../protocol/index.js'
import { Cast } from './cast.js'
import { Checker } from './checker.js'
import { Copies } from './copies.js'
import { Ground, partitionOf } from './ground.js'
import { Host } from './host.js'
import { BROKER_VALUES, CLUSTER_VALUES, type ClusterFault, networkFaults, type Profile } from './profile.js'
import { NoAnswer } from './rpc.js'
import { createTopics, within } from './stage.js'
import { Watch } from './watch.js'
import { type Chance, Violation, type World } from './world.js'

const CLUSTER_ID = 'simulatedClusterOf3Bro'

export class ClusterStory {
  readonly ground: Ground
  readonly #hub = new EmbeddedCoordination({ clusterId: CLUSTER_ID })
  readonly #hosts: Host[]
  readonly #checker: Checker
  readonly #watch: Watch
  readonly #copies: Copies
  readonly #busy = new Set<Host>()
  readonly #restless = new Set<Promise<void>>()

  constructor(
    readonly world: World,
    readonly profile: Profile,
    readonly chance: Chance,
  ) {
    const { durable, synced, disk: faults } = profile
    const { brokers } = profile.cluster!
    const values = { ...BROKER_VALUES, ...CLUSTER_VALUES, ...(synced ? { 'log.flush.interval.messages': '1' } : {}) }
    const session = world.chance('sessions')
    const cluster = {
      id: CLUSTER_ID,
      connect: (brokerId: number) => this.#hub.connect(brokerId),
      faults: networkFaults(chance),
      sessionMs: () => session.between(0, 400),
    }
    this.#hosts = Array.from({ length: brokers }, (_, index) => {
      const brokerId = index + 1
      return new Host({ name: `b${brokerId}`, brokerId, values, durable, faults, cluster }, world)
    })
    this.ground = new Ground(world, this.#hosts, networkFaults(chance))
    this.#checker = new Checker(this.ground)
    this.#watch = new Watch(this.ground)
    this.#copies = new Copies(this.ground, () => this.#watch.newest)
  }

  async tell(): Promise<void> {
    const { world, ground, chance, profile } = this
    await Promise.all(this.#hosts.map((host) => this.#start(host)))
    world.onStep = () => this.#watch.look()
    await createTopics(ground, this.#checker, profile, chance)
    const cast = new Cast(ground, profile, chance)
    const clients = cast.enter()
    for (let faults = chance.between(2, 7); faults > 0; faults--) {
      await world.sleep(chance.between(10, 400))
      this.#copies.inSync(`before fault ${faults}`)
      this.#begin(chance.pick(profile.cluster!.faults))
    }
    await within(world, Promise.all(this.#restless), 'What befell the brokers does not end')
    await world.sleep(chance.between(20, 300))
    ground.ending = true
    await within(world, Promise.all(clients), 'The faults are over, but the clients do not get through')
    await this.#whole()
    await cast.check(this.#checker, 'at the end', true)
    this.#copies.inSync('at the end')
    for (const host of this.#hosts) await this.#stop(host, false)
    this.#checker.files()
    await Promise.all(this.#hosts.map((host) => this.#start(host)))
    await this.#whole()
    await cast.check(this.#checker, 'after the last start', true)
    for (const host of this.#hosts) await this.#stop(host, true)
    this.#checker.files()
  }

  /** Every replica in sync, and all the same. */
  async #whole(): Promise<void> {
    const { world } = this
    const deadline = world.nowMs + 60_000
    for (;;) {
      const unrest = this.#copies.unrest() ?? this.#copies.difference()
      if (unrest === null) return
      if (world.nowMs > deadline) throw new Violation(`All is over for a minute, but ${unrest}.`)
      await world.sleep(50)
    }
  }

  #begin(fault: ClusterFault): void {
    const work = this.world.spawn(() => this.#befall(fault))
    this.#restless.add(work)
  }

  async #befall(fault: ClusterFault): Promise<void> {
    const { chance } = this
    if (fault === 'level') return this.#changeLevel()
    if (fault === 'move' || fault === 'reassign' || fault === 'elect') return this.#operate(fault)
    if (fault === 'power-all') {
      const hosts = this.#hosts.filter((host) => !this.#busy.has(host))
      await Promise.all(hosts.map((host) => this.#onHost(host, 'power')))
      return
    }
    const victim =
      fault === 'controller'
        ? this.#hosts.find(({ node }) => node?.controller.isActive === true)
        : chance.pick(this.#hosts)
    if (victim === undefined || this.#busy.has(victim)) return
    await this.#onHost(victim, fault === 'controller' ? chance.pick(['kill', 'stop', 'isolate']) : fault)
  }

  async #onHost(host: Host, fault: ClusterFault): Promise<void> {
    this.#busy.add(host)
    const { world, chance } = this
    const { name, options } = host
    const others = this.#hosts.filter((other) => other !== host)
    if (fault === 'isolate') {
      world.say(name, 'cut off from the others')
      for (const other of others) world.network.cut(name, other.name)
      this.#hub.isolate(options.brokerId)
      this.ground.outSinceMs.set(options.brokerId, world.nowMs)
      await world.sleep(chance.between(20, 1500))
      world.say(name, 'joins again')
      for (const other of others) world.network.heal(name, other.name)
      this.ground.outSinceMs.delete(options.brokerId)
      this.#hub.rejoin(options.brokerId)
    } else if (fault === 'cut' || fault === 'deaf') {
      const other = chance.pick(others)
      world.say(name, fault === 'cut' ? `and ${other.name} cannot reach each other` : `is not heard by ${other.name}`)
      world.network.cut(name, other.name, { oneWay: fault === 'deaf' })
      await world.sleep(chance.between(20, 2500))
      world.say(name, `and ${other.name} reach each other again`)
      world.network.heal(name, other.name)
    } else if (fault === 'errors') {
      world.say(name, 'the disk begins to fail')
      host.disk.armed = true
      await world.sleep(chance.between(10, 400))
      host.disk.armed = false
      world.say(name, 'the disk is well again')
      // What failed stays so until the next life.
      await world.sleep(chance.between(0, 800))
      if (chance.happens(0.5)) host.powerLoss()
      else host.kill()
      await world.sleep(chance.between(0, 400))
      await this.#start(host)
    } else {
      if (fault === 'power') host.powerLoss()
      else if (fault === 'stop') await this.#stop(host, chance.happens(0.7))
      else host.kill()
      await world.sleep(chance.between(0, 1200))
      if (fault === 'replace') await this.#wipe(host)
      await this.#start(host)
    }
    this.#copies.inSync(`after ${fault} of ${name}`)
    this.#busy.delete(host)
  }

  /** As soon as nothing is lost by it; not at all when it takes too long. */
  async #wipe(host: Host): Promise<void> {
    for (let patience = 40; patience > 0; patience--) {
      if (this.#copies.canDoWithout(host.options.brokerId)) return host.wipe()
      await this.world.sleep(50)
    }
  }

  /** Eligible leader replicas (KIP-966) off or on. */
  async #changeLevel(): Promise<void> {
    const controller = this.#hosts.find(({ node }) => node?.controller.isActive === true)?.node
    if (controller === undefined || controller === null) return
    const feature = ELIGIBLE_LEADER_REPLICAS_VERSION
    const isOn = (controller.image.features.get(feature) ?? 0) > 0
    this.world.say('operator', `eligible leader replicas ${isOn ? 'off' : 'on'}`)
    const upgradeType = isOn ? UpgradeType.SAFE_DOWNGRADE : UpgradeType.UPGRADE
    await controller.controller.updateFeatures({
      updates: [{ feature, maxVersionLevel: isOn ? 0 : 1, upgradeType }],
      validateOnly: false,
    })
  }

  /** What an administrator asks for in the middle of all this. */
  async #operate(what: 'move' | 'reassign' | 'elect'): Promise<void> {
    const { chance, ground, world } = this
    const history = chance.pick([...ground.histories()])
    const controller = this.#hosts.find(({ node }) => node?.controller.isActive === true)
    const partition = controller === undefined ? undefined : partitionOf(controller, history)
    if (partition === undefined) return
    if (what === 'move') {
      if (partition.isr.length === 0) return
      const to = chance.pick(partition.isr)
      world.say('operator', `${history.name} to ${to}`)
      await controller!.node!.controller.moveLeader(history.topic, history.partition, to)
      return
    }
    const rpc = ground.rpc(`operator ${world.nowMs}`, true)
    const { topic: name, partition: index } = history
    try {
      if (what === 'elect') {
        world.say('operator', 'preferred leaders')
        await rpc.call(ElectLeaders, 2, { electionType: 0, topicPartitions: null, timeoutMs: 1000 })
      } else {
        const ids = this.#hosts.map(({ options }) => options.brokerId)
        const first = chance.between(0, ids.length - 1)
        const replicas = [...ids.slice(first), ...ids.slice(0, first)].slice(0, chance.between(2, ids.length))
        world.say('operator', `${history.name} onto ${replicas.join(', ')}`)
        const topics = [{ name, partitions: [{ partitionIndex: index, replicas }] }]
        await rpc.call(AlterPartitionReassignments, 1, { timeoutMs: 1000, allowReplicationFactorChange: true, topics })
      }
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
    }
    rpc.hangUp('done')
  }

  async #start(host: Host): Promise<void> {
    const started = host.start().catch((error: unknown) => {
      throw new Violation(`${host.name} does not start: ${error instanceof Error ? error.stack : String(error)}`)
    })
    await within(this.world, started, `${host.name} does not start`)
  }

  #stop(host: Host, handOver: boolean): Promise<void> {
    return within(this.world, host.stop({ handOver }), `${host.name} does not stop`)
  }
}
