/**
 * Follows one leader: a loop of Fetch requests for every partition that this broker replicates from it (Kafka's ReplicaFetcherThread).
 *
 * - An answer is worked off in the turn in which it is read: its records go from the read buffer into the log, copied once.
 * - The next request says by its offsets what this broker *has*, so it leaves only when everything appended is written, and new log
 *   starts are noted: the leader tells whoever deletes records that they are gone everywhere.
 * - A fetch session (KIP-227) keeps idle partitions out of requests and answers: they cost nothing.
 * - Diverging logs are cut where the answer says (KIP-595): no extra request in the normal case.
 */
import { ErrorCode, Fetch, type ResponseOf } from '../../../protocol/index.js'
import type { Partition } from '../../broker/partition/partition.js'
import type { Timer } from '../../host/clock.js'
import { PeerLost } from '../peer.js'
import type { FetcherOptions, FetcherPorts } from './fetcher-ports.js'
import type { FetchInput, Followed } from './followed.js'
import { asked, isAnswered, isCurrent, keyOf, NO_RECORDS, newFollowed, nextEpoch, sameState } from './followed.js'
import { EARLIEST, LATEST, offsetOfLeader } from './leader-offsets.js'
import { Nudges } from './nudge.js'
import { truncationPoint } from './truncation.js'

type FetchedPartition = ResponseOf<typeof Fetch>['responses'][number]['partitions'][number]

const FETCH_VERSION = 18
const FIRST_BACKOFF_MS = 10
const SESSION_ERRORS: ReadonlySet<number> = new Set([
  ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  ErrorCode.INVALID_FETCH_SESSION_EPOCH,
  ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
])

export class ReplicaFetcher {
  readonly #options: FetcherOptions
  readonly #ports: FetcherPorts
  readonly #followed = new Map<string, Followed>()
  /** Whose state may differ from what the session has: looked at for the next request. The others cost nothing. */
  readonly #stale = new Set<Followed>()
  /** Not asked for at present: their log is being cut, or they wait out a failure. */
  readonly #resting = new Set<Followed>()
  /** What may have something that is not written yet. */
  readonly #appended = new Set<Partition>()
  /** Whose log starts later than a restart would know. */
  readonly #unnoted = new Set<Partition>()
  /** In the session of the leader, and to be dropped from it. */
  readonly #forgotten = new Map<string, { topicId: string; partition: number }>()
  #session = { id: 0, epoch: 0 }
  #running = false
  #closed = false
  #wake: Timer | null = null
  readonly #nudges: Nudges

  constructor(options: FetcherOptions, ports: FetcherPorts) {
    this.#options = options
    this.#ports = ports
    this.#nudges = new Nudges(ports.clock, ports.nudge)
  }

  get isEmpty(): boolean {
    return this.#followed.size === 0
  }

  add(partition: Partition): void {
    const key = keyOf(partition)
    const { leaderEpoch } = partition
    const known = this.#followed.get(key)
    if (known?.leaderEpoch === leaderEpoch && known.partition === partition) return
    if (known !== undefined) this.#drop(known)
    const followed = newFollowed(partition, known?.sent ?? null)
    // Same partition, other epoch: the session's entry is replaced, not forgotten.
    this.#forgotten.delete(key)
    this.#followed.set(key, followed)
    this.#appended.add(partition)
    this.#stale.add(followed)
    this.#kick()
    this.#nudges.now()
  }

  remove(at: { readonly topicId: string; readonly partition: number }): void {
    const key = keyOf(at)
    const known = this.#followed.get(key)
    if (known === undefined) return
    this.#followed.delete(key)
    this.#drop(known)
    if (known.sent !== null) this.#forgotten.set(key, { topicId: at.topicId, partition: at.partition })
  }

