/**
 * InitProducerId: v0-5 (v6 is not stable)
 *
 * Behaviours
 * - Without transactional id every request gets a new producer id with epoch 0, also one that names an id of its own (KIP-360).
 * - With one: the producer's next epoch, which fences whoever used the id before. Its open transaction is aborted first, and the answer is
 *   CONCURRENT_TRANSACTIONS until that is done. An empty id: INVALID_REQUEST; a timeout of 0, below, or above transaction.max.timeout.ms:
 *   INVALID_TRANSACTION_TIMEOUT.
 * - A producer id without an epoch, or an epoch without an id: INVALID_REQUEST.
 * Version notes
 * - v2: flexible. v3 (KIP-360): the producer's current id and epoch. v0-v3: INVALID_PRODUCER_EPOCH for PRODUCER_FENCED (KIP-588). v5 (KIP-890):
 *   the same bytes.
 */
import { ErrorCode, InitProducerId, type RequestOf } from '../../../protocol/index.js'
import { then } from '../../broker/group/answer.js'
import { type Awaitable, api, type HandlerResult, type RequestContext } from '../context.js'
import type { BrokerServices } from '../services.js'

type Request = RequestOf<typeof InitProducerId>
type Result = HandlerResult<typeof InitProducerId>

export const initProducerId = api(InitProducerId, '0-5', initProducerIdHandler)

function initProducerIdHandler(request: Request, context: RequestContext, broker: BrokerServices): Awaitable<Result> {
  const { transactionalId, transactionTimeoutMs: timeoutMs, producerId, producerEpoch } = request
  // Half an identity is none.
  if ((producerId === -1) !== (producerEpoch === -1)) return failed(ErrorCode.INVALID_REQUEST)
  if (transactionalId === null) {
    return then(broker.producerIds.next(), (next) =>
      next.errorCode === ErrorCode.NONE ? { throttleTimeMs: 0, ...next, producerEpoch: 0 } : failed(next.errorCode),
    )
  }
  const expected = producerId === -1 ? null : { producerId, producerEpoch }
  return then(broker.transactions.initProducerId({ transactionalId, timeoutMs, expected }), (reply) => {
    const older = context.apiVersion < 4 && reply.errorCode === ErrorCode.PRODUCER_FENCED
    return older ? failed(ErrorCode.INVALID_PRODUCER_EPOCH) : { throttleTimeMs: 0, ...reply }
  })
}

const failed = (errorCode: ErrorCode): Result => ({ throttleTimeMs: 0, errorCode, producerId: -1, producerEpoch: -1 })
