import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int8, int16, int32, int64, message, records, string, struct, uuid } from '../schema/index.js'

/**
 * Fetch: reads record batches from partitions; also how followers replicate.
 *
 * Sent by clients, served by: partition leader or follower. Versions:
 *   v4   the lowest version that Kafka 4.4 serves (KIP-98)
 *   v5   request: + topics.partitions.logStartOffset; response: + responses.partitions.logStartOffset (KIP-107)
 *   v6   the same bytes
 *   v7   request: + sessionId, sessionEpoch, forgottenTopicsData; response: + errorCode, sessionId (KIP-227)
 *   v8   the same bytes
 *   v9   request: + topics.partitions.currentLeaderEpoch (KIP-320)
 *   v10  the same bytes (KIP-110)
 *   v11  request: + rackId; response: + responses.partitions.preferredReadReplica (KIP-392)
 *   v12  request: + clusterId, topics.partitions.lastFetchedEpoch; response: + responses.partitions.divergingEpoch,
 *        responses.partitions.currentLeader, responses.partitions.snapshotId; flexible (KIP-482) (KIP-595)
 *   v13  request: + topics.topicId, forgottenTopicsData.topicId; - topics.topic, forgottenTopicsData.topic; response:
 *        + responses.topicId; - responses.topic (KIP-516)
 *   v14  the same bytes (KIP-405)
 *   v15  request: + replicaState; - replicaId (KIP-903)
 *   v16  response: + nodeEndpoints (KIP-951)
 *   v17  request: + topics.partitions.replicaDirectoryId (KIP-853)
 *   v18  request: + topics.partitions.highWatermark (KIP-1166)
 */
export const Fetch = message(
  'Fetch',
  { key: 1, versions: '4-18', flexible: '12+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    clusterId: string('12+', { nullable: '12+', tag: 0, default: null, ignorable: true }),
    replicaId: int32('0-14', { default: -1 }),
    replicaState: struct(
      '15+',
      {
        replicaId: int32('15+', { default: -1 }),
        replicaEpoch: int64('15+', { default: -1 }),
      },
      { tag: 1 },
    ),
    maxWaitMs: int32('0+'),
    minBytes: int32('0+'),
    maxBytes: int32('3+', { default: 0x7fffffff, ignorable: true }),
    isolationLevel: int8('4+', { ignorable: true }),
    sessionId: int32('7+', { ignorable: true }),
    sessionEpoch: int32('7+', { default: -1, ignorable: true }),
    topics: array('0+', {
      topic: string('0-12', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitions: array('0+', {
        partition: int32('0+'),
        currentLeaderEpoch: int32('9+', { default: -1, ignorable: true }),
        fetchOffset: int64('0+'),
        lastFetchedEpoch: int32('12+', { default: -1 }),
        logStartOffset: int64('5+', { default: -1, ignorable: true }),
        partitionMaxBytes: int32('0+'),
        replicaDirectoryId: uuid('17+', { tag: 0, ignorable: true }),
        highWatermark: int64('18+', { tag: 1, default: 9223372036854775807n, ignorable: true }),
      }),
    }),
    forgottenTopicsData: array('7+', {
      topic: string('7-12', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitions: array('7+', 'int32'),
    }),
    rackId: string('11+', { ignorable: true }),
  },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('7+', { ignorable: true }),
    sessionId: int32('7+'),
    responses: array('0+', {
      topic: string('0-12', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        highWatermark: int64('0+'),
        lastStableOffset: int64('4+', { default: -1, ignorable: true }),
        logStartOffset: int64('5+', { default: -1, ignorable: true }),
        divergingEpoch: struct(
          '12+',
          {
            epoch: int32('12+', { default: -1 }),
            endOffset: int64('12+', { default: -1 }),
          },
          { tag: 0 },
        ),
        currentLeader: struct(
          '12+',
          {
            leaderId: int32('12+', { default: -1 }),
            leaderEpoch: int32('12+', { default: -1 }),
          },
          { tag: 1 },
        ),
        snapshotId: struct(
          '12+',
          {
            endOffset: int64('0+', { default: -1 }),
            epoch: int32('0+', { default: -1 }),
          },
          { tag: 2 },
        ),
        abortedTransactions: array(
          '4+',
          {
            producerId: int64('4+'),
            firstOffset: int64('4+'),
          },
          { nullable: '4+', ignorable: true },
        ),
        preferredReadReplica: int32('11+', { default: -1 }),
        records: records('0+', { nullable: '0+' }),
      }),
    }),
    nodeEndpoints: array(
      '16+',
      {
        nodeId: int32('16+', { mapKey: true }),
        host: string('16+'),
        port: int32('16+'),
        rack: string('16+', { nullable: '16+', default: null }),
      },
      { tag: 0 },
    ),
  },
)

export type FetchRequest = RequestOf<typeof Fetch>
export type FetchResponse = ResponseOf<typeof Fetch>
