/**
 * AddOffsetsToTxn: v0-4
 *
 * Behaviours
 * - Puts the group's partition of `__consumer_offsets` into the producer's transaction; otherwise as AddPartitionsToTxn.
 * Version notes
 * - v0-v1: INVALID_PRODUCER_EPOCH for PRODUCER_FENCED (KIP-588). v4: KIP-890. Producers of transaction version 2 do without: TxnOffsetCommit adds
 *   the partition.
 */
import { AddOffsetsToTxn, ErrorCode } from '../../../protocol/index.js'
import { GROUP_TOPIC } from '../../broker/coordinator/locate.js'
import { then } from '../../broker/group/answer.js'
import { api } from '../context.js'

export const addOffsetsToTxn = api(AddOffsetsToTxn, '0-4', (request, { apiVersion }, { groups, transactions }) => {
  const { transactionalId, producerId, producerEpoch, groupId } = request
  const partitions = [{ topic: GROUP_TOPIC, partitionIds: [groups.partitionFor(groupId)] }]
  const command = { transactionalId, producerId, producerEpoch, partitions, transactionVersion: 0 }
  return then(transactions.addPartitions(command), ({ errorCode }) => {
    const older = apiVersion < 2 && errorCode === ErrorCode.PRODUCER_FENCED
    return { throttleTimeMs: 0, errorCode: older ? ErrorCode.INVALID_PRODUCER_EPOCH : errorCode }
  })
})
