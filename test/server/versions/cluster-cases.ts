import { expect } from 'chai'
import {
  AlterConfigs,
  AlterPartitionReassignments,
  ApiVersions,
  CreatePartitions,
  CreateTopics,
  DeleteTopics,
  DescribeCluster,
  DescribeConfigs,
  DescribeQuorum,
  DescribeTopicPartitions,
  ElectLeaders,
  ErrorCode,
  IncrementalAlterConfigs,
  ListConfigResources,
  ListPartitionReassignments,
  Metadata,
  UnregisterBroker,
  UpdateFeatures,
  ZERO_UUID,
} from '../../../protocol/index.js'
import type { VersionCase, World } from './world.js'

const TOPIC = 2
const CLIENT_METRICS = 16

const metadata: VersionCase = async (world, version) => {
  const { broker } = world
  const topic = await world.topic(2)
  const answer = await world.send(Metadata, version, { topics: [{ name: topic.name }] })
  expect(answer.errorCode).to.equal(0)
  expect(answer.brokers).to.deep.equal([{ nodeId: broker.brokerId, host: '127.0.0.1', port: broker.port, rack: null }])
  expect(answer.clusterId).to.equal(version >= 2 ? broker.clusterId : null)
  expect(answer.controllerId).to.equal(version >= 1 ? broker.brokerId : -1)
  const [described] = answer.topics
  expect(described).to.include({ errorCode: 0, name: topic.name, isInternal: false })
  expect(described!.topicId).to.equal(version >= 10 ? topic.topicId : ZERO_UUID)
  const leader = { leaderId: broker.brokerId, leaderEpoch: version >= 7 ? 0 : -1 }
  const replicas = { replicaNodes: [broker.brokerId], isrNodes: [broker.brokerId], offlineReplicas: [] }
  const partition = (partitionIndex: number) => ({ errorCode: 0, partitionIndex, ...leader, ...replicas })
  expect(described!.partitions).to.deep.equal([partition(0), partition(1)])
}

const apiVersions: VersionCase = async (world, version) => {
  const software = { clientSoftwareName: 'raw-client', clientSoftwareVersion: '1.0' }
  const answer = await world.send(ApiVersions, version, version >= 3 ? software : {})
  expect(answer.errorCode).to.equal(0)
  expect(answer.apiKeys.find((row) => row.apiKey === 18)).to.include({ minVersion: 0, maxVersion: 5 })
  expect(answer.finalizedFeatures.length > 0).to.equal(version >= 3)
}

const createTopics: VersionCase = async (world, version) => {
  const name = world.name('made')
  const answer = await world.send(CreateTopics, version, {
    topics: [
      {
        name,
        numPartitions: 3,
        replicationFactor: 1,
        assignments: [],
        configs: [{ name: 'retention.ms', value: '5' }],
      },
    ],
    timeoutMs: 1000,
  })
  expect(answer.topics).to.have.length(1)
  const [made] = answer.topics
  expect(made).to.include({ name, errorCode: 0, errorMessage: null })
  if (version >= 5) {
    expect(made).to.include({ numPartitions: 3, replicationFactor: 1, topicConfigErrorCode: 0 })
    expect(made!.configs!.find((config) => config.name === 'retention.ms')).to.include({ value: '5', configSource: 1 })
  }
  const { topics } = await world.send(Metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false })
  expect(topics[0]!.partitions).to.have.length(3)
  expect(made!.topicId).to.equal(version >= 7 ? topics[0]!.topicId : ZERO_UUID)
}

const deleteTopics: VersionCase = async (world, version) => {
  const { name, topicId } = await world.topic()
  const request = version >= 6 ? { topics: [{ name: null, topicId }] } : { topicNames: [name] }
  const { responses } = await world.send(DeleteTopics, version, { ...request, timeoutMs: 1000 })
  expect(responses).to.have.length(1)
  expect(responses[0]).to.include({ name, errorCode: 0, topicId: version >= 6 ? topicId : ZERO_UUID })
  const { topics } = await world.send(Metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false })
  expect(topics[0]!.errorCode).to.equal(3)
}

const createPartitions: VersionCase = async (world, version) => {
  const { name } = await world.topic()
  const topics = [{ name, count: 3, assignments: null }]
  const { results } = await world.send(CreatePartitions, version, { topics, timeoutMs: 1000, validateOnly: false })
  expect(results).to.deep.equal([{ name, errorCode: 0, errorMessage: null }])
  const answer = await world.send(Metadata, 12, { topics: [{ name }] })
  expect(answer.topics[0]!.partitions).to.have.length(3)
}

