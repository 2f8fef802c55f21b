/**
 * DescribeConfigs: v1-4
 *
 * Behaviours
 * - No keys, or null: all configs. Keys that do not exist are left out silently. The message of a good resource is "", not null.
 * - A type that does not exist spoils the whole request: INVALID_REQUEST for every resource. Everything else is said per resource.
 * - Brokers answer for themselves only; the nameless broker shows what is set for all at run time, and nothing else.
 * - Synonyms: most specific first, then by source; a topic's have the broker's names. Secrets have no value.
 * - An answer holds so many configs and no more (CONFIGS_PER_ANSWER_MAX): INVALID_REQUEST for each resource beyond.
 * Version notes
 * - v1: sources and synonyms. v3: types, documentation.
 * Deviations
 * - Documentation is what the definition says (type, default, bounds), not Kafka's text.
 * - Kafka has no limit on the answer. Broker loggers: there is one level for everything, so the list is empty.
 */
import { DescribeConfigs, ErrorCode } from '../../../protocol/index.js'
import { configKinds, describeResource } from '../../metadata/describe-configs.js'
import { api } from '../context.js'

/**
 * All configs of more than 10,000 topics. A request of a few megabytes can name a million resources, whose answer would stop the broker
 * for minutes and not fit into memory.
 */
const CONFIGS_PER_ANSWER_MAX = 400_000
const TOO_MANY = 'The answer would be too large. Describe the rest in requests of their own.'

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
  let looked = 0
  const results = request.resources.map(({ resourceType, resourceName, configurationKeys }) => {
    if (looked >= CONFIGS_PER_ANSWER_MAX) {
      return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: TOO_MANY, resourceType, resourceName, configs: [] }
    }
    const described = describeResource(resourceType, resourceName, view)
    // What is filtered out below has cost its time as well.
    looked += described.configs?.length ?? 1
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
