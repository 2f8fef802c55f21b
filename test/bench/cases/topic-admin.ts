/** Topics made and removed in numbers, and the first record into many new partitions. */
import { buildBatch, Produce } from '../../../protocol/index.js'
import { RawClient } from '../../support/raw-client.js'
import { type BenchCase, BROKERS, must, seconds } from '../bench-case.js'
import { createTopics, deleteTopics, dropTopic, eventually, leadersKnown, topicsGone } from '../topics.js'
import { nextTopic } from './produce.js'

const TOPICS = 100
const PARTITIONS = 1000

const createAndDelete: BenchCase = {
  name: `create ${TOPICS} topics -> leaders; delete -> gone`,
  metrics: [
    { name: 'create', unit: 'ms', better: 'less' },
    { name: 'delete', unit: 'ms', better: 'less' },
  ],
  servers: BROKERS,
  async open(server) {
    const client = await RawClient.connect(server.address)
    return {
      async round() {
        const names = Array.from({ length: TOPICS }, nextTopic)
        const created = await seconds(async () => {
          await createTopics(client, names, 1)
          await leadersKnown(client, names, 1)
        })
        const deleted = await seconds(async () => {
          await deleteTopics(client, names)
          await topicsGone(client, names)
        })
        return [created * 1000, deleted * 1000]
      },
      async close() {
        client.close()
      },
    }
  },
}

const firstRecords: BenchCase = {
  name: `first record into each of ${PARTITIONS} new partitions`,
  metrics: [{ name: 'time', unit: 'ms', better: 'less' }],
  servers: BROKERS,
  roundsMax: { 'Apache Kafka': 2 },
  note: 'from the answer to CreateTopics; partitions that are not open yet are tried again',
  async open(server) {
    const client = await RawClient.connect(server.address)
    const records = buildBatch([{ value: 'first' }], { baseTimestamp: Date.now() })
    let topic = ''
    return {
      async round() {
        topic = nextTopic()
        await createTopics(client, [topic], PARTITIONS)
        let left = Array.from({ length: PARTITIONS }, (_, index) => index)
        const took = await seconds(() =>
          eventually(`a record in ${PARTITIONS} partitions`, async () => {
            const partitionData = left.map((index) => ({ index, records }))
            const request = { acks: 1, timeoutMs: 30_000, topicData: [{ name: topic, partitionData }] }
            const answers = (await client.send(Produce, 9, request)).responses[0]!.partitionResponses
            for (const { errorCode, baseOffset } of answers) {
              must(errorCode !== 0 || baseOffset === 0, () => `the first record went to offset ${baseOffset}`)
            }
            left = answers.filter(({ errorCode }) => errorCode !== 0).map(({ index }) => index)
            return left.length === 0
          }),
        )
        return [took * 1000]
      },
      afterRound: () => dropTopic(server.address, topic),
      async close() {
        client.close()
      },
    }
  },
}

export const topicAdminCases: readonly BenchCase[] = [createAndDelete, firstRecords]
