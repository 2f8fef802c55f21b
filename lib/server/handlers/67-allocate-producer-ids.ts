/**
 * AllocateProducerIds: v0, from brokers to the controller (KIP-730)
 *
 * Behaviours
 * - Gives the sender a block of producer ids that nobody else gets, recorded before it is answered.
 * - A sender that is not registered under this epoch: STALE_BROKER_EPOCH. Not the controller: NOT_CONTROLLER.
 */
import { AllocateProducerIds, ErrorCode } from '../../../protocol/index.js'
import { api } from '../context.js'

export const allocateProducerIds = api(AllocateProducerIds, '0-0', async (request, _context, broker) => {
  if (!broker.controller.isActive) return { errorCode: ErrorCode.NOT_CONTROLLER, producerIdStart: -1, producerIdLen: 0 }
  const { errorCode, firstProducerId, count } = await broker.controller.allocateProducerIds(request)
  return { errorCode, producerIdStart: firstProducerId, producerIdLen: count }
})
