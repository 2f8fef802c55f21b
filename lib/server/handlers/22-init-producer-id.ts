/**
 * InitProducerId: v0-5 (v6 is not stable)
 *
 * Behaviours
 * - Without transactional id every request gets a new producer id with epoch 0, also one that names an id of its own (KIP-360).
 * - A producer id without an epoch, or an epoch without an id: INVALID_REQUEST.
 * Version notes
 * - v2: flexible. v3 (KIP-360): the producer's current id and epoch. v4 (KIP-588), v5 (KIP-890): the same bytes.
 */
import { ErrorCode, InitProducerId, type RequestOf } from '../../../protocol/index.js'
import { then } from '../../broker/group/answer.js'
import { type Awaitable, api, type HandlerResult, type RequestContext } from '../context.js'
import type { BrokerServices } from '../services.js'

type Request = RequestOf<typeof InitProducerId>
type Result = HandlerResult<typeof InitProducerId>

export const initProducerId = api(InitProducerId, '0-5', initProducerIdHandler)

function initProducerIdHandler(request: Request, _context: RequestContext, broker: BrokerServices): Awaitable<Result> {
  // Half an identity is none.
  if ((request.producerId === -1) !== (request.producerEpoch === -1)) return failed(ErrorCode.INVALID_REQUEST)
  // There is no transaction coordinator to ask yet: nobody may use a transactional id.
  if (request.transactionalId !== null) return failed(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
  return then(broker.producerIds.next(), ({ errorCode, producerId }) =>
    errorCode === ErrorCode.NONE ? { throttleTimeMs: 0, errorCode, producerId, producerEpoch: 0 } : failed(errorCode),
  )
}

const failed = (errorCode: ErrorCode): Result => ({ throttleTimeMs: 0, errorCode, producerId: -1, producerEpoch: -1 })
