/** What a broker holds at the end of a run, read batch by batch with plain Fetch requests. */

import { decompress, prepareCodec } from '../../lib/log/compression/index.js'
import {
  decodeBatch,
  ErrorCode,
  errorName,
  Fetch,
  forEachBatch,
  batchHeader as header,
  ListOffsets,
  OffsetFetch,
  parseControlType,
} from '../../protocol/index.js'
import type { RawClient } from '../support/raw-client.js'
import { identityOf } from './events.js'

export interface FinalRecord {
  readonly offset: number
  readonly key: string | null
  readonly identity: string
  /** The whole value. Only the word count's are short enough to be kept. */
  readonly value: string | null
  readonly producerId: number
  /** A reader of committed records sees it. */
  visible: boolean
}

export interface FinalBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
  readonly control: boolean
}

export interface FinalPartition {
  readonly topic: string
  readonly partition: number
  readonly startOffset: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly batches: readonly FinalBatch[]
  readonly records: readonly FinalRecord[]
}

const FETCH_VERSION = 11
const EARLIEST = -2
const ABORT_MARKER = 0
const KEPT_VALUE_BYTES = 64

/** An answer with an error code. */
class Refused extends Error {
  override readonly name = 'Refused'
  constructor(
    readonly code: number,
    what: string,
  ) {
    super(`${what}: ${errorName(code)}`)
  }
}

function refuse(code: number, what: string): void {
  if (code !== ErrorCode.NONE) throw new Refused(code, what)
}

/** A broker that has just started may still be loading, and retention may remove a segment between two questions. */
const PASSING: ReadonlySet<number> = new Set([
  ErrorCode.OFFSET_OUT_OF_RANGE,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.UNSTABLE_OFFSET_COMMIT,
])
const PATIENCE_MS = 60_000

/** Asks again while the error may pass. Whom, is asked anew as well: leaders move to where they are preferred. */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const limit = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof Refused && PASSING.has(error.code)) || performance.now() > limit) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

interface Fetched {
  readonly records: Buffer
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly aborted: readonly { producerId: number; firstOffset: number }[]
}

async function fetch(client: RawClient, topic: string, partition: number, offset: number, committed: boolean) {
  const answer = await client.send(Fetch, FETCH_VERSION, {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 8 << 20,
    isolationLevel: committed ? 1 : 0,
    topics: [{ topic, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: 4 << 20 }] }],
  })
  const found = answer.responses[0]!.partitions[0]!
  refuse(answer.errorCode || found.errorCode, `${topic}-${partition} cannot be read at ${offset}`)
  const fetched: Fetched = {
    records: found.records ?? Buffer.alloc(0),
    highWatermark: found.highWatermark,
    lastStableOffset: found.lastStableOffset,
    aborted: found.abortedTransactions ?? [],
  }
  return fetched
}

async function startOf(client: RawClient, topic: string, partition: number): Promise<number> {
  const answer = await client.send(ListOffsets, 5, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: EARLIEST }] }],
  })
  const found = answer.topics[0]!.partitions[0]!
  refuse(found.errorCode, `the first offset of ${topic}-${partition} is not told`)
  return found.offset
}

/** High watermark and last stable offset; a difference means an open transaction. */
export async function ends(client: RawClient, topic: string, partition: number): Promise<[number, number]> {
  const { highWatermark, lastStableOffset } = await fetch(
    client,
    topic,
    partition,
    await startOf(client, topic, partition),
    true,
  )
  return [highWatermark, lastStableOffset]
}

export async function readPartition(client: RawClient, topic: string, partition: number): Promise<FinalPartition> {
  return readFrom(client, topic, partition, await startOf(client, topic, partition))
}

async function readFrom(
  client: RawClient,
  topic: string,
  partition: number,
  startOffset: number,
): Promise<FinalPartition> {
  const batches: FinalBatch[] = []
  const records: FinalRecord[] = []
  let at = startOffset
  let last = await fetch(client, topic, partition, at, false)
  while (at < last.highWatermark) {
    last = await fetch(client, topic, partition, at, false)
    const before = at
    for (const batch of await batchesOf(last.records)) {
      if (header.lastOffset(batch) < at) continue
      batches.push(describe(batch))
      if (!header.isControl(batch)) records.push(...recordsOf(batch))
      at = header.lastOffset(batch) + 1
    }
    // A compacted log may end in a gap.
    if (at === before) break
  }
  const visible = await visibleOffsets(client, topic, partition, startOffset, last.lastStableOffset)
  for (const record of records) record.visible = visible.has(record.offset)
  const { highWatermark, lastStableOffset } = last
  return { topic, partition, startOffset, highWatermark, lastStableOffset, batches, records }
}

/** What a reader of committed records is shown: it drops what the fetched list of aborted transactions names (KIP-98). */
async function visibleOffsets(client: RawClient, topic: string, partition: number, from: number, to: number) {
  const visible = new Set<number>()
  let at = from
  while (at < to) {
    const before = at
    const fetched = await fetch(client, topic, partition, at, true)
    const coming = [...fetched.aborted].sort((one, other) => one.firstOffset - other.firstOffset)
    const aborting = new Set<number>()
    for (const batch of await batchesOf(fetched.records)) {
      const lastOffset = header.lastOffset(batch)
      while (coming.length > 0 && coming[0]!.firstOffset <= lastOffset) aborting.add(coming.shift()!.producerId)
      const producerId = header.producerId(batch)
      if (header.isControl(batch)) {
        if (parseControlType(decodeBatch(batch)[0]!.key) === ABORT_MARKER) aborting.delete(producerId)
      } else if (!(header.isTransactional(batch) && aborting.has(producerId))) {
        for (const { offset } of decodeBatch(batch, decompress)) if (offset >= from) visible.add(offset)
      }
      at = Math.max(at, lastOffset + 1)
    }
    if (at === before) break
  }
  return visible
}

async function batchesOf(set: Buffer): Promise<Buffer[]> {
  const found: Buffer[] = []
  forEachBatch(set, (at) => found.push(set.subarray(at, at + header.sizeInBytes(set, at))))
  for (const batch of found) await prepareCodec(header.compressionCode(batch))
  return found
}

function describe(batch: Buffer): FinalBatch {
  return {
    baseOffset: header.baseOffset(batch),
    lastOffset: header.lastOffset(batch),
    producerId: header.producerId(batch),
    producerEpoch: header.producerEpoch(batch),
    baseSequence: header.baseSequence(batch),
    recordCount: header.lastOffsetDelta(batch) + 1,
    control: header.isControl(batch),
  }
}

function recordsOf(batch: Buffer): FinalRecord[] {
  const producerId = header.producerId(batch)
  return decodeBatch(batch, decompress).map(({ offset, key, value }) => {
    const text = value?.toString() ?? null
    return {
      offset,
      key: key?.toString() ?? null,
      identity: identityOf(text ?? ''),
      value: text !== null && text.length <= KEPT_VALUE_BYTES ? text : null,
      producerId,
      visible: false,
    }
  })
}

/** The committed offset of a group in a partition; -1 when there is none. */
export async function committedOffset(
  client: RawClient,
  group: string,
  topic: string,
  partition: number,
): Promise<number> {
  const answer = await client.send(OffsetFetch, 7, {
    requireStable: true,
    groupId: group,
    topics: [{ name: topic, partitionIndexes: [partition] }],
  })
  const found = answer.topics[0]?.partitions[0]
  refuse(answer.errorCode || (found?.errorCode ?? 0), `the offset of group ${group} is not told`)
  return found?.committedOffset ?? -1
}
