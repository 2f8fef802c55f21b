import { expect } from 'chai'
import { decodeBatch } from '../../../protocol/batch/index.js'
import {
  AlterReplicaLogDirs,
  DeleteRecords,
  DescribeLogDirs,
  DescribeProducers,
  Fetch,
  InitProducerId,
  ListOffsets,
  OffsetForLeaderEpoch,
  Produce,
} from '../../../protocol/index.js'
import { idempotentBatch } from '../../support/idempotent.js'
import { batch, type Topic, type VersionCase } from './world.js'

const byIdFrom = (version: number, first: number, { name, topicId }: Topic): { topicId: string } | { name: string } =>
  version >= first ? { topicId } : { name }

const produce: VersionCase = async (world, version) => {
  const topic = await world.topic()
  for (const baseOffset of [0, 2]) {
    const partitionData = [{ index: 0, records: batch('a', 'b') }]
    const topicData = [{ ...byIdFrom(version, 13, topic), partitionData }]
    const { responses } = await world.send(Produce, version, { acks: -1, timeoutMs: 1000, topicData })
    expect(responses).to.have.length(1)
    expect(responses[0]).to.include(byIdFrom(version, 13, topic))
    const answer = responses[0]!.partitionResponses[0]!
    expect(answer).to.include({ index: 0, errorCode: 0, baseOffset, logAppendTimeMs: -1 })
    expect(answer.logStartOffset).to.equal(version >= 5 ? 0 : -1)
    expect(answer.recordErrors).to.deep.equal([])
  }
}

const fetch: VersionCase = async (world, version) => {
  const topic = await world.filled('a', 'b')
  const named = version >= 13 ? { topicId: topic.topicId } : { topic: topic.name }
  const { responses, errorCode, sessionId } = await world.send(Fetch, version, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1e6,
    ...(version >= 7 ? { sessionEpoch: -1 } : {}),
    topics: [{ ...named, partitions: [{ partition: 0, fetchOffset: 1, partitionMaxBytes: 1e6 }] }],
  })
  expect([errorCode, sessionId]).to.deep.equal([0, 0])
  expect(responses[0]).to.include(named)
  const answer = responses[0]!.partitions[0]!
  expect(answer).to.include({ partitionIndex: 0, errorCode: 0, highWatermark: 2, lastStableOffset: 2 })
  expect(answer.logStartOffset).to.equal(version >= 5 ? 0 : -1)
  expect(answer.preferredReadReplica).to.equal(-1)
  expect(decodeBatch(answer.records!).map(({ value }) => value?.toString())).to.deep.equal(['a', 'b'])
}

const listOffsets: VersionCase = async (world, version) => {
  const { name } = await world.filled('a', 'b')
  const ask = async (timestamp: number): Promise<[number, number, number, number]> => {
    const partitions = [{ partitionIndex: 0, timestamp }]
    const { topics } = await world.send(ListOffsets, version, { replicaId: -1, topics: [{ name, partitions }] })
    const { errorCode, offset, timestamp: found, leaderEpoch } = topics[0]!.partitions[0]!
    return [errorCode, offset, found, leaderEpoch]
  }
  const epoch = version >= 4 ? 0 : -1
  expect(await ask(-2), 'earliest').to.deep.equal([0, 0, -1, epoch])
  expect(await ask(-1), 'latest').to.deep.equal([0, 2, -1, epoch])
  expect(await ask(1001), 'by time').to.deep.equal([0, 1, 1001, epoch])
}

const deleteRecords: VersionCase = async (world, version) => {
  const { name } = await world.filled('a', 'b')
  const topics = [{ name, partitions: [{ partitionIndex: 0, offset: 1 }] }]
  const answer = await world.send(DeleteRecords, version, { topics, timeoutMs: 1000 })
  expect(answer.topics).to.deep.equal([{ name, partitions: [{ partitionIndex: 0, lowWatermark: 1, errorCode: 0 }] }])
}

