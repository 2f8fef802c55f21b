/** What Java's producer does by default: acks=all, idempotent, five in flight. Answers give consecutive offsets; all is read back. */
import { buildBatch, ErrorCode, encodeRequestFrame, InitProducerId, Produce } from '../../../protocol/index.js'
import type { RawClient } from '../../support/raw-client.js'
import { type BenchCase, type BenchServer, megabytesPerSecond, must, type ServerName, seconds } from '../bench-case.js'
import { LoadLine } from '../load-line.js'
import { dropTopic, openTopic, produceRequest, readBack, withClient } from '../topics.js'
import { checkProduced, nextTopic } from './produce.js'

const RECORDS = 16
const RECORD_BYTES = 1024
/** max.in.flight.requests.per.connection of an idempotent producer. */
const WINDOW = 5
const SERVERS: readonly ServerName[] = ['Odradek', 'Odradek on disk', 'Apache Kafka', 'kfake']

/** Every batch has its own sequence, so every frame is made beforehand: nothing is patched while it is measured. */
async function prepare(server: BenchServer, topic: string, requests: number) {
  const { producerId, producerEpoch } = await withClient(server.address, initProducer)
  const records = Array.from({ length: RECORDS }, (_, i) => ({
    value: Buffer.alloc(RECORD_BYTES, `${i}:what a record holds;`),
  }))
  const batches = Array.from({ length: requests }, (_, index) =>
    buildBatch(records, { baseTimestamp: Date.now(), producerId, producerEpoch, baseSequence: index * RECORDS }),
  )
  const header = { correlationId: 0, clientId: 'bench' }
  const frames = batches.map((batch) => encodeRequestFrame(Produce, 9, header, produceRequest(topic, batch, -1)))
  return { batches, frames }
}

/** Apache Kafka says COORDINATOR_LOAD_IN_PROGRESS while its first block of producer ids is being fetched. */
async function initProducer(client: RawClient) {
  for (let patience = 1000; ; patience--) {
    const answer = await client.send(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 60_000 })
    if (answer.errorCode === 0) return answer
    must(
      answer.errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS && patience > 0,
      () => `InitProducerId answered ${answer.errorCode}`,
    )
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const idempotent: BenchCase = {
  name: `produce idempotent, acks=all, batch of ${RECORDS} x 1 KB, ${WINDOW} in flight`,
  metrics: [megabytesPerSecond],
  servers: SERVERS,
  async open(server, { scale }) {
    const requests = scale.count(4000)
    const line = await LoadLine.connect(server.address)
    const first = buildBatch([{ value: 'opens the topic' }], { baseTimestamp: Date.now() })
    let topic = ''
    let load: Awaited<ReturnType<typeof prepare>>
    const renew = async (): Promise<void> => {
      topic = nextTopic()
      await openTopic(server.address, topic, first)
      load = await prepare(server, topic, requests)
    }
    await renew()
    return {
      async round() {
        const took = await seconds(() =>
          line.run({
            count: requests,
            window: WINDOW,
            frame: (index) => load.frames[index]!,
            onAnswer: (index, head) => checkProduced(head, topic, index, 1 + index * RECORDS),
          }),
        )
        return [(requests * RECORDS * RECORD_BYTES) / 1e6 / took]
      },
      async afterRound() {
        await readBack(server.address, topic, 1, requests, (index) => load.batches[index]!)
        await dropTopic(server.address, topic)
        await renew()
      },
      async close() {
        line.close()
        await dropTopic(server.address, topic)
      },
    }
  },
}

export const idempotentCases: readonly BenchCase[] = [idempotent]
