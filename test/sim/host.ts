/**
 * A virtual machine that runs one broker: its disk outlives the broker, its clock may be wrong. A broker can be stopped in order,
 * killed (its files are closed where they are, nothing written is lost) or lose its power (what was not synced is lost in part).
 * After both nothing that the old process still wanted happens: its timers are gone, its disk calls fail or never end.
 */
// The broker loads this when it is needed; here nothing may wait for real files once a run has begun.
import '../../lib/server/data-directories.js'
import type { Coordination } from '../../lib/cluster/coordination/coordination.js'
import type { DiskFaultPlan } from '../../lib/faults/faulty-disk.js'
import { FaultyDisk } from '../../lib/faults/faulty-disk.js'
import type { NetworkFaultPlan } from '../../lib/faults/faulty-network.js'
import { FaultyNetwork } from '../../lib/faults/faulty-network.js'
import type { Clock, Timer } from '../../lib/host/clock.js'
import type { Disk, DiskFile } from '../../lib/host/disk.js'
import { diskFault } from '../../lib/host/disk-path.js'
import type { Logger } from '../../lib/host/logger.js'
import type { Network } from '../../lib/host/network.js'
import { seededRandom } from '../../lib/host/random-sources.js'
import type { BrokerNode } from '../../lib/server/broker-node.js'
import { startNode } from '../../lib/server/wire-up.js'
import { Session } from './session.js'
import { SlowDisk } from './slow-disk.js'
import type { World } from './world.js'

export const BROKER_PORT = 9092

/** The log directory, by the name that the broker knows it by. */
const DATA = '/data'

export interface HostOptions {
  readonly name: string
  readonly brokerId: number
  readonly values: Readonly<Record<string, string>>
  /** False: the broker keeps everything in memory, as without a data directory. */
  readonly durable: boolean
  readonly faults: Omit<DiskFaultPlan, 'seed'>
  /** Puts a fault of the product in place: tests only. */
  readonly wrapDisk?: (disk: Disk) => Disk
  /** Several brokers that are one cluster. */
  readonly cluster?: ClusterOptions
}

export interface ClusterOptions {
  readonly id: string
  /** A connection to what the brokers agree by, for one life of this one. */
  connect(brokerId: number): Coordination
  /** Of connections that the broker makes to others. */
  readonly faults: Omit<NetworkFaultPlan, 'seed'>
  /** How long the others take a dead broker for alive. */
  sessionMs(): number
}

export class Host {
  readonly name: string
  readonly disk: FaultyDisk
  readonly slow: SlowDisk
  /** Wall time of this machine minus that of the world. */
  skewMs = 0
  node: BrokerNode | null = null
  /** Its disk is empty, and nobody has heard of that: it has not registered since. */
  isNew = false
  starts = 0
  #life: Life | null = null
  #session: Session | null = null

  constructor(
    readonly options: HostOptions,
    readonly world: World,
  ) {
    this.name = options.name
    const chance = world.chance(`${options.name} slow disk`)
    this.slow = new SlowDisk(
      { syncMs: [1, 15], asyncMs: [0, 4], stallChance: chance.happens(0.3) ? 0.01 : 0 },
      { clock: world.clock, chance },
    )
    this.disk = new FaultyDisk(
      { seed: world.seedOf(`${options.name} faulty disk`), ...options.faults },
      { disk: this.slow },
    )
    this.disk.armed = false
  }

  get address(): { host: string; port: number } {
    return { host: this.name, port: BROKER_PORT }
  }

  get running(): boolean {
    return this.node !== null
  }

  async start(): Promise<void> {
    const life = new Life(this)
    this.#life = life
    this.starts++
    const listener = `PLAINTEXT://${this.name}:${BROKER_PORT}`
    const own = { listeners: listener, 'node.id': String(this.options.brokerId) }
    const values = { ...own, ...(this.options.durable ? { 'log.dirs': DATA } : {}), ...this.options.values }
    const disk = (this.options.wrapDisk ?? ((same) => same))(life)
    const { cluster } = this.options
    await this.#session?.end()
    const session = cluster === undefined ? null : new Session(cluster.connect(this.options.brokerId), this.world)
    this.#session = session
    const node = await startNode(
      { values, profile: 'test', ...(cluster === undefined ? {} : { clusterId: cluster.id }) },
      {
        clock: life,
        random: seededRandom(this.world.seedOf(`${this.name} broker ${this.starts}`)),
        network: this.#network(life),
        logger: this.#logger(),
        ...(this.options.durable ? { disks: new Map([[DATA, disk]]) } : {}),
        ...(session === null ? {} : { coordination: session }),
      },
    )
    if (life.dead) return
    this.node = node
    this.isNew = false
    this.world.say(this.name, 'started')
  }

  /** The process ends at once, without a word. */
  kill(): void {
    this.world.say(this.name, 'killed')
    this.#end()
  }

  /** The machine ends at once: what was not synced is lost in part. */
  powerLoss(): void {
    this.world.say(this.name, 'power loss')
    this.#end()
    this.disk.crash()
  }

  /** Another machine takes its place: everything on the disk is gone. */
  wipe(): void {
    this.world.say(this.name, 'has an empty disk')
    for (const name of this.disk.list('')) this.disk.remove(name)
    this.isNew = true
  }

