/**
 * EndTxn: v0-5
 *
 * Behaviours
 * - Answered when the decision is committed; the markers follow, so the next request may hear CONCURRENT_TRANSACTIONS for a moment.
 * - With nothing open: INVALID_TXN_STATE, but an abort by v5 is NONE. The same end again: NONE; the other one: INVALID_TXN_STATE.
 * Version notes
 * - v0-v1: INVALID_PRODUCER_EPOCH for PRODUCER_FENCED (KIP-588). v4: KIP-890. v5 (transaction version 2): every end bumps the producer's epoch,
 *   and the answer has it, with a new producer id when the epochs are used up.
 */
import { EndTxn, ErrorCode } from '../../../protocol/index.js'
import { then } from '../../broker/group/answer.js'
import { api } from '../context.js'

export const endTxn = api(EndTxn, '0-5', (request, { apiVersion }, { transactions }) => {
  const { transactionalId, producerId, producerEpoch, committed: commit } = request
  const transactionVersion = apiVersion >= 5 ? 2 : 0
  const command = { transactionalId, producerId, producerEpoch, commit, transactionVersion }
  return then(transactions.endTransaction(command), (reply) => {
    const older = apiVersion < 2 && reply.errorCode === ErrorCode.PRODUCER_FENCED
    return { throttleTimeMs: 0, ...reply, errorCode: older ? ErrorCode.INVALID_PRODUCER_EPOCH : reply.errorCode }
  })
})
