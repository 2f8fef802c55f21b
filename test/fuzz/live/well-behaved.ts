/**
 * A client that does what clients do while others misbehave: one connection produces numbered records, another one fetches them with long
 * polls. It must never notice: no closed connection, no error, no record lost, changed or out of order, no long wait.
 */
import { buildBatch, decodeBatch, ErrorCode, Fetch, forEachBatch, Produce } from '../../../protocol/index.js'
import { RawClient } from '../../support/raw-client.js'
import { check } from '../target.js'

const TOPIC = 'well-behaved-client'
/** No answer may take longer, whatever the others do. */
const PATIENCE_MS = 10_000
const LONG_POLL_MS = 200

export class WellBehaved {
  static readonly topic = TOPIC
  produced = 0
  consumed = 0
  slowestMs = 0
  readonly #producer: RawClient
  readonly #consumer: RawClient
  #stopping = false
  #loops: Promise<void>[] = []
  /** The first thing that it noticed. */
  noticed: Error | null = null

  private constructor(producer: RawClient, consumer: RawClient) {
    this.#producer = producer
    this.#consumer = consumer
  }

  /** The topic is there already, empty, with one partition. */
  static async start(address: string): Promise<WellBehaved> {
    const client = new WellBehaved(await RawClient.connect(address), await RawClient.connect(address))
    client.#loops = [client.#guard(() => client.#produce()), client.#guard(() => client.#consume())]
    return client
  }

  /** Stops producing, waits until everything produced was consumed. Throws what it noticed. */
  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#loops)
    this.#producer.close()
    this.#consumer.close()
    if (this.noticed !== null) throw this.noticed
    check(this.consumed === this.produced, () => `${this.produced} records produced, ${this.consumed} consumed`)
  }

  async #guard(loop: () => Promise<void>): Promise<void> {
    try {
      await loop()
    } catch (error) {
      this.noticed ??= new Error(`the well-behaved client noticed: ${(error as Error).message}`, { cause: error })
      this.#stopping = true
    }
  }

  async #produce(): Promise<void> {
    while (!this.#stopping) {
      const count = 1 + (this.produced % 7)
      const values = Array.from({ length: count }, (_, i) => ({
        key: String(this.produced + i),
        value: textOf(this.produced + i),
      }))
      const records = buildBatch(values, { baseTimestamp: Date.now() })
      const partitionData = [{ index: 0, records }]
      const request = { acks: -1, timeoutMs: 5000, topicData: [{ name: TOPIC, partitionData }] }
      const answer = await this.#timed('Produce', this.#producer.send(Produce, 9, request))
      const got = answer.responses[0]!.partitionResponses[0]!
      check(got.errorCode === ErrorCode.NONE, () => `Produce answered ${got.errorCode}`)
      check(got.baseOffset === this.produced, () => `Produce gave offset ${got.baseOffset}, ${this.produced} was due`)
      this.produced += count
      // Some air for the others on a machine with few cores.
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }

  async #consume(): Promise<void> {
    while (!this.#stopping || this.consumed < this.produced) {
      if (this.noticed !== null) return
      const partitions = [{ partition: 0, fetchOffset: this.consumed, partitionMaxBytes: 1_000_000 }]
      const request = {
        maxWaitMs: LONG_POLL_MS,
        minBytes: 1,
        maxBytes: 1_000_000,
        sessionEpoch: -1,
        topics: [{ topic: TOPIC, partitions }],
      }
      const answer = await this.#timed('Fetch', this.#consumer.send(Fetch, 12, request))
      const got = answer.responses[0]!.partitions[0]!
      check(got.errorCode === ErrorCode.NONE, () => `Fetch answered ${got.errorCode}`)
      this.#verify(got.records)
    }
  }

  #verify(records: Buffer | null): void {
    if (records === null) return
    forEachBatch(records, (at) => {
      for (const record of decodeBatch(records, undefined, at)) {
        if (record.offset < this.consumed) continue
        check(record.offset === this.consumed, () => `offset ${record.offset} came, ${this.consumed} was due`)
        check(
          String(record.key) === String(this.consumed) && String(record.value) === textOf(this.consumed),
          () => `the record at ${record.offset} has changed`,
        )
        this.consumed++
      }
    })
  }

  async #timed<T>(what: string, answer: Promise<T>): Promise<T> {
    const start = performance.now()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what} had no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS)
    })
    try {
      return await Promise.race([answer, late])
    } finally {
      clearTimeout(timer)
      this.slowestMs = Math.max(this.slowestMs, performance.now() - start)
    }
  }
}

const textOf = (number: number): string => `record ${number} `.repeat(1 + (number % 20))
