/**
 * All partition logs of a broker, in one or several log directories: opens what is there, makes and deletes logs, and flushes them
 * once per turn. Layout as in Kafka: `<topic>-<partition>/`.
 */
import { type Logger, silentLogger } from '../host/logger.js'
import { HOT_BYTES_MAX } from './chunks.js'
import type { LogConfig } from './config.js'
import { DELETED_FOLDER, removeDeleted, setAsideFolder } from './deleted-folder.js'
import { commonEpoch, DirCheckpoints, type LogOffsets } from './dir-checkpoints.js'
import { type FutureLog, FutureLogs, type InterruptedMove } from './future-logs.js'
import { isFolder, type LogDir } from './log-dir.js'
import type { KnownLog } from './log-options.js'
import { PartitionLog } from './partition-log.js'
import { settle } from './settle.js'
import { LogShared } from './shared.js'
import type { ExpectedTopic, LogDirectory, LogInDirectory, LogStoreOptions, LogStorePorts } from './store-contract.js'

interface Held {
  readonly log: PartitionLog
  readonly directory: LogDir
}

const PARTITION_FOLDER = /^([a-zA-Z0-9._-]+)-(\d+)$/
/** The cluster's own log, which is no partition of a topic. */
const METADATA_FOLDER = '__cluster_metadata-0'

export class LogStore {
  private readonly topics = new Map<string, Map<number, Held>>()
  /** Logs that are there and cannot be opened: they must not be begun anew over what they hold. */
  private readonly unopened = new Map<string, { error: unknown; directory: LogDir; offsets: LogOffsets }>()
  /** What a log was opened with: an offline one knows no better, and the next start must not know less. */
  private readonly openedWith = new WeakMap<PartitionLog, KnownLog>()
  private readonly counts = new Map<LogDir, number>()
  private readonly checkpoints = new Map<LogDir, DirCheckpoints>()
  /** What is in them is known: only then may it be noted anew. */
  private readonly opened = new Set<LogDir>()
  private readonly futures = new FutureLogs()
  private readonly shared: LogShared
  private readonly logger: Logger
  private producerIdExpirationMs: number | undefined

  constructor(
    private readonly options: LogStoreOptions,
    private readonly ports: LogStorePorts,
  ) {
    this.producerIdExpirationMs = options.producerIdExpirationMs
    const { hotBytesMax = HOT_BYTES_MAX, openBytesMax = Number.POSITIVE_INFINITY } = options
    this.shared = new LogShared({ hotBytesMax, openBytesMax })
    this.logger = ports.logger ?? silentLogger
    for (const directory of ports.directories) {
      if (directory.isDurable) this.checkpoints.set(directory, new DirCheckpoints(directory))
    }
  }

  /**
   * Opens every log in the directories and sweeps away half-deleted ones. A log of a topic that is not expected is set aside under
   * another name and said, never deleted. One that cannot be opened is left out and said; `create` for it throws.
   * @throws DiskError when a directory cannot be listed
   */
  async open(expected: (topic: string) => ExpectedTopic | null): Promise<void> {
    for (const [directory, checkpoints] of this.checkpoints) {
      const known = checkpoints.begin(this.logger)
      for (const name of directory.disk.list('')) {
        if (DELETED_FOLDER.test(name)) removeDeleted({ disk: directory.disk, logger: this.logger }, name)
        else if (this.futures.sweep(directory, name, this.logger)) continue
        else if (name !== METADATA_FOLDER) await this.openFolder({ directory, name, known }, expected)
      }
      this.opened.add(directory)
    }
  }

  /** Under which the broker's last life ended cleanly in every directory; -1: it did not, or the logs are in memory. */
  get previousBrokerEpoch(): number {
    return commonEpoch(this.ports.directories.map((one) => this.checkpoints.get(one)))
  }

  private async openFolder(
    { directory, name, known }: { directory: LogDir; name: string; known: ReturnType<DirCheckpoints['begin']> },
    expected: (topic: string) => ExpectedTopic | null,
  ): Promise<void> {
    const match = PARTITION_FOLDER.exec(name)
    if (match === null || !isFolder(directory.disk, name)) return
    const topic = match[1]!
    const partition = Number(match[2])
    const now = expected(topic)
    try {
      const claim = directory.claimOf(name)
      if (now === null || partition >= now.partitionCount || (claim !== null && claim !== now.topicId)) {
        this.setAside(directory, name, now === null)
        return
      }
      if (claim === null) directory.claim(name, now.topicId)
      const options = { ...this.logOptions(topic, partition, now.config), known: known(topic, partition) }
      const log = await PartitionLog.open(options, this.logPorts(directory))
      this.openedWith.set(log, options.known)
      const twin = this.topics.get(topic)?.get(partition)
      if (twin === undefined) this.put({ log, directory })
      else await this.keepLonger(twin, { log, directory }, name)
    } catch (error) {
      const offsets = { topic, partition, highWatermark: -1, cleanedOffset: null, ...known(topic, partition) }
      this.unopened.set(name, { error, directory, offsets })
      this.logger.error(`The log of ${name} in ${directory.path} cannot be opened: ${String(error)}`)
    }
  }

