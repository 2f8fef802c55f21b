import { buildEndTxnMarker } from '../../../protocol/batch/control.js'
import type { ErrorCode } from '../../../protocol/errors.js'
import type { AppendInfo } from '../../log/contract.js'
import type { TransactionMarker } from '../coordinator/contract.js'
import type { Partition } from './partition.js'

/**
 * Appends the marker that ends a producer's transaction in a partition, as `Partition.appendAsCoordinator` does. INVALID_PRODUCER_EPOCH: the log has a
 * later epoch of the producer; TRANSACTION_COORDINATOR_FENCED: a marker of a later coordinator.
 */
export function appendMarker(
  partition: Partition,
  marker: TransactionMarker,
  leaderEpoch: number,
  now: number,
): AppendInfo | ErrorCode {
  const { producerId, producerEpoch, coordinatorEpoch, commit, transactionVersion = 0 } = marker
  const type = commit ? 'commit' : 'abort'
  const batch = buildEndTxnMarker({ type, producerId, producerEpoch, coordinatorEpoch, timestamp: now })
  return partition.appendAsCoordinator(batch, leaderEpoch, now, transactionVersion)
}
