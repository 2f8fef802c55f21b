import {
  type BrokerImage,
  type ConfigResourceType,
  directoriesFor,
  type Endpoint,
  type Image,
  type PartitionImage,
  securityProtocolName,
  type TopicImage,
} from './image.js'
import { LayeredMap, type MapEdit } from './layered-map.js'
import type {
  BrokerRegistrationChangeRecord,
  ClearElrRecord,
  ConfigRecord,
  MetadataRecord,
  PartitionChangeRecord,
  PartitionRecord,
  RegisterBrokerRecord,
} from './records.js'

/** The image after one more record, at the next offset. Total and silent: a record about something unknown changes nothing. */
export function apply(image: Image, record: MetadataRecord): Image {
  return applyAll(image, [record])
}

/**
 * The image after a batch of records that begins at `image.version + 1`. Everything the records leave alone is shared, so a
 * change costs about the square root of the number of topics, and a batch costs that once.
 */
export function applyAll(image: Image, records: readonly MetadataRecord[]): Image {
  if (records.length === 0) return image
  const draft = new Draft(image)
  for (const record of records) draft.apply(record)
  return draft.done(image.version + records.length)
}

/** The same image under another controller; the lease is told by the coordination port, not by a record. */
export function withController(image: Image, controllerId: number): Image {
  return image.controllerId === controllerId ? image : { ...image, controllerId }
}

class Draft {
  private readonly topicsByName: MapEdit<string, TopicImage>
  private readonly topicsById: MapEdit<string, TopicImage>
  private brokers: Map<number, BrokerImage> | null = null
  private features: Map<string, number> | null = null
  private featuresEpoch: number
  private nextProducerId: number
  private readonly configs = new Map<ConfigResourceType, MapEdit<string, ReadonlyMap<string, string>>>()
  /** Partition arrays and config maps made in this batch, which may therefore be written again. */
  private readonly ours = new WeakSet<object>()
  private offset: number

  constructor(private readonly image: Image) {
    this.topicsByName = LayeredMap.from(image.topicsByName).edit()
    this.topicsById = LayeredMap.from(image.topicsById).edit()
    this.featuresEpoch = image.featuresEpoch
    this.nextProducerId = image.nextProducerId
    this.offset = image.version
  }

  apply(record: MetadataRecord): void {
    this.offset++
    switch (record.type) {
      case 'RegisterBrokerRecord':
        this.writableBrokers().set(record.brokerId, registered(record))
        return
      case 'UnregisterBrokerRecord':
        this.changeBroker(record.brokerId, record.brokerEpoch, () => null)
        return
      case 'FenceBrokerRecord':
        this.changeBroker(record.id, record.epoch, (broker) => ({ ...broker, fenced: true }))
        return
      case 'UnfenceBrokerRecord':
        this.changeBroker(record.id, record.epoch, (broker) => ({ ...broker, fenced: false }))
        return
      case 'BrokerRegistrationChangeRecord':
        this.changeBroker(record.brokerId, record.brokerEpoch, (broker) => changedRegistration(broker, record))
        return
      case 'TopicRecord':
        this.putTopic({ name: record.name, topicId: record.topicId, partitions: [] })
        return
      case 'RemoveTopicRecord':
        this.removeTopic(record.topicId)
        return
      case 'PartitionRecord':
        this.putPartition(record.topicId, record.partitionId, partitionOf(record))
        return
      case 'PartitionChangeRecord': {
        const before = this.topicsById.get(record.topicId)?.partitions[record.partitionId]
        if (before) this.putPartition(record.topicId, record.partitionId, changedPartition(before, record))
        return
      }
      case 'ConfigRecord':
        this.putConfig(record)
        return
      case 'FeatureLevelRecord':
        this.features ??= new Map(this.image.features)
        if (record.featureLevel === 0) this.features.delete(record.name)
        else this.features.set(record.name, record.featureLevel)
        this.featuresEpoch = this.offset
        return
      case 'ProducerIdsRecord':
        this.nextProducerId = record.nextProducerId
        return
      case 'ClearElrRecord':
        this.clearElr(record)
        return
      case 'NoOpRecord':
        return
    }
  }

  done(version: number): Image {
    let configs = this.image.configs
    if (this.configs.size > 0) {
      const written = new Map(configs)
      for (const [type, edit] of this.configs) written.set(type, edit.done())
      configs = written
    }
    return {
      version,
      clusterId: this.image.clusterId,
      controllerId: this.image.controllerId,
      brokers: this.brokers ?? this.image.brokers,
      topicsByName: this.topicsByName.done(),
      topicsById: this.topicsById.done(),
      configs,
      features: this.features ?? this.image.features,
      featuresEpoch: this.featuresEpoch,
      nextProducerId: this.nextProducerId,
    }
  }

  private writableBrokers(): Map<number, BrokerImage> {
    this.brokers ??= new Map(this.image.brokers)
    return this.brokers
  }

  private changeBroker(id: number, epoch: number, change: (broker: BrokerImage) => BrokerImage | null): void {
    const before = (this.brokers ?? this.image.brokers).get(id)
    // A record of an earlier life of this broker is void.
    if (before?.epoch !== epoch) return
    const after = change(before)
    if (after === null) this.writableBrokers().delete(id)
    else this.writableBrokers().set(id, after)
  }

