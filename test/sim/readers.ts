/** Consumers without a group: they follow every partition, uncommitted or committed, and hold what they see against the history. */
import { ErrorCode, errorName, Fetch, batchHeader as header, ListOffsets } from '../../protocol/index.js'
import { batchesIn, recordsOf } from './batches.js'
import type { Ground } from './ground.js'
import type { PartitionHistory, Seen } from './history.js'
import { type Client, NoAnswer } from './rpc.js'
import { type Chance, Violation } from './world.js'

export const UNCOMMITTED = 0
export const COMMITTED = 1

/** Errors that a healthy broker gives while it starts, and that go away. */
export const PASSING: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.NOT_CONTROLLER,
  ErrorCode.OFFSET_NOT_AVAILABLE,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
])

export interface Fetched {
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly seen: Seen[]
  /** Where to go on. */
  readonly next: number
}

export interface FetchOptions {
  readonly isolation: number
  readonly maxWaitMs?: number
  readonly maxBytes?: number
  readonly version?: number
}

/** One Fetch for one partition, with what a client's library does to the answer: aborted batches and markers left out when committed. */
export async function fetchOnce(
  rpc: Client,
  history: PartitionHistory,
  offset: number,
  options: FetchOptions,
): Promise<Fetched> {
  const { isolation, maxWaitMs = 0, maxBytes = 1 << 20, version = 12 } = options
  const partition = { partition: history.partition, fetchOffset: offset, partitionMaxBytes: maxBytes }
  const request = {
    maxWaitMs,
    minBytes: 1,
    maxBytes,
    isolationLevel: isolation,
    topics: [{ topic: history.topic, partitions: [partition] }],
    forgottenTopicsData: [],
  }
  const answer = await rpc.call(Fetch, version, request, 3000 + maxWaitMs)
  const one = answer.responses[0]?.partitions[0]
  if (one === undefined) throw new Violation(`A fetch of ${history.name} was answered without the partition.`)
  const aborted = [...(one.abortedTransactions ?? [])].sort((a, b) => a.firstOffset - b.firstOffset)
  const seen: Seen[] = []
  let next = offset
  const bytes = (one.records as Buffer | null) ?? Buffer.alloc(0)
  const open = new Set<number>()
  for (const at of batchesIn(bytes)) {
    const last = header.lastOffset(bytes, at)
    if (last >= next) next = last + 1
    const producerId = header.producerId(bytes, at)
    while (aborted.length > 0 && aborted[0]!.firstOffset <= last) open.add(aborted.shift()!.producerId)
    if (isolation === COMMITTED) {
      if (header.isControl(bytes, at)) open.delete(producerId)
      else if (header.isTransactional(bytes, at) && open.has(producerId)) continue
    }
    for (const record of recordsOf(bytes, at)) if (record.offset >= offset) seen.push(record)
  }
  const { errorCode, highWatermark, lastStableOffset, logStartOffset } = one
  return { errorCode, highWatermark, lastStableOffset, logStartOffset, seen, next }
}

/** The log's start (-2) or end (-1); null while the broker cannot say. */
export async function listOffset(
  rpc: Client,
  history: PartitionHistory,
  timestamp: number,
  isolation = UNCOMMITTED,
): Promise<number | null> {
  const partitions = [{ partitionIndex: history.partition, timestamp }]
  const request = { replicaId: -1, isolationLevel: isolation, topics: [{ name: history.topic, partitions }] }
  const answer = (await rpc.call(ListOffsets, 5, request)).topics[0]!.partitions[0]!
  if (PASSING.has(answer.errorCode)) return null
  if (answer.errorCode !== ErrorCode.NONE) {
    throw new Violation(`ListOffsets of ${history.name} was answered with ${errorName(answer.errorCode)}.`)
  }
  return answer.offset
}

export class Reader {
  readonly #chance: Chance
  readonly #rpc: Client
  readonly #positions = new Map<PartitionHistory, number>()
  readonly #version: number

  constructor(
    readonly name: string,
    readonly isolation: number,
    readonly histories: readonly PartitionHistory[],
    readonly ground: Ground,
  ) {
    this.#chance = ground.world.chance(name)
    this.#rpc = ground.rpc(name)
    // From 11 on a follower answers, too (KIP-392), when metadata is old: it knows less of what is committed.
    this.#version = this.#chance.between(4, ground.isCluster ? 10 : 12)
  }

