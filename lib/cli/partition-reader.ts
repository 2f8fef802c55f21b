/**
 * Reads a topic without a group, so that nothing is left behind at the broker: partitions from their leaders by plain Fetch requests,
 * committed records only.
 */
import {
  type DecodedRecord,
  decodeBatch,
  decodeRecordSet,
  ErrorCode,
  Fetch,
  forEachBatch,
  batchHeader as header,
  ListOffsets,
  ProtocolError,
  parseControlType,
  type ResponseOf,
  ZERO_UUID,
} from '../../protocol/index.js'
import { decompress, prepareCodec } from '../log/compression/index.js'
import type { ClusterClient } from './cluster-client.js'
import type { RecordSink } from './record-sink.js'
import { refused } from './refused.js'
import { CommandError } from './session.js'
import { ConnectionLost, type WireClient } from './wire-client.js'

const EARLIEST = -2
const LATEST = -1
const READ_COMMITTED = 1
const ABORT_MARKER = 0
/** How long a broker holds a fetch that finds nothing. */
const MAX_WAIT_MS = 500
const FETCH_BYTES = 16 << 20
const PARTITION_BYTES = 1 << 20
/** An election or a restarting broker is waited for; a broker that has gone away is not. */
const ATTEMPTS = 5
const FIRST_DELAY_MS = 100

type FetchedPartition = ResponseOf<typeof Fetch>['responses'][number]['partitions'][number]

/** Errors that fresh metadata may cure. */
const MOVED: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.OFFSET_NOT_AVAILABLE,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
])

/** The leader of a partition has moved, or is being elected. */
class Moved extends Error {
  override readonly name = 'Moved'
  constructor(readonly code: number) {
    super(refused(code).message)
  }
}

export class PartitionReader {
  readonly #cluster: ClusterClient
  readonly #topic: string
  readonly #fromBeginning: boolean
  readonly #sink: RecordSink
  /** The next offset wanted of each partition. */
  readonly #positions = new Map<number, number>()
  #troubles = 0

  constructor(cluster: ClusterClient, topic: string, fromBeginning: boolean, sink: RecordSink) {
    this.#cluster = cluster
    this.#topic = topic
    this.#fromBeginning = fromBeginning
    this.#sink = sink
  }

