import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int8, int16, int32, int64, message, uuid } from '../schema/index.js'

/**
 * AlterPartition: asks the controller to change the in-sync replicas of partitions.
 *
 * Sent by other brokers, served by: controller. Versions:
 *   v2   the lowest version that Kafka 4.4 serves (KIP-516)
 *   v3   request: + topics.partitions.newIsrWithEpochs; - topics.partitions.newIsr (KIP-903)
 */
export const AlterPartition = message(
  'AlterPartition',
  { key: 56, versions: '2-3', flexible: '0+', audience: 'inter-broker', listeners: ['controller'] },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
    topics: array('0+', {
      topicId: uuid('2+', { ignorable: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        leaderEpoch: int32('0+'),
        newIsr: array('0-2', 'int32'),
        newIsrWithEpochs: array('3+', {
          brokerId: int32('3+'),
          brokerEpoch: int64('3+', { default: -1 }),
        }),
        leaderRecoveryState: int8('1+'),
        partitionEpoch: int32('0+'),
      }),
    }),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    topics: array('0+', {
      topicId: uuid('2+', { ignorable: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+'),
        isr: array('0+', 'int32'),
        leaderRecoveryState: int8('1+', { ignorable: true }),
        partitionEpoch: int32('0+'),
      }),
    }),
  },
)

export type AlterPartitionRequest = RequestOf<typeof AlterPartition>
export type AlterPartitionResponse = ResponseOf<typeof AlterPartition>
