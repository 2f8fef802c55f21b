import type { Image } from '../../metadata/image.js'
import { partitionFor } from './partition-for.js'

/** FindCoordinator's key types. */
export const CoordinatorType = { GROUP: 0, TRANSACTION: 1, SHARE: 2 } as const
export type CoordinatorType = (typeof CoordinatorType)[keyof typeof CoordinatorType]

/** Where classic groups and committed offsets are kept. */
export const GROUP_TOPIC = '__consumer_offsets'
/** Where transactional ids and their transactions are kept. */
export const TRANSACTION_TOPIC = '__transaction_state'

/** The internal topic whose partitions' leaders are the coordinators. */
const TOPIC_OF_TYPE: Readonly<Record<CoordinatorType, string>> = {
  0: GROUP_TOPIC,
  1: TRANSACTION_TOPIC,
  2: '__share_group_state',
}

/** The broker that coordinates this key: -1 while its partition has no leader, null while there is no such topic. */
export function leaderOfKey(image: Image, type: CoordinatorType, key: string): number | null {
  const topic = image.topicsByName.get(TOPIC_OF_TYPE[type])
  if (topic === undefined) return null
  return topic.partitions[partitionFor(key, topic.partitions.length)]!.leader
}
