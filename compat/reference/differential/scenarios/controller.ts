/** What an operator asks of the controller: elections, moves of partitions, the metadata quorum, brokers that are to be forgotten. */
import {
  AlterPartitionReassignments,
  DescribeQuorum,
  ElectLeaders,
  ListPartitionReassignments,
  UnregisterBroker,
} from '../../../../protocol/index.js'
import { perVersion, type Scene, versionsOf } from '../scenario.js'

const PREFERRED = 0
const UNCLEAN = 1

perVersion('ElectLeaders {v}', versionsOf(ElectLeaders), async (c, v) => {
  const topic = await c.setUpTopic({ partitions: 3 })
  const absent = c.name('absent')
  const ask = (electionType: number, topicPartitions: { topic: string; partitions: number[] }[]) =>
    c.send(ElectLeaders, v, { ...(v === 0 ? {} : { electionType }), topicPartitions, timeoutMs: 10_000 })
  for (const type of v === 0 ? [PREFERRED] : [PREFERRED, UNCLEAN]) {
    await ask(type, [{ topic: topic.name, partitions: [0, 2, 9, -1] }])
    await ask(type, [{ topic: absent, partitions: [0] }])
    await ask(type, [
      { topic: topic.name, partitions: [1] },
      { topic: absent, partitions: [0] },
    ])
    await ask(type, [{ topic: '', partitions: [0] }])
    await ask(type, [{ topic: topic.name, partitions: [] }])
    await ask(type, [])
  }
  if (v > 0) await ask(2, [{ topic: topic.name, partitions: [0] }])
  if (v > 0) await ask(-1, [])
})

perVersion('ElectLeaders {v}: every partition, all of which are well', versionsOf(ElectLeaders), async (c, v) => {
  const topic = await c.setUpTopic({ partitions: 2 })
  for (const electionType of v === 0 ? [PREFERRED] : [PREFERRED, UNCLEAN]) {
    const request = { ...(v === 0 ? {} : { electionType }), topicPartitions: null, timeoutMs: 10_000 }
    const answer = await c.quiet(ElectLeaders, v, request)
    // The topics of other scenarios are nobody's business here.
    const replicaElectionResults = answer?.replicaElectionResults.filter((one) => one.topic === topic.name)
    c.note(`ElectLeaders v${v}`, answer === null ? 'closed' : { ...answer, replicaElectionResults })
  }
})

perVersion('AlterPartitionReassignments {v}', versionsOf(AlterPartitionReassignments), async (c, v) => {
  const topic = await c.setUpTopic({ partitions: 2 })
  const move = (name: string, replicas: number[] | null, partitionIndex = 0, more: object = {}) =>
    c.send(AlterPartitionReassignments, v, {
      ...more,
      topics: [{ name, partitions: [{ partitionIndex, replicas }] }],
      timeoutMs: 10_000,
    })
  await move(topic.name, [1])
  await move(topic.name, null)
  await move(topic.name, null, 9)
  await move(topic.name, [1], 9)
  await move(topic.name, [1], -1)
  await move(c.name('absent'), [1])
  await move(c.name('absent'), null)
  await move('', [1])
  await move(topic.name, [])
  await move(topic.name, [1, 1])
  await move(topic.name, [1, 7])
  await move(topic.name, [7])
  await move(topic.name, [-1])
  if (v >= 1) {
    for (const allowReplicationFactorChange of [true, false]) {
      for (const replicas of [[1], [1, 7], [], [1, 1], null]) {
        await move(topic.name, replicas, 0, { allowReplicationFactorChange })
      }
    }
  }
  const partitions = [
    { partitionIndex: 0, replicas: [1] },
    { partitionIndex: 9, replicas: [1] },
    { partitionIndex: 1, replicas: [7] },
  ]
  await c.send(AlterPartitionReassignments, v, { topics: [{ name: topic.name, partitions }] })
  await c.send(AlterPartitionReassignments, v, { topics: [] })
  await c.send(AlterPartitionReassignments, v, { topics: [{ name: topic.name, partitions: [] }] })
})

perVersion('ListPartitionReassignments {v}', versionsOf(ListPartitionReassignments), async (c, v) => {
  const topic = await c.setUpTopic({ partitions: 2 })
  const ask = (topics: { name: string; partitionIndexes: number[] }[] | null) =>
    c.send(ListPartitionReassignments, v, { topics, timeoutMs: 10_000 })
  await ask(null)
  await ask([])
  await ask([{ name: topic.name, partitionIndexes: [0, 1, 9, -1] }])
  await ask([{ name: topic.name, partitionIndexes: [] }])
  await ask([{ name: c.name('absent'), partitionIndexes: [0] }])
  await ask([{ name: '', partitionIndexes: [0] }])
})

const METADATA = '__cluster_metadata'

/** The numbers of a quorum are of the moment: who leads, who votes and what can be said at all is compared. */
async function quorum(c: Scene, v: number, topics: { topicName: string; partitions: { partitionIndex: number }[] }[]) {
  const answer = await c.quiet(DescribeQuorum, v, { topics })
  const shapes = answer?.topics.map(({ topicName, partitions }) => ({
    topicName,
    partitions: partitions.map((one) => ({
      partitionIndex: one.partitionIndex,
      errorCode: one.errorCode,
      errorMessage: one.errorMessage,
      leaderId: one.leaderId,
      hasEpoch: one.leaderEpoch > 0,
      hasHighWatermark: one.highWatermark > 0,
      voters: one.currentVoters.map(({ replicaId, logEndOffset }) => ({ replicaId, hasEnd: logEndOffset > 0 })),
      observers: one.observers.map(({ replicaId }) => replicaId),
    })),
  }))
  const nodes = answer?.nodes.map(({ nodeId, listeners }) => ({ nodeId, some: listeners.length > 0 }))
  c.note(`DescribeQuorum v${v}`, answer === null ? 'closed' : { ...answer, topics: shapes, nodes })
}

perVersion('DescribeQuorum {v}', versionsOf(DescribeQuorum), async (c, v) => {
  await quorum(c, v, [{ topicName: METADATA, partitions: [{ partitionIndex: 0 }] }])
})

perVersion('DescribeQuorum {v}: what is not the metadata log', versionsOf(DescribeQuorum), async (c, v) => {
  const topic = await c.setUpTopic()
  const of = (topicName: string, ...indexes: number[]) => ({
    topicName,
    partitions: indexes.map((partitionIndex) => ({ partitionIndex })),
  })
  await quorum(c, v, [of(METADATA, 1)])
  await quorum(c, v, [of(METADATA, 0, 1)])
  await quorum(c, v, [of(METADATA)])
  await quorum(c, v, [of(topic.name, 0)])
  await quorum(c, v, [of(METADATA, 0), of(topic.name, 0)])
  await quorum(c, v, [of('', 0)])
  await quorum(c, v, [])
})

perVersion('UnregisterBroker {v}: nobody has this id', versionsOf(UnregisterBroker), async (c, v) => {
  for (const brokerId of [7, -1, 2 ** 31 - 1]) await c.send(UnregisterBroker, v, { brokerId })
})
