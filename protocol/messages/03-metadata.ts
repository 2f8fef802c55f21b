import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int16, int32, message, string, uuid } from '../schema/index.js'

/**
 * Metadata: tells which brokers exist and who leads each partition.
 *
 * Sent by clients, served by: any broker. Versions:
 *   v0   the first version
 *   v1   request: topics may be null; response: + brokers.rack, controllerId, topics.isInternal
 *   v2   response: + clusterId
 *   v3   response: + throttleTimeMs
 *   v4   request: + allowAutoTopicCreation
 *   v5   response: + topics.partitions.offlineReplicas (KIP-112)
 *   v6   the same bytes
 *   v7   response: + topics.partitions.leaderEpoch (KIP-320)
 *   v8   request: + includeClusterAuthorizedOperations, includeTopicAuthorizedOperations; response: +
 *        topics.topicAuthorizedOperations, clusterAuthorizedOperations (KIP-430)
 *   v9   flexible (KIP-482)
 *   v10  request: + topics.topicId; topics.name may be null; response: + topics.topicId (KIP-516)
 *   v11  request: - includeClusterAuthorizedOperations; response: - clusterAuthorizedOperations (KIP-700)
 *   v12  response: topics.name may be null (KIP-516)
 *   v13  response: + errorCode (KIP-1102)
 */
export const Metadata = message(
  'Metadata',
  { key: 3, versions: '0-13', flexible: '9+', audience: 'client', listeners: ['broker'] },
  {
    topics: array(
      '0+',
      {
        topicId: uuid('10+', { ignorable: true }),
        name: string('0+', { nullable: '10+' }),
      },
      { nullable: '1+' },
    ),
    allowAutoTopicCreation: bool('4+', { default: true }),
    includeClusterAuthorizedOperations: bool('8-10'),
    includeTopicAuthorizedOperations: bool('8+'),
  },
  {
    throttleTimeMs: int32('3+', { ignorable: true }),
    brokers: array('0+', {
      nodeId: int32('0+', { mapKey: true }),
      host: string('0+'),
      port: int32('0+'),
      rack: string('1+', { nullable: '1+', default: null, ignorable: true }),
    }),
    clusterId: string('2+', { nullable: '2+', default: null, ignorable: true }),
    controllerId: int32('1+', { default: -1, ignorable: true }),
    topics: array('0+', {
      errorCode: int16('0+'),
      name: string('0+', { nullable: '12+', mapKey: true }),
      topicId: uuid('10+', { ignorable: true }),
      isInternal: bool('1+', { ignorable: true }),
      partitions: array('0+', {
        errorCode: int16('0+'),
        partitionIndex: int32('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('7+', { default: -1, ignorable: true }),
        replicaNodes: array('0+', 'int32'),
        isrNodes: array('0+', 'int32'),
        offlineReplicas: array('5+', 'int32', { ignorable: true }),
      }),
      topicAuthorizedOperations: int32('8+', { default: -2147483648 }),
    }),
    clusterAuthorizedOperations: int32('8-10', { default: -2147483648 }),
    errorCode: int16('13+', { ignorable: true }),
  },
)

export type MetadataRequest = RequestOf<typeof Metadata>
export type MetadataResponse = ResponseOf<typeof Metadata>
