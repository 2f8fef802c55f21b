import type { BrokerConfig } from '../../metadata/broker-config.js'
import type { Image } from '../../metadata/image.js'
import { CONSUMER_OFFSETS, SHARE_GROUP_STATE, TRANSACTION_STATE } from '../../metadata/topic-name.js'
import { type ControlContext, type Decision, DONE } from './command.js'
import { type CreatedTopic, createTopics, type NewTopic } from './topics.js'

/**
 * Creates what a client or coordinator needs and has not asked for by name: topics of Metadata requests with num.partitions and
 * default.replication.factor, internal topics with their own settings (Kafka: AutoTopicCreationManager). A topic that exists is a
 * success, so two clients may ask at the same time.
 */
export function autoCreate(image: Image, context: ControlContext, names: readonly string[]): Decision<CreatedTopic[]> {
  const existing: CreatedTopic[] = []
  const missing: NewTopic[] = []
  for (const name of new Set(names)) {
    const topic = image.topicsByName.get(name)
    if (topic === undefined) missing.push(newTopic(name, context))
    else {
      existing.push({
        ...DONE,
        name,
        topicId: topic.topicId,
        numPartitions: topic.partitions.length,
        replicationFactor: topic.partitions[0]?.replicas.length ?? -1,
        configs: null,
      })
    }
  }
  const { records, results } = createTopics(image, context, { topics: missing, validateOnly: false })
  return { records, results: [...existing, ...results] }
}

function newTopic(name: string, { config }: ControlContext): NewTopic {
  switch (name) {
    case CONSUMER_OFFSETS:
      return internal(name, 'offsets.topic', config, {
        'cleanup.policy': 'compact',
        // The group coordinator chooses the codec of each batch itself.
        'compression.type': 'producer',
        'segment.bytes': String(config.number('offsets.topic.segment.bytes')),
      })
    case TRANSACTION_STATE:
      return internal(name, 'transaction.state.log', config, {
        'unclean.leader.election.enable': 'false',
        'compression.type': 'uncompressed',
        'cleanup.policy': 'compact',
        'min.insync.replicas': String(config.number('transaction.state.log.min.isr')),
        'segment.bytes': String(config.number('transaction.state.log.segment.bytes')),
      })
    case SHARE_GROUP_STATE:
      return internal(name, 'share.coordinator.state.topic', config, {
        // The share coordinator deletes records up to its last snapshot itself.
        'cleanup.policy': 'delete',
        'retention.ms': '-1',
        'compression.type': 'uncompressed',
        'min.insync.replicas': String(config.number('share.coordinator.state.topic.min.isr')),
        'segment.bytes': String(config.number('share.coordinator.state.topic.segment.bytes')),
      })
    default:
      return { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }
  }
}

function internal(
  name: string,
  prefix: string,
  config: BrokerConfig,
  configs: Readonly<Record<string, string>>,
): NewTopic {
  return {
    name,
    numPartitions: config.number(`${prefix}.num.partitions`),
    replicationFactor: config.number(`${prefix}.replication.factor`),
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  }
}
