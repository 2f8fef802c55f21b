/**
 * ListConfigResources: v0-1
 *
 * Behaviours
 * - Client-metrics subscriptions and groups are listed when somebody has configured them; topics, brokers and their loggers when they exist.
 * Version notes
 * - v0 (ListClientMetricsResources, KIP-714): client-metrics subscriptions only.
 * - v1 (KIP-1142): by type; no types means all. Another type is UNSUPPORTED_VERSION.
 */
import { ErrorCode, ListConfigResources } from '../../../protocol/index.js'
import { ConfigResource, type ConfigResourceType, type Image } from '../../metadata/image.js'
import { api } from '../context.js'

const { TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP } = ConfigResource
const listable: readonly number[] = [GROUP, CLIENT_METRICS, BROKER_LOGGER, BROKER, TOPIC]

export const listConfigResources = api(ListConfigResources, '0-1', (request, { apiVersion }, broker) => {
  if (apiVersion === 0) return { configResources: [...resources(broker.image(), CLIENT_METRICS)] }
  if (request.resourceTypes.some((type) => !listable.includes(type))) {
    return { errorCode: ErrorCode.UNSUPPORTED_VERSION, configResources: [] }
  }
  const types =
    request.resourceTypes.length === 0 ? listable : listable.filter((type) => request.resourceTypes.includes(type))
  return { configResources: types.flatMap((type) => [...resources(broker.image(), type)]) }
})

function* resources(image: Image, resourceType: number) {
  for (const name of namesOf(image, resourceType)) yield { resourceName: String(name), resourceType }
}

function namesOf(image: Image, type: number): Iterable<string | number> {
  if (type === TOPIC) return image.topicsByName.keys()
  if (type === BROKER || type === BROKER_LOGGER) {
    return [...image.brokers.values()].filter(({ fenced }) => !fenced).map(({ brokerId }) => brokerId)
  }
  return image.configs.get(type as ConfigResourceType)?.keys() ?? []
}
