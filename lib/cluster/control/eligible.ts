/** Where eligible leader replicas are on, and how many in-sync replicas commit (KIP-966). */
import { ELIGIBLE_LEADER_REPLICAS_VERSION } from '../../metadata/features.js'
import { ConfigResource, type Image, isActiveBroker, resourceConfigs } from '../../metadata/image.js'
import type { MetadataRecord, PartitionChangeRecord } from '../../metadata/records.js'
import type { Electorate } from '../election.js'
import type { ControlContext } from './command.js'

export const MIN_ISR = 'min.insync.replicas'

export function hasElr(image: Image): boolean {
  return (image.features.get(ELIGIBLE_LEADER_REPLICAS_VERSION) ?? 0) > 0
}

/** `min.insync.replicas` of the topic, else of the cluster; null where eligible leader replicas are off. */
export function electionMinIsr(image: Image, { config }: Pick<ControlContext, 'config'>, topic: string): number | null {
  if (!hasElr(image)) return null
  const own = resourceConfigs(image, ConfigResource.TOPIC, topic).get(MIN_ISR)
  // From the image, as what was decided just before is not in the settings yet.
  const text = own ?? resourceConfigs(image, ConfigResource.BROKER, '').get(MIN_ISR)
  return text === undefined ? config.number(MIN_ISR) : Number(text)
}

/** Who may be elected in a topic, as the cluster is now. */
export function electorateOf(
  image: Image,
  context: Pick<ControlContext, 'config'>,
  topic: string,
): Pick<Electorate, 'isUp' | 'minIsr'> {
  return { isUp: (id) => isActiveBroker(image, id), minIsr: electionMinIsr(image, context, topic) }
}

/**
 * Another `min.insync.replicas`, of a topic or of the cluster ('' for all of its topics): more replicas may be enough now, so that those who are not
 * in sync may lack something. Kafka forgets also the eligible ones of a partition without a leader, which nobody can lead then.
 */
export function pushNoneEligible(image: Image, records: MetadataRecord[], topicName: string): void {
  const named = image.topicsByName.get(topicName)
  for (const { topicId, partitions } of named === undefined ? image.topicsById.values() : [named]) {
    for (const { partition, isr, eligibleLeaderReplicas } of partitions) {
      if (eligibleLeaderReplicas.length === 0 || isr.length === 0) continue
      records.push({ type: 'PartitionChangeRecord', topicId, partitionId: partition, eligibleLeaderReplicas: [] })
    }
  }
}

/** Eligible leader replicas are turned off: those of partitions without in-sync replicas are the ones who may lead, as they would be without KIP-966. */
export function pushWithoutElr(image: Image, records: MetadataRecord[]): void {
  for (const { topicId, partitions } of image.topicsById.values()) {
    for (const { partition, isr, eligibleLeaderReplicas, lastKnownElr } of partitions) {
      if (eligibleLeaderReplicas.length + lastKnownElr.length === 0) continue
      const heirs = eligibleLeaderReplicas.length > 0 ? eligibleLeaderReplicas : lastKnownElr
      const record: PartitionChangeRecord = {
        type: 'PartitionChangeRecord',
        topicId,
        partitionId: partition,
        ...(isr.length > 0 ? {} : { isr: heirs }),
        eligibleLeaderReplicas: [],
        lastKnownElr: [],
      }
      records.push(record)
    }
  }
}