const offsetForLeaderEpoch: VersionCase = async (world, version) => {
  const { name } = await world.filled('a', 'b')
  const answer = await world.send(OffsetForLeaderEpoch, version, {
    ...(version >= 3 ? { replicaId: -1 } : {}),
    topics: [{ topic: name, partitions: [{ partition: 0, leaderEpoch: 0 }] }],
  })
  const partitions = [{ errorCode: 0, partition: 0, leaderEpoch: 0, endOffset: 2 }]
  expect(answer.topics).to.deep.equal([{ topic: name, partitions }])
}

const describeLogDirs: VersionCase = async (world, version) => {
  const { name } = await world.filled('a', 'b')
  const topics = [{ topic: name, partitions: [0] }]
  const { errorCode, results } = await world.send(DescribeLogDirs, version, { topics })
  expect([errorCode, results.length]).to.deep.equal([0, 1])
  expect(results[0]).to.include({ errorCode: 0, isCordoned: false })
  const described = results[0]!.topics.find((topic) => topic.name === name)!
  expect(described.partitions[0]).to.include({ partitionIndex: 0, offsetLag: 0, isFutureKey: false })
  expect(described.partitions[0]!.partitionSize).to.equal(batch('a', 'b').length)
}

const alterReplicaLogDirs: VersionCase = async (world, version) => {
  const { name } = await world.filled('a')
  const own = (await world.send(DescribeLogDirs, 4, { topics: null })).results[0]!.logDir
  const topics = [{ name, partitions: [0, 7] }]
  const { results } = await world.send(AlterReplicaLogDirs, version, { dirs: [{ path: own, topics }] })
  const answers = [
    { partitionIndex: 0, errorCode: 0 },
    { partitionIndex: 7, errorCode: 3 },
  ]
  expect(results).to.deep.equal([{ topicName: name, partitions: answers }])
  const elsewhere = await world.send(AlterReplicaLogDirs, version, { dirs: [{ path: '/no/such', topics }] })
  expect(elsewhere.results[0]!.partitions.map(({ errorCode }) => errorCode)).to.deep.equal([57, 57])
}

const initProducerId: VersionCase = async (world, version) => {
  const request = { transactionalId: null, transactionTimeoutMs: 0 }
  const one = await world.send(InitProducerId, version, request)
  expect(one).to.include({ throttleTimeMs: 0, errorCode: 0, producerEpoch: 0 })
  const identity = version >= 3 ? { producerId: one.producerId, producerEpoch: 0 } : {}
  const other = await world.send(InitProducerId, version, { ...request, ...identity })
  expect(other).to.include({ errorCode: 0, producerEpoch: 0 })
  expect(other.producerId).to.be.greaterThan(one.producerId)
}

const describeProducers: VersionCase = async (world, version) => {
  const { name } = await world.topic()
  const records = idempotentBatch({ producerId: 7, baseSequence: 0 }, ['a', 'b'])
  const topicData = [{ name, partitionData: [{ index: 0, records }] }]
  await world.send(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
  const { topics } = await world.send(DescribeProducers, version, { topics: [{ name, partitionIndexes: [0] }] })
  const producer = { producerId: 7, producerEpoch: 0, lastSequence: 1, lastTimestamp: 1000 }
  const activeProducers = [{ ...producer, coordinatorEpoch: -1, currentTxnStartOffset: -1 }]
  const partitions = [{ partitionIndex: 0, errorCode: 0, errorMessage: null, activeProducers }]
  expect(topics).to.deep.equal([{ name, partitions }])
}

export const logCases: ReadonlyMap<number, VersionCase> = new Map([
  [Produce.key, produce],
  [Fetch.key, fetch],
  [ListOffsets.key, listOffsets],
  [DeleteRecords.key, deleteRecords],
  [OffsetForLeaderEpoch.key, offsetForLeaderEpoch],
  [AlterReplicaLogDirs.key, alterReplicaLogDirs],
  [DescribeLogDirs.key, describeLogDirs],
  [InitProducerId.key, initProducerId],
  [DescribeProducers.key, describeProducers],
])