  private putTopic(topic: TopicImage): void {
    this.topicsByName.set(topic.name, topic)
    this.topicsById.set(topic.topicId, topic)
  }

  private removeTopic(topicId: string): void {
    const topic = this.topicsById.get(topicId)
    if (topic === undefined) return
    this.topicsById.delete(topicId)
    if (this.topicsByName.get(topic.name)?.topicId === topicId) this.topicsByName.delete(topic.name)
    // The configs of a topic go with it (Kafka: ConfigurationControlManager.deleteTopicConfigs).
    this.configEdit(2).delete(topic.name)
  }

  private putPartition(topicId: string, index: number, partition: PartitionImage): void {
    const topic = this.topicsById.get(topicId)
    // A hole would make every reader of `partitions` wrong; the controller never writes one.
    if (topic === undefined || index < 0 || index > topic.partitions.length) return
    if (this.ours.has(topic.partitions)) {
      ;(topic.partitions as PartitionImage[])[index] = partition
      return
    }
    const partitions = topic.partitions.slice()
    partitions[index] = partition
    this.ours.add(partitions)
    this.putTopic({ ...topic, partitions })
  }

  private configEdit(type: ConfigResourceType): MapEdit<string, ReadonlyMap<string, string>> {
    let edit = this.configs.get(type)
    if (edit === undefined) {
      edit = LayeredMap.from(this.image.configs.get(type) ?? new Map<string, ReadonlyMap<string, string>>()).edit()
      this.configs.set(type, edit)
    }
    return edit
  }

  private putConfig(record: ConfigRecord): void {
    const resources = this.configEdit(record.resourceType as ConfigResourceType)
    let values = resources.get(record.resourceName)
    if (values === undefined || !this.ours.has(values)) {
      values = new Map(values)
      this.ours.add(values)
    }
    const writable = values as Map<string, string>
    if (record.value === null) writable.delete(record.name)
    else writable.set(record.name, record.value)
    if (writable.size === 0) resources.delete(record.resourceName)
    else resources.set(record.resourceName, writable)
  }

  private clearElr(record: ClearElrRecord): void {
    const named = this.topicsByName.get(record.topicName)
    const topics = record.topicName === '' ? [...this.topicsById.done().values()] : named ? [named] : []
    for (const topic of topics) {
      if (topic.partitions.every((p) => p.eligibleLeaderReplicas.length + p.lastKnownElr.length === 0)) continue
      const partitions = topic.partitions.map((p) => ({ ...p, eligibleLeaderReplicas: [], lastKnownElr: [] }))
      this.putTopic({ ...topic, partitions })
    }
  }
}

function registered(record: RegisterBrokerRecord): BrokerImage {
  const endpoints = new Map<string, Endpoint>()
  for (const { name, host, port, securityProtocol } of record.endPoints) {
    endpoints.set(name, { listener: name, host, port, securityProtocol: securityProtocolName(securityProtocol) })
  }
  return {
    brokerId: record.brokerId,
    epoch: record.brokerEpoch,
    incarnationId: record.incarnationId,
    rack: record.rack,
    fenced: record.fenced,
    inControlledShutdown: record.inControlledShutdown ?? false,
    endpoints,
    features: record.features,
    logDirs: record.logDirs ?? [],
  }
}

function changedRegistration(broker: BrokerImage, record: BrokerRegistrationChangeRecord): BrokerImage {
  return {
    ...broker,
    fenced: record.fenced === 1 ? true : record.fenced === -1 ? false : broker.fenced,
    inControlledShutdown: broker.inControlledShutdown || record.inControlledShutdown === 1,
    logDirs: record.logDirs?.length ? record.logDirs : broker.logDirs,
  }
}

function partitionOf(record: PartitionRecord): PartitionImage {
  return {
    partition: record.partitionId,
    leader: record.leader,
    leaderEpoch: record.leaderEpoch,
    partitionEpoch: record.partitionEpoch,
    replicas: record.replicas,
    isr: record.isr,
    addingReplicas: record.addingReplicas,
    removingReplicas: record.removingReplicas,
    eligibleLeaderReplicas: record.eligibleLeaderReplicas ?? [],
    lastKnownElr: record.lastKnownElr ?? [],
    directories: record.directories ?? [],
  }
}

function changedPartition(before: PartitionImage, change: PartitionChangeRecord): PartitionImage {
  const leader = change.leader ?? -2
  return {
    partition: before.partition,
    leader: leader === -2 ? before.leader : leader,
    leaderEpoch: leader === -2 ? before.leaderEpoch : before.leaderEpoch + 1,
    partitionEpoch: before.partitionEpoch + 1,
    replicas: change.replicas ?? before.replicas,
    isr: change.isr ?? before.isr,
    addingReplicas: change.addingReplicas ?? before.addingReplicas,
    removingReplicas: change.removingReplicas ?? before.removingReplicas,
    eligibleLeaderReplicas: change.eligibleLeaderReplicas ?? before.eligibleLeaderReplicas,
    lastKnownElr: change.lastKnownElr ?? before.lastKnownElr,
    directories: change.directories ?? (change.replicas ? directoriesFor(before, change.replicas) : before.directories),
  }
}
