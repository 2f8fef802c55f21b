/**
 * DescribeQuorum: v0-2
 *
 * Behaviours
 * - What the coordination engine can say of the metadata log: the controller leads it, every registered broker has a copy.
 * - Another topic or partition than `__cluster_metadata`-0: UNKNOWN_TOPIC_OR_PARTITION for it; not exactly one: INVALID_REQUEST.
 * Version notes
 * - v1 (KIP-836): times of the last fetch (-1: the engine keeps none). v2 (KIP-853): directory ids and the voters' addresses.
 * Deviations
 * - There is no Raft quorum: each broker is a voter in the sense that it can become the controller.
 */
import { DescribeQuorum, ErrorCode, type ResponseInput } from '../../../protocol/index.js'
import { ZERO_UUID } from '../../metadata/image.js'
import { api } from '../context.js'
import type { BrokerServices } from '../services.js'

const TOPIC = '__cluster_metadata'

export const describeQuorum = api(DescribeQuorum, '0-2', (request, { apiVersion }, broker) => {
  const [topic, more] = request.topics
  if (topic === undefined || more !== undefined || topic.partitions.length !== 1) {
    return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: `Only ${TOPIC}-0 can be described.`, topics: [] }
  }
  const { partitionIndex } = topic.partitions[0]!
  const known = topic.topicName === TOPIC && partitionIndex === 0
  const partition = known
    ? describe(broker)
    : { partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: `Only ${TOPIC}-0 is described.` }
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    topics: [{ topicName: topic.topicName, partitions: [partition] }],
    nodes: apiVersion >= 2 && known ? nodesOf(broker) : [],
  }
})

type Partition = NonNullable<NonNullable<ResponseInput<typeof DescribeQuorum>['topics']>[number]['partitions']>[number]

function describe(broker: BrokerServices): Partition {
  const { controllerId, version, brokers } = broker.image()
  const endOffset = version + 1
  const replicas = [...brokers.values()].map(({ brokerId, fenced }) => ({
    replicaId: brokerId,
    replicaDirectoryId: ZERO_UUID,
    // A broker that is away may be anywhere in the log.
    logEndOffset: fenced ? -1 : endOffset,
    lastFetchTimestamp: -1,
    lastCaughtUpTimestamp: -1,
  }))
  return {
    partitionIndex: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    leaderId: controllerId,
    leaderEpoch: broker.controller.controllerEpoch,
    highWatermark: endOffset,
    currentVoters: replicas,
    observers: [],
  }
}

function nodesOf(broker: BrokerServices) {
  return [...broker.image().brokers.values()].map(({ brokerId, endpoints }) => ({
    nodeId: brokerId,
    listeners: [...endpoints.values()].map(({ listener, host, port }) => ({ name: listener, host, port })),
  }))
}
