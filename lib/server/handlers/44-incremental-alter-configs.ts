/**
 * IncrementalAlterConfigs: v0-1
 *
 * Behaviours
 * - SET, DELETE, APPEND and SUBTRACT (lists only), all or nothing per resource. The cases are in cluster/control/configs.
 * - In force on every broker of the process when answered; Kafka's brokers need a moment.
 * Version notes
 * - v1: flexible.
 * Deviations
 * - Broker loggers cannot be changed: INVALID_REQUEST.
 */
import { IncrementalAlterConfigs } from '../../../protocol/index.js'
import { api } from '../context.js'

export const incrementalAlterConfigs = api(IncrementalAlterConfigs, '0-1', async (request, { connection }, broker) => {
  const { resources, validateOnly } = request
  const command = { resources, validateOnly, receiverId: connection.receiverId ?? broker.brokerId, replace: false }
  return { responses: await broker.controller.alterConfigs(command) }
})
