import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int16, int32, int64, message, string } from '../schema/index.js'

const addPartitionsToTxnTopic = {
  name: string('0+', { mapKey: true }),
  partitions: array('0+', 'int32'),
}

const addPartitionsToTxnPartitionResult = {
  partitionIndex: int32('0+', { mapKey: true }),
  partitionErrorCode: int16('0+'),
}

const addPartitionsToTxnTopicResult = {
  name: string('0+', { mapKey: true }),
  resultsByPartition: array('0+', addPartitionsToTxnPartitionResult),
}

/**
 * AddPartitionsToTxn: adds partitions to a transaction, or verifies that they are in it.
 *
 * Sent by clients, served by: transaction coordinator. Versions:
 *   v0   the first version (KIP-98)
 *   v1   the same bytes
 *   v2   the same bytes
 *   v3   flexible (KIP-482)
 *   v4   request: + transactions; - v3AndBelowTransactionalId, v3AndBelowProducerId, v3AndBelowProducerEpoch,
 *        v3AndBelowTopics; response: + errorCode, resultsByTransaction; - resultsByTopicV3AndBelow (KIP-890)
 *   v5   the same bytes (KIP-890)
 */
export const AddPartitionsToTxn = message(
  'AddPartitionsToTxn',
  { key: 24, versions: '0-5', flexible: '3+', audience: 'client', listeners: ['broker'] },
  {
    transactions: array('4+', {
      transactionalId: string('4+', { mapKey: true }),
      producerId: int64('4+'),
      producerEpoch: int16('4+'),
      verifyOnly: bool('4+'),
      topics: array('4+', addPartitionsToTxnTopic),
    }),
    v3AndBelowTransactionalId: string('0-3'),
    v3AndBelowProducerId: int64('0-3'),
    v3AndBelowProducerEpoch: int16('0-3'),
    v3AndBelowTopics: array('0-3', addPartitionsToTxnTopic),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('4+', { ignorable: true }),
    resultsByTransaction: array('4+', {
      transactionalId: string('4+', { mapKey: true }),
      topicResults: array('4+', addPartitionsToTxnTopicResult),
    }),
    resultsByTopicV3AndBelow: array('0-3', addPartitionsToTxnTopicResult),
  },
)

export type AddPartitionsToTxnRequest = RequestOf<typeof AddPartitionsToTxn>
export type AddPartitionsToTxnResponse = ResponseOf<typeof AddPartitionsToTxn>
