import type { ConfigResourceType, Image, PartitionImage, TopicImage } from './image.js'

/** One partition of which something changed. */
export interface PartitionChange {
  readonly topic: TopicImage
  readonly partition: PartitionImage
  /** As it was; null when it is new on this cluster. */
  readonly before: PartitionImage | null
}

/** What a new image means for one broker. */
export interface Delta {
  readonly before: Image
  readonly after: Image
  readonly createdTopics: readonly TopicImage[]
  readonly deletedTopics: readonly TopicImage[]
  /** Partitions this broker leads now and whose state changed (new, elected, epoch, ISR or replicas). */
  readonly led: readonly PartitionChange[]
  /** Partitions this broker follows now (it is a replica, another broker or none leads) and whose state changed. */
  readonly followed: readonly PartitionChange[]
  /** Partitions this broker has to give up: its replica moved away, or the topic is gone. */
  readonly removed: readonly { topic: TopicImage; partition: PartitionImage }[]
  /** Resources whose dynamic configs changed. */
  readonly configs: readonly { type: ConfigResourceType; name: string }[]
  readonly brokersChanged: boolean
  readonly featuresChanged: boolean
  readonly controllerChanged: boolean
}

/**
 * Compares two images. Untouched values are shared between images, so the comparison is by identity; still it looks once at
 * every topic when (and only when) some topic changed.
 */
export function deltaBetween(before: Image, after: Image, brokerId: number): Delta {
  const created: TopicImage[] = []
  const deleted: TopicImage[] = []
  const led: PartitionChange[] = []
  const followed: PartitionChange[] = []
  const removed: { topic: TopicImage; partition: PartitionImage }[] = []
  if (before.topicsById !== after.topicsById) {
    for (const topic of before.topicsById.values()) {
      if (after.topicsById.has(topic.topicId)) continue
      deleted.push(topic)
      for (const partition of topic.partitions) {
        if (partition.replicas.includes(brokerId)) removed.push({ topic, partition })
      }
    }
    for (const topic of after.topicsById.values()) {
      const old = before.topicsById.get(topic.topicId)
      if (old === topic) continue
      if (old === undefined) created.push(topic)
      for (const partition of topic.partitions) {
        const was = old?.partitions[partition.partition] ?? null
        if (was === partition) continue
        if (partition.leader === brokerId) led.push({ topic, partition, before: was })
        else if (partition.replicas.includes(brokerId)) followed.push({ topic, partition, before: was })
        else if (was?.replicas.includes(brokerId)) removed.push({ topic, partition: was })
      }
    }
  }
  return {
    before,
    after,
    createdTopics: created,
    deletedTopics: deleted,
    led,
    followed,
    removed,
    configs: changedConfigs(before, after),
    brokersChanged: before.brokers !== after.brokers,
    featuresChanged: before.features !== after.features,
    controllerChanged: before.controllerId !== after.controllerId,
  }
}

function changedConfigs(before: Image, after: Image): { type: ConfigResourceType; name: string }[] {
  const changed: { type: ConfigResourceType; name: string }[] = []
  if (before.configs === after.configs) return changed
  for (const [type, resources] of after.configs) {
    const old = before.configs.get(type)
    if (old === resources) continue
    for (const [name, values] of resources) if (old?.get(name) !== values) changed.push({ type, name })
  }
  for (const [type, resources] of before.configs) {
    const now = after.configs.get(type)
    if (now === resources) continue
    for (const name of resources.keys()) if (now?.has(name) !== true) changed.push({ type, name })
  }
  return changed
}
