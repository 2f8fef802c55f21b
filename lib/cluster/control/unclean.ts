/** Topics that rather lose records than be away (`unclean.leader.election.enable`). */
import type { BrokerConfig } from '../../metadata/broker-config.js'
import { ConfigResource, type Image, resourceConfigs } from '../../metadata/image.js'
import type { PartitionChangeRecord } from '../../metadata/records.js'
import { elect, electionChange } from '../election.js'
import type { ControlContext, Decision } from './command.js'
import { electorateOf } from './eligible.js'

const NAME = 'unclean.leader.election.enable'

/** The topic's own value, else that of the brokers. */
export function isUnclean(image: Image, config: BrokerConfig, topic: string): boolean {
  const own = resourceConfigs(image, ConfigResource.TOPIC, topic).get(NAME)
  return own === undefined ? config.boolean(NAME) : own === 'true'
}

/**
 * Gives a leader to partitions without one, out of sync if it must be: for topics that were told after their last in-sync replica died. Source:
 * ReplicationControlManager.maybeElectUncleanLeaders.
 */
export function electUnclean(image: Image, context: Pick<ControlContext, 'config'>): Decision<number> {
  const records: PartitionChangeRecord[] = []
  for (const topic of image.topicsById.values()) {
    for (const partition of topic.partitions) {
      if (partition.leader !== -1 || !isUnclean(image, context.config, topic.name)) continue
      const election = elect(partition, { ...electorateOf(image, context, topic.name), unclean: true })
      if (election.leader === -1) continue
      records.push({
        type: 'PartitionChangeRecord',
        topicId: topic.topicId,
        partitionId: partition.partition,
        ...electionChange(partition, election),
      })
    }
  }
  return { records, results: records.length }
}
