/**
 * WriteTxnMarkers: v1-2
 *
 * Behaviours
 * - Ends a producer's transaction in each of the partitions: sent by the transaction coordinator, and by administrators who end a transaction
 *   that hangs (kafka-transactions --abort). A partition that is not here: UNKNOWN_TOPIC_OR_PARTITION.
 * - An older producer epoch than the log has: INVALID_PRODUCER_EPOCH; an older coordinator epoch: TRANSACTION_COORDINATOR_FENCED.
 * - Producer id -1 is nobody's: INVALID_PRODUCER_ID_MAPPING; a negative epoch: INVALID_PRODUCER_EPOCH.
 * Version notes
 * - v2 (KIP-1228): transactionVersion; from 2 on the marker's epoch has to lie above that of the open transaction.
 * Deviation
 * - Kafka answers all markers of a request with UNKNOWN_SERVER_ERROR when one of them has the id or the epoch -1, whatever it wrote of them.
 */
import { ErrorCode, type RequestOf, type ResponseInput, WriteTxnMarkers } from '../../../protocol/index.js'
import { type Answer, all, then } from '../../broker/group/answer.js'
import { api } from '../context.js'
import type { BrokerServices } from '../services.js'

type Marker = RequestOf<typeof WriteTxnMarkers>['markers'][number]
type Result = NonNullable<ResponseInput<typeof WriteTxnMarkers>['markers']>[number]

export const writeTxnMarkers = api(WriteTxnMarkers, '1-2', ({ markers }, _context, broker) =>
  then(all(markers.map((marker) => write(marker, broker))), (results) => ({ markers: results })),
)

function write(marker: Marker, broker: BrokerServices): Answer<Result> {
  const { producerId, producerEpoch, coordinatorEpoch, transactionResult: commit, transactionVersion } = marker
  const topics = marker.topics.map(({ name, partitionIndexes }) => ({
    topic: name,
    partitionIds: [...new Set(partitionIndexes)],
  }))
  const wrong = notOfAProducer(marker)
  const codes =
    wrong === ErrorCode.NONE
      ? broker.markers.writeHere({ producerId, producerEpoch, coordinatorEpoch, commit, transactionVersion }, topics)
      : topics.flatMap(({ topic, partitionIds }) =>
          partitionIds.map((partitionId) => {
            const found = broker.replicas.find(topic, partitionId)
            return typeof found === 'number' ? found : wrong
          }),
        )
  return then(codes, (errorCodes) => {
    let at = 0
    const answered = topics.map(({ topic, partitionIds }) => ({
      name: topic,
      partitions: partitionIds.map((partitionIndex) => ({ partitionIndex, errorCode: notLed(errorCodes[at++]!) })),
    }))
    return { producerId, topics: answered }
  })
}

function notOfAProducer({ producerId, producerEpoch }: Marker): ErrorCode {
  if (producerId === -1) return ErrorCode.INVALID_PRODUCER_ID_MAPPING
  return producerEpoch < 0 ? ErrorCode.INVALID_PRODUCER_EPOCH : ErrorCode.NONE
}

/** Kafka does not tell a partition that it has not from one that it does not lead. */
const notLed = (errorCode: ErrorCode): ErrorCode =>
  errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : errorCode