  /** A crash right after a move leaves two of a log, of which one took records last. The other is kept, and not used. */
  private async keepLonger(one: Held, other: Held, name: string): Promise<void> {
    const [kept, spare] = other.log.endOffset > one.log.endOffset ? [other, one] : [one, other]
    await spare.log.close()
    const aside = setAsideFolder(name, this.ports.random.uuid(), 'stray')
    spare.directory.disk.rename(name, aside)
    this.logger.warn(
      `${name} is in ${kept.directory.path} and in ${spare.directory.path}: the latter is kept as ${aside} and not used.`,
    )
    if (kept === one) return
    this.count(one.directory, -1)
    this.put(other)
  }

  private setAside(directory: LogDir, name: string, isUnknown: boolean): void {
    const aside = setAsideFolder(name, this.ports.random.uuid(), 'stray')
    directory.disk.rename(name, aside)
    const why = isUnknown ? 'no topic of this cluster' : 'an earlier topic of that name'
    this.logger.warn(`${directory.path}/${name} belongs to ${why}: it is kept as ${aside} and not used.`)
  }

  get(topic: string, partition: number): PartitionLog | null {
    return this.topics.get(topic)?.get(partition)?.log ?? null
  }

  /**
   * The log of a partition; made when there is none, in the directory with the fewest. Segments come with the first record; a directory
   * that is kept is told at once whose log it is. @throws DiskError
   */
  create(topic: string, partition: number, config: LogConfig, topicId?: string): PartitionLog {
    const existing = this.get(topic, partition)
    if (existing !== null) return existing
    const options = this.logOptions(topic, partition, config)
    const unopened = this.unopened.get(options.folder)
    if (unopened !== undefined) throw unopened.error
    const directory = this.emptiest()
    if (directory.isDurable && directory.disk.exists(options.folder)) this.setAside(directory, options.folder, false)
    this.checkpoints.get(directory)?.forget(topic, partition, () => this.offsetsIn(directory))
    if (topicId !== undefined) directory.claim(options.folder, topicId)
    const log = new PartitionLog(options, this.logPorts(directory))
    this.put({ log, directory })
    return log
  }

  /** How far a log was committed as its last process noted it; null when nothing is known. */
  knownHighWatermark(log: PartitionLog): number | null {
    return this.openedWith.get(log)?.highWatermark ?? null
  }

  /** Forgets the log at once and removes its files: at once too, unless a write is under way. Does nothing when there is none. */
  delete(topic: string, partition: number): void | Promise<void> {
    const logs = this.topics.get(topic)
    const held = logs?.get(partition)
    if (logs === undefined || held === undefined) return
    logs.delete(partition)
    if (logs.size === 0) this.topics.delete(topic)
    this.count(held.directory, -1)
    this.dropFuture(topic, partition)
    return held.log.delete()
  }

  /** `producer.id.expiration.ms` has changed, for the logs there are and those to come. */
  updateProducerIdExpiration(ms: number): void {
    this.producerIdExpirationMs = ms
    for (const log of this.list()) log.updateProducerIdExpiration(ms)
  }

  *list(): IterableIterator<PartitionLog> {
    for (const logs of this.topics.values()) for (const { log } of logs.values()) yield log
  }

  /** Writes what all logs have accepted: the server calls it once per socket read, before it sends answers. */
  readonly flushPending = (): void => this.shared.turn.flush()

  /** `call` is called whenever sealed segments have become durable. */
  onSealedSynced(call: () => void): void {
    this.shared.onSealedSynced = call
  }

  /** Makes everything durable. Rejects with the first DiskError; the others are in the logs' `offline`. */
  async flush(): Promise<void> {
    await settle([...this.list()].map((log) => log.flush()))
  }

  /** Notes how far the logs are synced; every restart after a crash looks at what is above. */
  checkpointRecoveryPoints(): Promise<void> {
    return this.checkpoint((checkpoints, logs) => checkpoints.writeRecoveryPoints(logs))
  }