  /** Resolves when the sink has enough. @throws CommandError, ConnectionLost */
  async run(): Promise<void> {
    while (!this.#sink.over) {
      try {
        await this.#readLeaders()
      } catch (error) {
        if (this.#sink.over) return
        if (!(error instanceof ConnectionLost || error instanceof Moved) || ++this.#troubles >= ATTEMPTS) throw error
        await Promise.race([this.#sink.ended, this.#cluster.sleep(FIRST_DELAY_MS * 2 ** (this.#troubles - 1))])
      }
    }
  }

  /** One loop per leader, until one of them fails or the sink is over. */
  async #readLeaders(): Promise<void> {
    const { topic, cluster } = await this.#cluster.topic(this.#topic)
    const byLeader = new Map<number, number[]>()
    for (const { partitionIndex, leaderId } of topic.partitions) {
      if (leaderId < 0) throw new Moved(ErrorCode.LEADER_NOT_AVAILABLE)
      byLeader.set(leaderId, [...(byLeader.get(leaderId) ?? []), partitionIndex])
    }
    const round = { over: false }
    const loops = [...byLeader].map(async ([leaderId, partitions]) => {
      const leader = await this.#cluster.broker(leaderId, cluster)
      await this.#readLeader(leader, topic.topicId, partitions, round)
    })
    try {
      await Promise.race([this.#sink.ended, Promise.all(loops)])
    } finally {
      round.over = true
      // The others end with their next answer; what they fail with then is of no interest.
      for (const loop of loops) loop.catch(() => {})
    }
  }

  async #readLeader(leader: WireClient, topicId: string, partitions: readonly number[], round: { over: boolean }) {
    const unknown = partitions.filter((partition) => !this.#positions.has(partition))
    if (unknown.length > 0) await this.#seek(leader, unknown, this.#fromBeginning ? EARLIEST : LATEST)
    while (!this.#sink.over && !round.over) {
      const answer = await leader.request(Fetch, this.#fetchRequest(topicId, partitions), {
        // By name where the broker gives no topic ids.
        ...(topicId === ZERO_UUID ? { highest: 12 } : {}),
      })
      if (answer.errorCode !== ErrorCode.NONE) throw failure(answer.errorCode)
      if (round.over) return
      for (const one of answer.responses.flatMap((topic) => topic.partitions)) await this.#take(leader, one)
      this.#troubles = 0
    }
  }

  #fetchRequest(topicId: string, partitions: readonly number[]) {
    return {
      maxWaitMs: MAX_WAIT_MS,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      isolationLevel: READ_COMMITTED,
      topics: [
        {
          topic: this.#topic,
          topicId,
          partitions: partitions.map((partition) => ({
            partition,
            fetchOffset: this.#positions.get(partition)!,
            partitionMaxBytes: PARTITION_BYTES,
          })),
        },
      ],
    }
  }

  async #seek(leader: WireClient, partitions: readonly number[], timestamp: number): Promise<void> {
    const answer = await leader.request(ListOffsets, {
      replicaId: -1,
      isolationLevel: READ_COMMITTED,
      topics: [{ name: this.#topic, partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp })) }],
    })
    for (const { partitionIndex, errorCode, offset } of answer.topics.flatMap((topic) => topic.partitions)) {
      if (errorCode !== ErrorCode.NONE) throw failure(errorCode)
      this.#positions.set(partitionIndex, offset)
    }
  }

  async #take(leader: WireClient, fetched: FetchedPartition): Promise<void> {
    const { partitionIndex: partition, errorCode, records } = fetched
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      // Retention has overtaken us: the oldest record there is comes next.
      await this.#seek(leader, [partition], EARLIEST)
      return
    }
    if (errorCode !== ErrorCode.NONE) throw failure(errorCode)
    if (records === null || records.length === 0) return
    const aborted = new AbortedProducers(fetched.abortedTransactions ?? [])
    const batches: number[] = []
    forEachBatch(records, (at) => batches.push(at))
    for (const at of batches) {
      const from = this.#positions.get(partition)!
      for (const record of await readBatch(records, at, aborted)) {
        if (record.offset >= from && !this.#print(partition, record)) return
      }
      this.#positions.set(partition, Math.max(from, header.lastOffset(records, at) + 1))
    }
  }

  #print(partition: number, { offset, timestamp, key, value, headers }: DecodedRecord): boolean {
    return this.#sink.take({
      topic: this.#topic,
      partition,
      offset: String(offset),
      timestamp: String(timestamp),
      key,
      value,
      headers,
    })
  }
}

function failure(code: number): Error {
  return MOVED.has(code) ? new Moved(code) : refused(code)
}

/** The records of a batch that a reader may see. */
async function readBatch(set: Buffer, at: number, aborted: AbortedProducers): Promise<DecodedRecord[]> {
  const size = header.sizeInBytes(set, at)
  const bytes = set.subarray(at, at + size)
  if (header.magic(bytes) < 2) {
    await prepareCodec(bytes[header.MAGIC + 1]! & header.COMPRESSION_MASK)
    return decodeRecordSet(bytes, decompress)
  }
  await prepareCodec(header.compressionCode(bytes))
  if (aborted.hides(bytes)) return []
  try {
    return decodeBatch(bytes, decompress)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new CommandError(`The batch at offset ${header.baseOffset(bytes)} cannot be read: ${error.message}.`, 1, {
      cause: error,
    })
  }
}

/** Which producers' batches belong to an aborted transaction, as one walks through a fetch (KIP-98). */
class AbortedProducers {
  readonly #coming: { producerId: number; firstOffset: number }[]
  readonly #now = new Set<number>()

  constructor(transactions: readonly { producerId: number; firstOffset: number }[]) {
    this.#coming = [...transactions].sort((one, other) => one.firstOffset - other.firstOffset)
  }

  /** True for control batches, and for batches of an aborted transaction. */
  hides(batch: Buffer): boolean {
    while (this.#coming.length > 0 && this.#coming[0]!.firstOffset <= header.lastOffset(batch)) {
      this.#now.add(this.#coming.shift()!.producerId)
    }
    if (header.isControl(batch)) {
      const [marker] = decodeBatch(batch)
      if (marker && parseControlType(marker.key) === ABORT_MARKER) this.#now.delete(header.producerId(batch))
      return true
    }
    return header.isTransactional(batch) && this.#now.has(header.producerId(batch))
  }
}
