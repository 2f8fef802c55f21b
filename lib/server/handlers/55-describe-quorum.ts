/**
 * DescribeQuorum: v0-2
 *
 * Behaviours
 * - What the coordination engine can say of the metadata log: the controller leads it, every registered broker has a copy.
 * - Anything but `__cluster_metadata`-0 alone: UNKNOWN_TOPIC_OR_PARTITION for each partition that was named.
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

export const describeQuorum = api(DescribeQuorum, '0-2', ({ topics }, { apiVersion }, broker) => {
  const [topic] = topics
  const known =
    topics.length === 1 &&
    topic!.topicName === TOPIC &&
    topic!.partitions.length === 1 &&
    topic!.partitions[0]!.partitionIndex === 0
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: '',
    topics: topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: known ? [describe(broker)] : partitions.map(({ partitionIndex }) => unknownPartition(partitionIndex)),
    })),
    nodes: apiVersion >= 2 && known ? nodesOf(broker) : [],
  }
})

const unknownPartition = (partitionIndex: number): Partition => ({
  partitionIndex,
  errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  errorMessage: `Only ${TOPIC}-0 is described, and nothing beside it.`,
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
    errorMessage: '',
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