async function configOf(world: World, topic: string, key: string): Promise<string | null> {
  const resources = [{ resourceType: TOPIC, resourceName: topic, configurationKeys: [key] }]
  const { results } = await world.send(DescribeConfigs, 4, { resources })
  return results[0]!.configs[0]!.value
}

const describeConfigs: VersionCase = async (world, version) => {
  const { name } = await world.topic()
  const resources = [{ resourceType: TOPIC, resourceName: name, configurationKeys: ['segment.bytes'] }]
  const request = { resources, includeSynonyms: true, ...(version >= 3 ? { includeDocumentation: true } : {}) }
  const { results } = await world.send(DescribeConfigs, version, request)
  expect(results[0]).to.include({ errorCode: 0, errorMessage: '', resourceType: TOPIC, resourceName: name })
  const [config] = results[0]!.configs
  expect(config).to.include({ name: 'segment.bytes', value: '1073741824', readOnly: false, isSensitive: false })
  expect(config!.configSource).to.equal(5)
  expect(config!.synonyms.map((synonym) => synonym.name)).to.deep.equal(['log.segment.bytes'])
  expect(config!.configType).to.equal(version >= 3 ? 3 : 0)
  expect(config!.documentation !== null && config!.documentation !== '').to.equal(version >= 3)
}

const alterConfigs: VersionCase = async (world, version) => {
  const { name } = await world.topic()
  const resource = { resourceType: TOPIC, resourceName: name }
  const resources = [{ ...resource, configs: [{ name: 'retention.ms', value: '77' }] }]
  const { responses } = await world.send(AlterConfigs, version, { resources, validateOnly: false })
  expect(responses.map(({ errorMessage: _, ...rest }) => rest)).to.deep.equal([{ errorCode: 0, ...resource }])
  expect(await configOf(world, name, 'retention.ms')).to.equal('77')
}

const incrementalAlterConfigs: VersionCase = async (world, version) => {
  const { name } = await world.topic()
  const resource = { resourceType: TOPIC, resourceName: name }
  const configs = [{ name: 'retention.ms', configOperation: 0, value: '78' }]
  const request = { resources: [{ ...resource, configs }], validateOnly: false }
  const { responses } = await world.send(IncrementalAlterConfigs, version, request)
  expect(responses.map(({ errorMessage: _, ...rest }) => rest)).to.deep.equal([{ errorCode: 0, ...resource }])
  expect(await configOf(world, name, 'retention.ms')).to.equal('78')
}

const updateFeatures: VersionCase = async (world, version) => {
  const feature = 'group.version'
  const featureUpdates = [{ feature, maxVersionLevel: 1, ...(version >= 1 ? { upgradeType: 1 } : {}) }]
  const answer = await world.send(UpdateFeatures, version, { featureUpdates, timeoutMs: 1000 })
  expect(answer.errorCode).to.equal(0)
  expect(answer.results.map((result) => [result.feature, result.errorCode])).to.deep.equal(
    version >= 2 ? [] : [[feature, 0]],
  )
}

const describeCluster: VersionCase = async (world, version) => {
  const { brokerId, clusterId, port } = world.broker
  const answer = await world.send(DescribeCluster, version, { includeClusterAuthorizedOperations: true })
  expect(answer).to.include({ errorCode: 0, errorMessage: null, endpointType: 1, clusterId, controllerId: brokerId })
  expect(answer.brokers).to.deep.equal([{ brokerId, host: '127.0.0.1', port, rack: null, isFenced: false }])
  expect(answer.clusterAuthorizedOperations).to.be.greaterThan(0)
}

const listConfigResources: VersionCase = async (world, version) => {
  const subscription = world.name('subscription')
  const configs = [{ name: 'interval.ms', configOperation: 0, value: '1000' }]
  const resources = [{ resourceType: CLIENT_METRICS, resourceName: subscription, configs }]
  const { responses } = await world.send(IncrementalAlterConfigs, 1, { resources, validateOnly: false })
  expect(responses[0]!.errorCode).to.equal(0)
  const asked = version >= 1 ? { resourceTypes: [CLIENT_METRICS] } : {}
  const answer = await world.send(ListConfigResources, version, asked)
  expect(answer.errorCode).to.equal(0)
  const found = answer.configResources.find(({ resourceName }) => resourceName === subscription)
  expect(found?.resourceType).to.equal(CLIENT_METRICS)
}

