/**
 * UnregisterBroker: v0, decided by the controller (KIP-631)
 *
 * Behaviours
 * - Forgets a broker: its partitions keep its id among their replicas, without it in sync. One that lives registers again by itself.
 * - An id that nobody has: BROKER_ID_NOT_REGISTERED.
 */
import { UnregisterBroker } from '../../../protocol/index.js'
import { api } from '../context.js'

export const unregisterBroker = api(UnregisterBroker, '0-0', async ({ brokerId }, _context, broker) => {
  const { errorCode, errorMessage } = await broker.controller.unregisterBroker(brokerId)
  // Kafka says nothing, but not null.
  return { errorCode, errorMessage: errorMessage ?? '' }
})
