/**
 * DescribeConfigs: v1-4
 *
 * Behaviours
 * - No keys, or null: all configs. Keys that do not exist are left out silently. The message of a good resource is "", not null.
 * - A type that does not exist spoils the whole request: INVALID_REQUEST for every resource. Everything else is said per resource.
 * - Brokers answer for themselves only; the nameless broker shows what is set for all at run time, and nothing else.
 * - Synonyms: most specific first, then by source; a topic's have the broker's names. Secrets have no value.
 * Version notes
 * - v1: sources and synonyms. v3: types, documentation.
 * Deviations
 * - Documentation is what the definition says (type, default, bounds), not Kafka's text.
 * - Broker loggers: there is one level for everything, so the list is empty.
 */
import { DescribeConfigs, ErrorCode } from '../../../protocol/index.js'
import { configKinds, describeResource } from '../../metadata/describe-configs.js'
import { api } from '../context.js'

export const describeConfigs = api(DescribeConfigs, '1-4', (request, _context, broker) => {
  const stranger = request.resources.find(({ resourceType }) => configKinds[resourceType] === undefined)
  if (stranger !== undefined) {
    const errorMessage = `There is no resource type ${stranger.resourceType}.`
    return {
      results: request.resources.map(({ resourceType, resourceName }) => ({
        errorCode: ErrorCode.INVALID_REQUEST,
        errorMessage,
        resourceType,
        resourceName,
        configs: [],
      })),
    }
  }
  const view = { image: broker.image(), broker: broker.config }
  const results = request.resources.map(({ resourceType, resourceName, configurationKeys }) => {
    const described = describeResource(resourceType, resourceName, view)
    if (described.configs === null) return { ...described, resourceType, resourceName, configs: [] }
    const keys = configurationKeys === null || configurationKeys.length === 0 ? null : new Set(configurationKeys)
    const configs = described.configs
      .filter(({ name }) => keys === null || keys.has(name))
      .map((config) => ({
        ...config,
        synonyms: request.includeSynonyms ? [...config.synonyms] : [],
        documentation: request.includeDocumentation ? config.documentation : null,
      }))
    return { errorCode: ErrorCode.NONE, errorMessage: '', resourceType, resourceName, configs }
  })
  return { results }
})