  get isDurable(): boolean {
    return this.checkpoints.size > 0
  }

  checkpointLogStarts(): Promise<void> {
    return this.checkpoint((checkpoints, logs) => checkpoints.writeLogStarts(logs))
  }

  /** The same for the directory of one log alone. Nothing is to be noted of a log that is gone, or in memory. */
  async checkpointLogStartOf(topic: string, partition: number): Promise<void> {
    const directory = this.topics.get(topic)?.get(partition)?.directory
    if (directory !== undefined) await this.checkpoints.get(directory)?.writeLogStarts(this.offsetsIn(directory))
  }

  checkpointHighWatermarks(): Promise<void> {
    return this.checkpoint((checkpoints, logs) => checkpoints.writeHighWatermarks(logs))
  }

  /** Notes how far compaction has come: without it a restart begins it anew. */
  checkpointCleaned(): Promise<void> {
    return this.checkpoint((checkpoints, logs) => checkpoints.writeCleaned(logs))
  }

  /**
   * Writes what is left, syncs what is kept and closes every file. A directory all of whose logs could be is marked as cleanly closed.
   * With the epoch null nothing is noted. Rejects with the first DiskError, after everything has been tried.
   */
  async close(brokerEpoch: number | null = -1): Promise<void> {
    const copies = this.futures.close()
    await copies.catch(() => {}) // Begun anew at the next start: no log is the worse for it.
    const closing = this.ports.directories.map((directory) => this.closeDirectory(directory, brokerEpoch))
    const outcome = settle([copies, ...closing])
    this.topics.clear()
    await outcome
  }

  private async closeDirectory(directory: LogDir, brokerEpoch: number | null): Promise<void> {
    const logs = this.logsIn(directory)
    const checkpoints = this.checkpoints.get(directory)
    try {
      if (checkpoints !== undefined) await settle(logs.map((log) => (log.offline ? Promise.resolve() : log.flush())))
    } finally {
      // As they are before they close: a closed log knows nothing any more.
      const offsets = this.offsetsOf(logs, directory)
      const isWhole = directory.failure === null && this.opened.has(directory) && logs.every((log) => !log.offline)
      await settle(logs.map((log) => log.close()))
      if (isWhole && brokerEpoch !== null) await checkpoints?.end(offsets, brokerEpoch)
    }
  }

  private checkpoint(write: (checkpoints: DirCheckpoints, logs: LogOffsets[]) => Promise<void>): Promise<void> {
    const usable = [...this.checkpoints].filter(([one]) => one.failure === null && this.opened.has(one))
    return settle(usable.map(([directory, checkpoints]) => write(checkpoints, this.offsetsIn(directory))))
  }

  private offsetsIn(directory: LogDir): LogOffsets[] {
    return this.offsetsOf(this.logsIn(directory), directory)
  }

  private offsetsOf(logs: readonly PartitionLog[], directory: LogDir): LogOffsets[] {
    const offsets = logs.map((log) => {
      const { topic, partition } = log
      const known = log.offline ? this.openedWith.get(log) : undefined
      return {
        topic,
        partition,
        recoveryPoint: log.recoveryPoint,
        logStartOffset: log.logStartOffset,
        highWatermark: this.ports.highWatermark?.(topic, partition) ?? known?.highWatermark ?? -1,
        cleanedOffset: log.body.cleanedOffset,
      }
    })
    for (const one of this.unopened.values()) if (one.directory === directory) offsets.push({ ...one.offsets })
    return offsets
  }

  private logsIn(directory: LogDir): PartitionLog[] {
    const logs: PartitionLog[] = []
    for (const ofTopic of this.topics.values()) {
      for (const held of ofTopic.values()) if (held.directory === directory) logs.push(held.log)
    }
    return logs
  }

  describe(): LogDirectory[] {
    return this.ports.directories.map((directory) => {
      const shown = { directory: directory.path, isOffline: directory.failure !== null }
      if (shown.isOffline) return { ...shown, isCordoned: false, totalBytes: -1, usableBytes: -1, logs: [] }
      const future = Array.from(this.futures.in(directory), ({ log }) => described(log, true))
      const logs = [...this.logsIn(directory).map((log) => described(log, false)), ...future]
      return { ...shown, isCordoned: directory.isCordoned, ...directory.disk.space(), logs }
    })
  }

  /** The directory of this path; null when there is none. */
  directoryAt(path: string): LogDir | null {
    return this.ports.directories.find((directory) => directory.path === path) ?? null
  }

