/**
 * AlterConfigs: v0-2 (deprecated by IncrementalAlterConfigs, KIP-339; kafkajs speaks nothing else)
 *
 * Behaviours
 * - Replaces the whole set of a resource: keys left out go back to their defaults. The cases are in cluster/control/configs.
 * - null values are INVALID_REQUEST. Broker loggers are no resource here.
 * Version notes
 * - v2: flexible.
 */
import { AlterConfigs } from '../../../protocol/index.js'
import { AlterOperation } from '../../cluster/control/configs.js'
import { api } from '../context.js'

export const alterConfigs = api(AlterConfigs, '0-2', async (request, { connection }, broker) => {
  const resources = request.resources.map(({ resourceType, resourceName, configs }) => ({
    resourceType,
    resourceName,
    configs: configs.map(({ name, value }) => ({ name, value, configOperation: AlterOperation.SET })),
  }))
  const { validateOnly } = request
  const command = { resources, validateOnly, receiverId: connection.receiverId ?? broker.brokerId, replace: true }
  return { responses: await broker.controller.alterConfigs(command) }
})
