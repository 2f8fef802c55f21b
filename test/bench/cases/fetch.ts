/** Fetch of the hot tail and from disk: answers of 1 MB, one in flight, over a topic that was written before. Every answer must begin at the offset asked for. */
import { batchHeader, encodeRequestFrame, Fetch } from '../../../protocol/index.js'
import {
  type BenchCase,
  type BenchServer,
  EVERYBODY,
  megabytesPerSecond,
  must,
  type OpenPorts,
  type Running,
  seconds,
} from '../bench-case.js'
import { teach } from '../floor.js'
import { LoadLine } from '../load-line.js'
import { dropTopic, fetchRequest, openTopic, readBack } from '../topics.js'
import { nextTopic, ProduceLoad } from './produce.js'

const MEGABYTE = 1024 * 1024
/** Stands in the frame where the offset goes. */
const PLACEHOLDER = 0x1122_3344_5566

/** A Fetch frame for any offset. */
class FetchFrame {
  readonly bytes: Buffer
  readonly #offsetAt: number

  constructor(topic: string) {
    const header = { correlationId: 0, clientId: 'bench' }
    this.bytes = encodeRequestFrame(Fetch, 12, header, fetchRequest(topic, PLACEHOLDER, MEGABYTE))
    this.#offsetAt = this.bytes.indexOf(Buffer.from([0, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66]))
  }

  at(offset: number): Buffer {
    batchHeader.pokeInt64(this.bytes, this.#offsetAt, offset)
    return this.bytes
  }
}

/** Where the records begin in the head of a Fetch v12 answer with one topic and one partition, after checking its errors. */
function recordsAt(head: Buffer, topic: string): number {
  must(head.readInt16BE(9) === 0, () => `Fetch answered ${head.readInt16BE(9)}`)
  // Header 5, throttle 4, error 2, session 4, topics 1, name, partitions 1, index 4.
  const errorAt = 15 + 1 + 1 + topic.length + 1 + 4
  must(head.readInt16BE(errorAt) === 0, () => `Fetch answered ${head.readInt16BE(errorAt)} for the partition`)
  // High watermark, last stable offset, log start; no aborted transactions; preferred replica; then a varint.
  let at = errorAt + 2 + 24 + 1 + 4
  while (head[at]! >= 0x80) at++
  return at + 1
}

interface Depth {
  readonly batches: number
  /** Batches from the end that are not read. */
  readonly unread: number
}

/** Fetches from the start of a topic, again and again. */
async function openFetch(server: BenchServer, { scale, odradek }: OpenPorts, depth: Depth): Promise<Running> {
  const isFloor = server.name === 'floor'
  const home = isFloor ? odradek : server
  const topic = nextTopic()
  const filling = { recordBytes: 1024, recordsPerBatch: 100, requests: depth.batches, window: 8, acks: 1 }
  const load = new ProduceLoad(topic, filling)
  await openTopic(home.address, topic, load.batches[0]!)
  const filler = await LoadLine.connect(home.address)
  await load.run(filler, 100, true)
  filler.close()
  if (!isFloor) await readBack(server.address, topic, 100, filling.requests, (i) => load.batches[i % filling.window]!)
  const end = 100 * (filling.requests + 1 - depth.unread)
  const frame = new FetchFrame(topic)
  if (isFloor) await teach(server, odradek, frame.at(0))
  const batchBytes = load.batches[0]!.length
  const line = await LoadLine.connect(server.address)
  const count = scale.count(1500)
  return {
    async round() {
      let offset = 0
      let bytes = 0
      const took = await seconds(() =>
        line.run({
          count,
          window: 1,
          frame: () => frame.at(isFloor ? 0 : offset),
          onAnswer(_index, head, size) {
            const at = recordsAt(head, topic)
            const base = batchHeader.baseOffset(head, at)
            const due = isFloor ? 0 : offset
            must(base === due, () => `offset ${base} came, ${due} was due`)
            must(batchHeader.sizeInBytes(head, at) === batchBytes, () => 'a batch of another size')
            // Kafka cuts its answers in the middle of a batch: whole ones count.
            const batches = Math.floor((size - at) / batchBytes)
            must(batches > 0, () => 'an answer without a whole batch')
            bytes += batches * batchBytes
            offset += batches * 100
            if (offset >= end) offset = 0
          },
        }),
      )
      return [bytes / 1e6 / took]
    },
    async close() {
      line.close()
      await dropTopic(home.address, topic)
    },
  }
}

const hotTail: BenchCase = {
  name: 'fetch of the hot tail, 1 MB answers, 1 in flight',
  metrics: [megabytesPerSecond],
  servers: EVERYBODY,
  open: (server, ports) => openFetch(server, ports, { batches: ports.scale.quick ? 200 : 600, unread: 0 }),
}

/** The last 50 MB are not read: Odradek keeps 32 MB of what was written last. The system's cache has all of it. */
const fromDisk: BenchCase = {
  name: 'fetch from disk, 1 MB answers, 1 in flight',
  metrics: [megabytesPerSecond],
  servers: ['Odradek on disk', 'Apache Kafka'],
  note: 'from the page cache; Apache Kafka by sendfile',
  open: (server, ports) => openFetch(server, ports, { batches: ports.scale.quick ? 1500 : 5000, unread: 500 }),
}

export const fetchCases: readonly BenchCase[] = [hotTail, fromDisk]