  directoryOf(topic: string, partition: number): LogDir | null {
    return this.topics.get(topic)?.get(partition)?.directory ?? null
  }

  futureOf(topic: string, partition: number): FutureLog | null {
    return this.futures.get(topic, partition)
  }

  /** Copies that the last run did not finish; each is told once. */
  takeInterruptedMoves(): InterruptedMove[] {
    return this.futures.interrupted.splice(0)
  }

  /** An empty log of a partition that is here, in another directory: to be filled, and then promoted or dropped. @throws DiskError */
  beginFuture(current: PartitionLog, directory: LogDir, topicId: string): PartitionLog {
    const options = this.logOptions(current.topic, current.partition, current.config)
    return this.futures.begin(options.folder, this.ports.random.uuid(), directory, (disk) => {
      directory.claim(disk.standIn, topicId)
      return new PartitionLog(options, { ...this.logPorts(directory), disk })
    })
  }

  dropFuture(topic: string, partition: number): void {
    const future = this.futures.take(topic, partition)
    if (future === null) return
    this.inBackground(future.log.delete(), `What was copied of ${topic}-${partition}`)
  }

  /** The future log takes the place of the current one, whose files go. In this turn; when it throws nothing has changed. @throws DiskError */
  promoteFuture(topic: string, partition: number): PartitionLog {
    const { log, directory, disk } = this.futures.get(topic, partition)!
    const held = this.topics.get(topic)!.get(partition)!
    this.checkpoints.get(directory)?.forget(topic, partition, () => this.offsetsIn(directory))
    disk.promote()
    this.futures.take(topic, partition)
    this.count(held.directory, -1)
    this.put({ log, directory })
    this.inBackground(held.log.delete(), `What ${topic}-${partition} had in ${held.directory.path}`)
    return log
  }

  private inBackground(removal: void | Promise<void>, what: string): void {
    if (!(removal instanceof Promise)) return
    removal.catch((error: unknown) => this.logger.error(`${what} could not be removed: ${String(error)}`))
  }

  /** A log has gone offline: by itself, or because its directory cannot be used? */
  private noteFailure(directory: LogDir, error: unknown): void {
    if (directory.failure !== null || !directory.isDurable || !directory.isToBlame(error)) return
    directory.failure = error
    this.logger.error(
      `The log directory ${directory.path} has failed, and its partitions are offline: ${String(error)}`,
    )
    for (const log of this.logsIn(directory)) log.takeOffline(error)
    // A copy must not arrive where nothing is noted any more.
    for (const { log } of this.futures.in(directory)) log.takeOffline(error)
    const isLast = this.ports.directories.every(({ failure }) => failure !== null)
    this.ports.onDirectoryFailed?.(directory, isLast)
  }

  private put(held: Held): void {
    const { topic, partition } = held.log
    let logs = this.topics.get(topic)
    if (logs === undefined) this.topics.set(topic, (logs = new Map()))
    logs.set(partition, held)
    this.count(held.directory, 1)
  }

  private count(directory: LogDir, more: number): void {
    this.counts.set(directory, (this.counts.get(directory) ?? 0) + more)
  }

  private emptiest(): LogDir {
    const count = (directory: LogDir): number => this.counts.get(directory) ?? 0
    const { directories } = this.ports
    const working = directories.filter(({ failure }) => failure === null)
    const open = working.filter(({ isCordoned }) => !isCordoned)
    const [first, ...others] = open.length > 0 ? open : working
    if (first === undefined) throw directories[0]!.failure
    return others.reduce((best, other) => (count(other) < count(best) ? other : best), first)
  }

  private logOptions(topic: string, partition: number, config: LogConfig) {
    const { producerIdExpirationMs } = this
    const { maxProducers } = this.options
    return {
      topic,
      partition,
      folder: `${topic}-${partition}`,
      config,
      ...(producerIdExpirationMs === undefined ? {} : { producerIdExpirationMs }),
      ...(maxProducers === undefined ? {} : { maxProducers }),
    }
  }

  private logPorts(directory: LogDir) {
    const { clock, random } = this.ports
    const { logger, shared } = this
    const onOffline = (error: unknown): void => this.noteFailure(directory, error)
    const onCut = () => this.checkpoints.get(directory)?.writeLowered(this.offsetsIn(directory))
    return { disk: directory.disk, clock, random, logger, shared, onOffline, onCut }
  }
}

function described({ topic, partition, sizeInBytes, endOffset }: PartitionLog, isFuture: boolean): LogInDirectory {
  return { topic, partition, sizeInBytes, endOffset, isFuture }
}