  #drop(followed: Followed): void {
    this.#stale.delete(followed)
    this.#resting.delete(followed)
  }

  /** What was held back may be taken now. */
  throttleChanged(): void {
    for (const followed of this.#resting) if (followed.heldBack) followed.notBeforeMs = 0
    this.#kick()
    this.#nudges.now()
  }

  close(): void {
    this.#closed = true
    this.#wake?.cancel()
    this.#nudges.close()
    this.#ports.peer.close()
    this.#followed.clear()
  }

  /** Goes on in the next turn, so that a change of many partitions becomes one request. */
  #kick(delayMs = 0): void {
    if (this.#closed || this.#running) return
    this.#wake?.cancel()
    this.#wake = this.#ports.clock.setTimer(delayMs, () => {
      this.#wake = null
      void this.#run()
    })
  }

  /** Orchestrator: after every await what is followed is looked up again. */
  async #run(): Promise<void> {
    if (this.#running) return
    this.#running = true
    let delayMs: number | null = null
    try {
      while (!this.#closed && this.#followed.size > 0) {
        await this.#written()
        if (this.#closed) break
        this.#endRests()
        const request = this.#nextRequest()
        if (request === null) {
          delayMs = this.#endRests()
          break
        }
        const cuts = await this.#ask(request)
        for (const cut of cuts) await cut()
      }
    } catch (error) {
      delayMs = this.#options.settings.backoffMs
      this.#reset()
      if (!this.#closed) this.#sayFailure(error)
    } finally {
      this.#running = false
    }
    if (delayMs !== null) this.#kick(delayMs)
  }

  async #ask(request: FetchInput): Promise<(() => Promise<void>)[]> {
    const { peer } = this.#ports
    const use = (response: ResponseOf<typeof Fetch>) => this.#onAnswer(response)
    this.#nudges.begin()
    try {
      return await peer.request(Fetch, FETCH_VERSION, request, use, this.#options.settings.maxWaitMs)
    } finally {
      this.#nudges.end()
    }
  }

  #sayFailure(error: unknown): void {
    const { logger } = this.#ports
    const message = `Following broker ${this.#options.leaderId} was interrupted: ${error instanceof Error ? error.message : String(error)}`
    if (error instanceof PeerLost) logger.info(message)
    else logger.error(message, { error: error instanceof Error ? error.stack : String(error) })
  }

  /** Everything is asked for anew. A session that the leader may still have is named, so that it ends there (KIP-227). */
  #reset(hasEnded = false): void {
    this.#session = { id: hasEnded ? 0 : this.#session.id, epoch: 0 }
    this.#forgotten.clear()
    this.#askAll()
  }

  #askAll(): void {
    for (const followed of this.#followed.values()) {
      followed.sent = null
      if (!this.#resting.has(followed)) this.#stale.add(followed)
    }
  }

  /** Those whose rest is over take part again; returns how long the others have to wait. */
  #endRests(): number {
    const now = this.#ports.clock.monotonic()
    let leastMs = this.#options.settings.backoffMs
    for (const followed of this.#resting) {
      if (followed.busy) continue
      if (followed.notBeforeMs > now) leastMs = Math.min(leastMs, followed.notBeforeMs - now)
      else {
        this.#resting.delete(followed)
        this.#stale.add(followed)
        followed.heldBack = false
      }
    }
    return leastMs
  }

  #rest(followed: Followed): void {
    this.#resting.add(followed)
    this.#stale.delete(followed)
    const { topicId, partition } = followed.partition
    if (followed.sent !== null) this.#forgotten.set(keyOf(followed.partition), { topicId, partition })
    followed.sent = null
  }

  /** What has changed since the session's last request; null while every partition has to wait. */
  #nextRequest(): FetchInput | null {
    const { settings, brokerId } = this.#options
    const { throttle } = this.#ports
    if (this.#resting.size === this.#followed.size) return null
    const topics = new Map<string, ReturnType<typeof asked>[]>()
    for (const followed of this.#stale) {
      const { partition } = followed
      const { log, highWatermark } = partition
      // The disk has failed: what was accepted is not there, and a leader would take the offset for an acknowledgement.
      if (log.offline || log.writtenOffset < log.endOffset || this.#unnoted.has(partition)) {
        this.#backOff(followed)
        continue
      }
      if (!followed.isInSync && throttle.holdsBack(partition.topic, partition.partition)) {
        followed.heldBack = true
        this.#restFor(followed, Math.min(throttle.rate.waitMs, settings.backoffMs))
        continue
      }
      const state = { offset: log.endOffset, epoch: log.latestEpoch, highWatermark, start: log.logStartOffset }
      if (sameState(followed.sent, state)) continue
      followed.sent = state
      this.#forgotten.delete(keyOf(partition))
      let partitions = topics.get(partition.topicId)
      if (partitions === undefined) topics.set(partition.topicId, (partitions = []))
      partitions.push(asked(followed, state, settings.partitionMaxBytes))
    }
    this.#stale.clear()
    if (this.#resting.size === this.#followed.size) return null
    const forgotten = [...this.#forgotten.values()]
    this.#forgotten.clear()
    return {
      replicaState: { replicaId: brokerId, replicaEpoch: this.#ports.brokerEpoch() },
      maxWaitMs: settings.maxWaitMs,
      minBytes: settings.minBytes,
      maxBytes: settings.responseMaxBytes,
      isolationLevel: 0,
      sessionId: this.#session.id,
      sessionEpoch: this.#session.epoch,
      topics: Array.from(topics, ([topicId, partitions]) => ({ topicId, partitions })),
      forgottenTopicsData: forgotten.map(({ topicId, partition }) => ({ topicId, partitions: [partition] })),
      rackId: '',
    }
  }

  /** Synchronous: the records are views. Returns what has to be done afterwards, and takes time. */
  #onAnswer(response: ResponseOf<typeof Fetch>): (() => Promise<void>)[] {
    if (response.errorCode !== ErrorCode.NONE) return this.#onRefusal(response.errorCode)
    const { id, epoch } = this.#session
    this.#session =
      response.sessionId === 0
        ? { id: 0, epoch: 0 }
        : { id: response.sessionId, epoch: id === 0 ? 1 : nextEpoch(epoch) }
    const later: (() => Promise<void>)[] = []
    for (const { topicId, partitions } of response.responses) {
      for (const fetched of partitions) {
        const followed = this.#followed.get(keyOf({ topicId, partition: fetched.partitionIndex }))
        if (followed === undefined) continue
        this.#stale.add(followed)
        const work = this.#onPartition(followed, fetched)
        if (work !== null) later.push(() => this.#cutting(followed, work))
      }
    }
    // Without a session (the leader's cache is full) every request names everything.
    if (response.sessionId === 0) this.#askAll()
    this.#ports.flushPending()
    return later
  }

  /** A session that has ended begins again at once. A leader that refuses to begin one, or refuses for another reason, is asked again later. */
  #onRefusal(errorCode: number): [] {
    const wasFull = this.#session.epoch === 0
    this.#reset(errorCode === ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    if (wasFull || !SESSION_ERRORS.has(errorCode))
      throw new Error(`the leader refuses to be asked (error ${errorCode})`)
    return []
  }

  #onPartition(followed: Followed, fetched: FetchedPartition): (() => Promise<void>) | null {
    if (!isAnswered(followed)) return null
    const { partition } = followed
    if (fetched.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) return () => this.#restart(followed)
    if (fetched.errorCode !== ErrorCode.NONE) {
      this.#backOff(followed)
      return null
    }
    if (fetched.divergingEpoch.epoch >= 0 || fetched.divergingEpoch.endOffset >= 0) {
      const { log, highWatermark } = partition
      const point = truncationPoint(
        { endOffset: log.endOffset, highWatermark, endOffsetForEpoch: (epoch) => log.endOffsetForEpoch(epoch) },
        fetched.divergingEpoch,
      )
      return async () => this.#truncate(followed, point)
    }
    followed.refusals = 0
    const records = fetched.records ?? NO_RECORDS
    if (records.length > 0) this.#appended.add(partition)
    const { logStartOffset } = partition.log
    const errorCode = partition.appendAsFollower(records, {
      leaderEpoch: followed.leaderEpoch,
      highWatermark: fetched.highWatermark,
      logStartOffset: fetched.logStartOffset,
      now: this.#ports.clock.now(),
    })
    if (partition.log.logStartOffset !== logStartOffset) this.#unnoted.add(partition)
    this.#ports.throttle.record(partition.topic, partition.partition, records.length)
    followed.isInSync = partition.log.endOffset >= fetched.highWatermark
    if (errorCode === ErrorCode.NONE) return null
    this.#ports.logger.warn(
      `${partition.topic}-${partition.partition} cannot take what broker ${this.#options.leaderId} sent: error ${errorCode}.`,
    )
    this.#backOff(followed)
    return null
  }

  /**
   * Asked again later, or when the metadata gives the partition another leader. Soon at first: most often the leader has only not heard yet
   * that it leads.
   */
  #backOff(followed: Followed): void {
    this.#restFor(followed, Math.min(FIRST_BACKOFF_MS * 2 ** followed.refusals++, this.#options.settings.backoffMs))
  }

  #restFor(followed: Followed, delayMs: number): void {
    followed.notBeforeMs = this.#ports.clock.monotonic() + delayMs
    this.#rest(followed)
    // When others are asked for meanwhile, it would wait for their answer too.
    this.#nudges.after(delayMs, () => this.#resting.has(followed))
  }

  async #cutting(followed: Followed, work: () => Promise<void>): Promise<void> {
    followed.busy = true
    this.#rest(followed)
    try {
      await work()
    } catch (error) {
      this.#backOff(followed)
      if (error instanceof PeerLost) throw error
      const { topic, partition } = followed.partition
      this.#ports.logger.error(`${topic}-${partition} could not be brought in line with its leader: ${String(error)}`)
    } finally {
      followed.busy = false
    }
  }

  async #truncate(followed: Followed, point: number): Promise<void> {
    // Other logs were cut before this one, and it may have another leader by now, or be about to be closed.
    if (this.#closed || !isCurrent(followed)) return
    const { topic, partition: index, log, highWatermark } = followed.partition
    const message = `${topic}-${index} is cut from offset ${log.endOffset} to ${point}: its leader, broker ${this.#options.leaderId}, has another history from there.`
    if (point < highWatermark)
      this.#ports.logger.warn(`${message} Records below the high watermark ${highWatermark} are lost.`)
    else if (point < log.endOffset) this.#ports.logger.info(message)
    await followed.partition.truncateTo(point)
  }

  /**
   * The offset is not in the leader's log. A. The leader ends before this log (an unclean election): cut to its end. B. This log ends
   * before the leader begins (it was away for long): begin anew at the leader's start.
   */
  async #restart(followed: Followed): Promise<void> {
    const { partition, leaderEpoch } = followed
    const latest = await offsetOfLeader(this.#ports.peer, this.#options.brokerId, partition, leaderEpoch, LATEST)
    if (this.#closed || !isCurrent(followed)) return
    if (latest < partition.log.endOffset) return this.#truncate(followed, latest) // A
    const earliest = await offsetOfLeader(this.#ports.peer, this.#options.brokerId, partition, leaderEpoch, EARLIEST)
    if (this.#closed || !isCurrent(followed) || (earliest >= 0 && earliest <= partition.log.endOffset)) return
    this.#ports.logger.info(
      `${partition.topic}-${partition.partition} begins anew at offset ${earliest}: its leader, broker ${this.#options.leaderId}, has nothing older.`,
    )
    await partition.restartAt(earliest) // B
    this.#unnoted.add(partition) // No name of a file may tell: its first batch may begin below.
  }

  /** Resolves when everything that was appended, here or under another leader, is written: only then may the next request claim it. */
  async #written(): Promise<void> {
    for (const partition of this.#appended) {
      this.#appended.delete(partition)
      const { log } = partition
      if (log.writtenOffset < log.endOffset) await log.whenWritten()
    }
    if (this.#unnoted.size > 0) await Promise.all(Array.from(this.#unnoted, (partition) => this.#noteStart(partition)))
  }

  async #noteStart(partition: Partition): Promise<void> {
    const { topic, partition: index } = partition
    try {
      await this.#ports.noteLogStart(topic, index)
      this.#unnoted.delete(partition)
    } catch (error) {
      this.#ports.logger.error(`Where the log of ${topic}-${index} starts could not be noted: ${String(error)}`)
    }
  }
}
