/**
 * CreatePartitions: v0-3
 *
 * Behaviours
 * - `count` is the number in all; not more than there are: INVALID_PARTITIONS. The cases are in cluster/control/partitions.
 * - A topic twice is INVALID_REQUEST once. One topic's error does not touch the others.
 * Version notes
 * - v2: flexible. v3: nothing new on the wire (throttled by another quota in Kafka).
 */
import { CreatePartitions } from '../../../protocol/index.js'
import { api } from '../context.js'

export const createPartitions = api(CreatePartitions, '0-3', async (request, _context, broker) => ({
  results: await broker.controller.createPartitions(request),
}))