  async run(): Promise<void> {
    const { ground } = this
    while (!ground.ending) {
      try {
        await this.#step(this.#chance.pick(this.histories))
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error
        ground.counts.unanswered++
      }
      await ground.world.sleep(this.#chance.between(0, 30))
    }
  }

  async #step(history: PartitionHistory): Promise<void> {
    const { ground, isolation } = this
    const offset = this.#positions.get(history) ?? 0
    const { losses } = ground
    const age = ground.ageOf(history)
    const before = { highWatermark: history.highWatermarkAt(age), start: history.start }
    if (ground.isCluster && this.#chance.happens(0.1)) await this.#end(history)
    const maxBytes = this.#chance.pick([1, 500, 5000, 1 << 20])
    const options = { isolation, maxBytes, maxWaitMs: this.#chance.pick([0, 0, 20]), version: this.#version }
    const got = await fetchOnce(this.#rpc, history, offset, options)
    if (PASSING.has(got.errorCode)) return
    if (got.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      await this.#outOfRange(history, offset)
      return
    }
    if (got.errorCode !== ErrorCode.NONE) {
      throw new Violation(`${this.name} read ${history.name} at ${offset} and got ${errorName(got.errorCode)}.`)
    }
    ground.world.say(
      this.name,
      `${history.name} ${offset}..${got.next} hw ${got.highWatermark} lso ${got.lastStableOffset}`,
    )
    // What an answer from before a crash says has been overtaken.
    const sameAge = age === ground.ageOf(history)
    if (!ground.isCluster && (!sameAge || losses !== ground.losses || !ground.host.running)) return
    // A new leader may know less of what is committed than the one before; what has been shown is there all the same.
    if (!sameAge) before.highWatermark = 0
    this.#judge(history, got, before, sameAge)
    this.#positions.set(history, got.next)
  }

  /** The end that a client is told never goes back, whoever leads (KIP-207). */
  async #end(history: PartitionHistory): Promise<void> {
    const { shownEnd } = history
    const end = await listOffset(this.#rpc, history, -1)
    if (end === null) return
    if (end < shownEnd) throw new Violation(`${history.name}: the end went back from ${shownEnd} to ${end}.`)
    history.shownEnd = Math.max(history.shownEnd, end)
  }

  #judge(
    history: PartitionHistory,
    got: Fetched,
    before: { highWatermark: number; start: number },
    sameAge: boolean,
  ): void {
    const { ground, isolation } = this
    if (got.lastStableOffset > got.highWatermark) {
      throw new Violation(
        `${history.name}: the last stable offset ${got.lastStableOffset} is above the high watermark ${got.highWatermark}.`,
      )
    }
    history.sawHighWatermark(got.highWatermark, before.highWatermark, sameAge)
    const bound = isolation === COMMITTED ? got.lastStableOffset : got.highWatermark
    for (const seen of got.seen) {
      if (seen.offset >= bound)
        throw new Violation(
          `${this.name} was shown offset ${seen.offset} of ${history.name}, at or above the bound ${bound}.`,
        )
      const { attempt } = history.saw(seen, before.start)
      ground.counts.read++
      const transaction = attempt?.transaction
      if (isolation !== COMMITTED || transaction == null) continue
      const { compacted, replicated } = history.rules
      if (compacted && replicated && transaction.state === 'aborted') continue
      if (transaction.state === 'open' || transaction.state === 'aborting' || transaction.state === 'aborted') {
        throw new Violation(
          `${history.name}: a committed reader was shown offset ${seen.offset} of transaction ${transaction.id}, which is ${transaction.state}.`,
        )
      }
    }
  }

  async #outOfRange(history: PartitionHistory, offset: number): Promise<void> {
    const { start, startAsked, rules, losses } = history
    if (offset >= Math.max(start, startAsked) && !rules.expires && losses === 0) {
      throw new Violation(
        `${this.name} read ${history.name} at ${offset}, which was there, and got OFFSET_OUT_OF_RANGE.`,
      )
    }
    const first = await listOffset(this.#rpc, history, -2)
    if (first !== null) this.#positions.set(history, first)
  }
}
