/**
 * A program that makes a broker or a cluster, leaves it with clients that never say goodbye, closes it and has nothing else to do.
 * `broker`, `cluster`, each with a folder for its data as the second argument or without.
 */
import { Broker, Cluster } from '../../../lib/index.js'
import { buildBatch } from '../../../protocol/index.js'
import {
  CreateTopics,
  Fetch,
  FindCoordinator,
  InitProducerId,
  JoinGroup,
  Produce,
} from '../../../protocol/messages/index.js'
import { RawClient } from '../../support/raw-client.js'

const [what, dataDir] = process.argv.slice(2)
const place = dataDir === undefined ? {} : { dataDir }
const server = what === 'cluster' ? await Cluster.create({ brokers: 3, ...place }) : await Broker.create(place)
const replicationFactor = what === 'cluster' ? 3 : 1
const client = await RawClient.connect(server.bootstrapServers.split(',')[0]!)

async function until(attempt: () => Promise<number>): Promise<void> {
  while ((await attempt()) !== 0) await new Promise((resolve) => setTimeout(resolve, 20))
}

const topics = [{ name: 't', numPartitions: 1, replicationFactor }]
await client.send(CreateTopics, 7, { topics, timeoutMs: 30_000 })
// Of three brokers one leads and one coordinates; the others refuse, which is as good a way to use them.
const NOT_LEADER = 6
await until(async () => {
  const records = buildBatch([{ value: 'x' }], { baseTimestamp: Date.now() })
  const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }]
  const answer = await client.send(Produce, 9, { acks: -1, timeoutMs: 30_000, topicData })
  const { errorCode } = answer.responses[0]!.partitionResponses[0]!
  return errorCode === NOT_LEADER ? 0 : errorCode
})
for (const keyType of [0, 1]) {
  await until(async () => {
    const answer = await client.send(FindCoordinator, 4, { keyType, coordinatorKeys: ['k'] })
    return answer.coordinators[0]!.errorCode
  })
}
await client.send(InitProducerId, 4, { transactionalId: 'k', transactionTimeoutMs: 60_000 })
const member = { groupId: 'k', sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 30_000, protocolType: 'consumer' }
const protocols = [{ name: 'range', metadata: Buffer.alloc(0) }]
await client.send(JoinGroup, 3, { ...member, memberId: '', protocols })
// A fetch that waits for what never comes.
const fetched = [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1e6 }] }]
const parked = client.send(Fetch, 12, {
  maxWaitMs: 60_000,
  minBytes: 1e6,
  maxBytes: 1e6,
  sessionEpoch: -1,
  topics: fetched,
})
const cut = parked.then(
  () => {},
  () => {},
)
await server.close()
await cut
process.stdout.write('closed\n')
