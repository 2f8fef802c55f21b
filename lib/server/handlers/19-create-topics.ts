/**
 * CreateTopics: v2-7
 *
 * Behaviours
 * - Created when answered: every broker of the process knows the topic, its leaders serve. The timeout has nothing to wait for.
 * - A name twice is INVALID_REQUEST once; TOPIC_ALREADY_EXISTS wins over whatever else is wrong. The cases are in cluster/control/topics.
 * - `validateOnly` answers as if it had been done, with a topic id that is nobody's.
 * Version notes
 * - v4 (KIP-464): -1 for partitions and replication factor means the broker's default; accepted in every version served.
 * - v5 (KIP-525): partitions, replication factor and all configs of the new topic, with their sources.
 * - v7 (KIP-516): the topic's id.
 * Deviations
 * - The configs are those in force on the controller, in alphabetical order.
 */
import { CreateTopics } from '../../../protocol/index.js'
import type { CreatedTopic } from '../../cluster/control/topics.js'
import { PEER_LISTENER } from '../../cluster/peers.js'
import type { EffectiveConfig } from '../../metadata/topic-config.js'
import { api } from '../context.js'

export const createTopics = api(CreateTopics, '2-7', async (request, { connection }, broker) => {
  // A broker asks for what its clients need; internal topics get their own settings.
  const created =
    connection.listenerName === PEER_LISTENER
      ? await broker.controller.autoCreate(request.topics.map(({ name }) => name))
      : await broker.controller.createTopics(request)
  return { topics: created.map(result) }
})

function result(topic: CreatedTopic) {
  const { name, topicId, errorCode, errorMessage, numPartitions, replicationFactor } = topic
  const configs = topic.configs === null ? [] : topic.configs.map(shown)
  return { name, topicId, errorCode, errorMessage, numPartitions, replicationFactor, configs }
}

/** Most configs of most topics are the broker's: the same objects every time. */
const known = new WeakMap<EffectiveConfig, ReturnType<typeof show>>()

function shown(config: EffectiveConfig): ReturnType<typeof show> {
  let entry = known.get(config)
  if (entry === undefined) known.set(config, (entry = show(config)))
  return entry
}

function show({ def, text, source }: EffectiveConfig) {
  return {
    name: def.name,
    value: def.sensitive ? null : text,
    readOnly: false,
    configSource: source,
    isSensitive: def.sensitive,
  }
}
