/**
 * Produce: one connection, acks=1, requests of one batch. Every answer must give the next offset; after each round everything is read
 * back and compared byte by byte.
 */
import { batchHeader, buildBatch, encodeRequestFrame, Produce } from '../../../protocol/index.js'
import {
  type BenchCase,
  type BenchServer,
  type Metric,
  megabytesPerSecond,
  must,
  type OpenPorts,
  opsPerSecond,
  type Running,
  seconds,
  WITH_DISK,
} from '../bench-case.js'
import { teach } from '../floor.js'
import { LoadLine } from '../load-line.js'
import { percentile } from '../numbers.js'
import { dropTopic, openTopic, produceRequest, readBack } from '../topics.js'

export interface Shape {
  readonly recordBytes: number
  readonly recordsPerBatch: number
  readonly requests: number
  readonly window: number
  readonly acks: number
}

/** Batches that differ from each other, one for each request in flight. */
export function batchesOf(shape: Shape): Buffer[] {
  const now = Date.now()
  return Array.from({ length: shape.window }, (_, slot) =>
    buildBatch(
      Array.from({ length: shape.recordsPerBatch }, (_, i) => ({
        value: Buffer.alloc(shape.recordBytes, `${slot}:${i}:what a record holds;`),
      })),
      { baseTimestamp: now },
    ),
  )
}

/** The head of a Produce v9 answer for one partition of a topic: no error, and (unless null) this offset. */
export function checkProduced(head: Buffer, topic: string, index: number, due: number | null): void {
  // Header, two counts, the topic's name, the partition.
  const errorAt = 5 + 1 + 1 + topic.length + 1 + 4
  const errorCode = head.readInt16BE(errorAt)
  must(errorCode === 0, () => `Produce ${index} answered ${errorCode}`)
  if (due === null) return
  const offset = batchHeader.peekInt64(head, errorAt + 2)
  must(offset === due, () => `Produce ${index} got offset ${offset}, ${due} was due`)
}

/** Sends `shape.requests` batches into an open topic whose end is `startOffset`. Checks every answer when `checked`. */
export class ProduceLoad {
  readonly batches: readonly Buffer[]
  readonly frames: readonly Buffer[]
  readonly #shape: Shape
  readonly #topic: string

  constructor(topic: string, shape: Shape) {
    this.#shape = shape
    this.#topic = topic
    this.batches = batchesOf(shape)
    this.frames = this.batches.map((batch) =>
      encodeRequestFrame(Produce, 9, { correlationId: 0, clientId: 'bench' }, produceRequest(topic, batch, shape.acks)),
    )
  }

  run(line: LoadLine, startOffset: number, checked: boolean, onAnswer?: (index: number) => void): Promise<void> {
    const { requests, window, recordsPerBatch } = this.#shape
    return line.run({
      count: requests,
      window,
      frame: (index) => this.frames[index % window]!,
      onAnswer: (index, head) => {
        onAnswer?.(index)
        checkProduced(head, this.#topic, index, checked ? startOffset + index * recordsPerBatch : null)
      },
    })
  }
}

let topics = 0
/** All names are equally long, so that answers are. */
export const nextTopic = (): string => `bench-${String(++topics).padStart(6, '0')}`

/** A fresh topic for each round, filled, read back and dropped; what `measure` gives are the round's figures. */
async function openProduce(
  server: BenchServer,
  { odradek }: OpenPorts,
  shape: Shape,
  measure: (load: ProduceLoad, line: LoadLine, checked: boolean) => Promise<number[]>,
): Promise<Running> {
  const line = await LoadLine.connect(server.address)
  const checked = server.name !== 'floor'
  let topic = nextTopic()
  let load = new ProduceLoad(topic, shape)
  const prepare = async (): Promise<void> => {
    topic = nextTopic()
    load = new ProduceLoad(topic, shape)
    // The first batch opens the topic, at offset 0.
    await openTopic(checked ? server.address : odradek.address, topic, load.batches[0]!)
    if (!checked) await teach(server, odradek, load.frames[0]!)
  }
  await prepare()
  return {
    round: () => measure(load, line, checked),
    async afterRound() {
      if (checked) {
        const { recordsPerBatch, requests, window } = shape
        await readBack(server.address, topic, recordsPerBatch, requests, (index) => load.batches[index % window]!)
      }
      await dropTopic(checked ? server.address : odradek.address, topic)
      await prepare()
    },
    async close() {
      line.close()
      await dropTopic(checked ? server.address : odradek.address, topic)
    },
  }
}

function throughput(name: string, full: Shape, note?: string): BenchCase {
  return {
    name,
    metrics: [megabytesPerSecond],
    servers: WITH_DISK,
    ...(note === undefined ? {} : { note }),
    open(server, ports) {
      const shape = { ...full, requests: ports.scale.count(full.requests) }
      const megabytes = (shape.requests * shape.recordsPerBatch * shape.recordBytes) / 1e6
      return openProduce(server, ports, shape, async (load, line, checked) => [
        megabytes / (await seconds(() => load.run(line, shape.recordsPerBatch, checked))),
      ])
    },
  }
}

const shape = (recordBytes: number, recordsPerBatch: number, requests: number, window = 8): Shape => ({
  recordBytes,
  recordsPerBatch,
  requests,
  window,
  acks: 1,
})

const latencies: readonly Metric[] = [
  { ...opsPerSecond, unit: '' },
  { name: 'p50', unit: 'us', better: 'less' },
  { name: 'p99', unit: 'us', better: 'less' },
]

const syncProduce: BenchCase = {
  name: 'sync produce 1 KB, acks=all, 1 in flight',
  metrics: latencies,
  servers: WITH_DISK,
  open(server, ports) {
    const one = { ...shape(1024, 1, ports.scale.count(5000), 1), acks: -1 }
    return openProduce(server, ports, one, async (load, line, checked) => {
      const times = new Float64Array(one.requests)
      let last = performance.now()
      const took = await seconds(() =>
        load.run(line, 1, checked, (index) => {
          const now = performance.now()
          times[index] = (now - last) * 1000
          last = now
        }),
      )
      return [one.requests / took, percentile(times, 0.5), percentile(times, 0.99)]
    })
  },
}

export const produceCases: readonly BenchCase[] = [
  throughput('produce, batch of 1 x 100 B, 8 in flight', shape(100, 1, 20_000)),
  throughput('produce, batch of 1 x 1 KB, 8 in flight', shape(1024, 1, 20_000)),
  throughput('produce, batch of 16 x 1 KB, 8 in flight', shape(1024, 16, 6000)),
  throughput('produce, batch of 100 x 1 KB, 8 in flight', shape(1024, 100, 1500)),
  throughput('produce, batch of 150 x 100 B, 8 in flight', shape(100, 150, 6000), 'records are walked one by one'),
  syncProduce,
]
