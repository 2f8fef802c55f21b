import { applyAll } from './apply.js'
import { emptyImage, type Image, securityProtocolCode, type TopicImage } from './image.js'
import type { MetadataRecord } from './records.js'

/** Records that build the image from nothing: what a log keeps instead of everything that led to it. */
export function imageToRecords(image: Image): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const [name, featureLevel] of image.features) records.push({ type: 'FeatureLevelRecord', name, featureLevel })
  for (const broker of image.brokers.values()) {
    records.push({
      type: 'RegisterBrokerRecord',
      brokerId: broker.brokerId,
      incarnationId: broker.incarnationId,
      brokerEpoch: broker.epoch,
      endPoints: [...broker.endpoints.values()].map((endpoint) => ({
        name: endpoint.listener,
        host: endpoint.host,
        port: endpoint.port,
        securityProtocol: securityProtocolCode(endpoint.securityProtocol),
      })),
      features: broker.features,
      rack: broker.rack,
      fenced: broker.fenced,
      inControlledShutdown: broker.inControlledShutdown,
      logDirs: broker.logDirs,
    })
  }
  for (const topic of image.topicsById.values()) pushTopic(records, topic)
  for (const [resourceType, resources] of image.configs) {
    for (const [resourceName, values] of resources) {
      for (const [name, value] of values)
        records.push({ type: 'ConfigRecord', resourceType, resourceName, name, value })
    }
  }
  if (image.nextProducerId > 0) {
    records.push({ type: 'ProducerIdsRecord', brokerId: -1, brokerEpoch: -1, nextProducerId: image.nextProducerId })
  }
  return records
}

/** The image that a snapshot's records build; `offset` is the last that they stand for. */
export function recordsToImage(records: readonly MetadataRecord[], offset: number, clusterId: string): Image {
  const image = applyAll(emptyImage(clusterId), records)
  // When the features changed is not in the records; clients only want an epoch that does not go back.
  return { ...image, version: offset, featuresEpoch: image.features.size > 0 ? offset : -1 }
}

function pushTopic(records: MetadataRecord[], topic: TopicImage): void {
  records.push({ type: 'TopicRecord', name: topic.name, topicId: topic.topicId })
  for (const { partition, ...state } of topic.partitions) {
    records.push({ type: 'PartitionRecord', partitionId: partition, topicId: topic.topicId, ...state })
  }
}
