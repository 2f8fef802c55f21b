import { ErrorCode } from '../../../protocol/errors.js'
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