const describeTopicPartitions: VersionCase = async (world, version) => {
  const { name, topicId } = await world.topic(2)
  const answer = await world.send(DescribeTopicPartitions, version, { topics: [{ name }] })
  expect(answer.nextCursor).to.equal(null)
  expect(answer.topics[0]).to.include({ errorCode: 0, name, topicId, isInternal: false })
  const found = answer.topics[0]!.partitions.map(({ errorCode, partitionIndex, leaderId }) => [
    errorCode,
    partitionIndex,
    leaderId,
  ])
  expect(found).to.deep.equal([
    [0, 0, world.broker.brokerId],
    [0, 1, world.broker.brokerId],
  ])
}

const electLeaders: VersionCase = async (world, version) => {
  const { name } = await world.topic()
  const answer = await world.send(ElectLeaders, version, {
    electionType: 0,
    topicPartitions: [{ topic: name, partitions: [0, 5] }],
  })
  expect(answer.errorCode).to.equal(0)
  const [result] = answer.replicaElectionResults
  expect(result!.topic).to.equal(name)
  expect(result!.partitionResult.map(({ partitionId, errorCode }) => [partitionId, errorCode])).to.deep.equal([
    [0, ErrorCode.ELECTION_NOT_NEEDED],
    [5, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
  ])
}

const alterPartitionReassignments: VersionCase = async (world, version) => {
  const { name } = await world.topic(2)
  const answer = await world.send(AlterPartitionReassignments, version, {
    topics: [
      {
        name,
        partitions: [
          { partitionIndex: 0, replicas: [world.broker.brokerId] },
          { partitionIndex: 1, replicas: [99] },
        ],
      },
    ],
  })
  expect(answer.errorCode).to.equal(0)
  expect(answer.allowReplicationFactorChange).to.equal(true)
  expect(answer.responses[0]!.partitions.map(({ errorCode }) => errorCode)).to.deep.equal([
    0,
    ErrorCode.INVALID_REPLICA_ASSIGNMENT,
  ])
}

const listPartitionReassignments: VersionCase = async (world, version) => {
  const answer = await world.send(ListPartitionReassignments, version, { topics: null })
  expect(answer).to.deep.include({ errorCode: 0, errorMessage: null, topics: [] })
}

const describeQuorum: VersionCase = async (world, version) => {
  const answer = await world.send(DescribeQuorum, version, {
    topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
  })
  expect(answer.errorCode).to.equal(0)
  const [partition] = answer.topics[0]!.partitions
  const { brokerId, port } = world.broker
  expect(partition).to.include({ errorCode: 0, leaderId: brokerId })
  expect(partition!.currentVoters.map(({ replicaId }) => replicaId)).to.deep.equal([brokerId])
  const nodes = [{ nodeId: brokerId, listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port }] }]
  expect(answer.nodes).to.deep.equal(version >= 2 ? nodes : [])
}

const unregisterBroker: VersionCase = async (world, version) => {
  const answer = await world.send(UnregisterBroker, version, { brokerId: 99 })
  expect(answer.errorCode).to.equal(ErrorCode.BROKER_ID_NOT_REGISTERED)
}

export const clusterCases: ReadonlyMap<number, VersionCase> = new Map([
  [Metadata.key, metadata],
  [ApiVersions.key, apiVersions],
  [CreateTopics.key, createTopics],
  [DeleteTopics.key, deleteTopics],
  [CreatePartitions.key, createPartitions],
  [DescribeConfigs.key, describeConfigs],
  [AlterConfigs.key, alterConfigs],
  [IncrementalAlterConfigs.key, incrementalAlterConfigs],
  [ElectLeaders.key, electLeaders],
  [AlterPartitionReassignments.key, alterPartitionReassignments],
  [ListPartitionReassignments.key, listPartitionReassignments],
  [DescribeQuorum.key, describeQuorum],
  [UnregisterBroker.key, unregisterBroker],
  [UpdateFeatures.key, updateFeatures],
  [DescribeCluster.key, describeCluster],
  [ListConfigResources.key, listConfigResources],
  [DescribeTopicPartitions.key, describeTopicPartitions],
])