  async stop({ handOver = false } = {}): Promise<void> {
    this.world.say(this.name, 'stopping')
    const life = this.#life!
    await this.node?.close({ handOver })
    if (life.dead) return
    this.node = null
    this.world.say(this.name, 'stopped')
    this.#end()
  }

  #end(): void {
    this.node = null
    this.#life?.die()
    this.#life = null
    this.#session?.die(this.options.cluster!.sessionMs())
    this.world.network.crash(this.name)
  }

  /** A machine that is gone makes no connections. */
  #network(life: Life): Network {
    const own = this.world.network.at(this.name)
    const { cluster } = this.options
    if (cluster === undefined) return own
    const seed = this.world.seedOf(`${this.name} network ${this.starts}`)
    const faulty = new FaultyNetwork({ seed, ...cluster.faults }, { network: own, clock: life })
    return {
      listen: (options, onStream) => own.listen(options, onStream),
      connect: async (options) => {
        if (life.dead) return new Promise(() => {})
        const stream = await faulty.connect(options)
        if (!life.dead) return stream
        stream.destroy()
        return new Promise(() => {})
      },
    }
  }

  #logger(): Logger {
    const say = (level: string) => (text: string) => this.world.say(this.name, `${level} ${text}`)
    return { trace: () => {}, debug: () => {}, info: say('info'), warn: say('warn'), error: say('error') }
  }
}

/** One process: the clock and the disk as it has them, until it dies. */
class Life implements Clock, Disk {
  dead = false
  readonly #host: Host
  readonly #timers = new Set<Timer>()
  readonly #files = new Set<LifeFile>()

  constructor(host: Host) {
    this.#host = host
  }

  die(): void {
    this.dead = true
    for (const timer of this.#timers) timer.cancel()
    for (const file of [...this.#files]) file.abandon()
  }

  now(): number {
    return this.#host.world.clock.now() + this.#host.skewMs
  }

  monotonic(): number {
    return this.#host.world.clock.monotonic() + this.#host.slow.stalledMs
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    if (this.dead) return { cancel: () => {} }
    const timer = this.#host.world.clock.setTimer(delayMs, () => {
      this.#timers.delete(timer)
      fire()
    })
    this.#timers.add(timer)
    return {
      cancel: () => {
        this.#timers.delete(timer)
        timer.cancel()
      },
    }
  }

  open(path: string, options: { create?: boolean } = {}): DiskFile {
    const file = new LifeFile(this.#disk('open', path).open(path, options), this, () => this.#files.delete(file))
    this.#files.add(file)
    return file
  }
  exists(path: string): boolean {
    return this.#disk('look for', path).exists(path)
  }
  list(folder: string): string[] {
    return this.#disk('list', folder).list(folder)
  }
  makeFolder(path: string): void {
    this.#disk('make', path).makeFolder(path)
  }
  remove(path: string): void {
    this.#disk('remove', path).remove(path)
  }
  rename(from: string, to: string): void {
    this.#disk('rename', from).rename(from, to)
  }
  readFile(path: string): Buffer | null {
    return this.#disk('read', path).readFile(path)
  }
  writeFile(path: string, bytes: Buffer): void {
    this.#disk('write', path).writeFile(path, bytes)
  }
  space(): { totalBytes: number; usableBytes: number } {
    return this.#host.disk.space()
  }

  #disk(verb: string, path: string): Disk {
    if (this.dead) throw diskFault('EBADF', verb, path)
    return this.#host.disk
  }
}

class LifeFile implements DiskFile {
  readonly #inner: DiskFile
  readonly #life: Life
  readonly #onClose: () => void
  #closed = false

  constructor(inner: DiskFile, life: Life, onClose: () => void) {
    this.#inner = inner
    this.#life = life
    this.#onClose = onClose
  }

  get path(): string {
    return this.#inner.path
  }
  get size(): number {
    return this.#life.dead ? 0 : this.#inner.size
  }
  append(pieces: readonly Buffer[]): void {
    this.#alive('append to').append(pieces)
  }
  appendAsync(pieces: readonly Buffer[]): Promise<void> {
    return this.#whileAlive(this.#alive('append to').appendAsync(pieces))
  }
  view(position: number, length: number): Buffer[] | null {
    return this.#alive('read').view(position, length)
  }
  read(target: Buffer, position: number): number {
    return this.#alive('read').read(target, position)
  }
  readAsync(target: Buffer, position: number): Promise<number> {
    return this.#whileAlive(this.#alive('read').readAsync(target, position))
  }
  write(bytes: Buffer, position: number): void {
    this.#alive('write to').write(bytes, position)
  }
  truncate(size: number): void {
    this.#alive('truncate').truncate(size)
  }
  sync(): Promise<void> {
    return this.#whileAlive(this.#alive('sync').sync())
  }
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#onClose()
    this.#inner.close()
  }

  /** The process that had it open is gone. */
  abandon(): void {
    this.close()
  }

  #alive(verb: string): DiskFile {
    if (this.#life.dead) throw diskFault('EBADF', verb, this.path)
    return this.#inner
  }

  /** A dead process hears of nothing any more. */
  #whileAlive<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(
        (value) => this.#life.dead || resolve(value),
        (error: unknown) => this.#life.dead || reject(error),
      )
    })
  }
}
