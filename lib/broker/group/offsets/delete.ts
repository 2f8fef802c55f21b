/** OffsetDelete (47), and offsets that go because their group or topic goes. Source: OffsetMetadataManager.deleteOffsets. */
import { ErrorCode } from '../../../../protocol/errors.js'
import type { Slot } from '../../coordinator/contract.js'
import type { OffsetDeleteCommand, OffsetDeleteReply } from '../commands.js'
import type { Turn } from '../turn.js'

export function deleteOffsets(turn: Turn, request: OffsetDeleteCommand, slot: Slot<OffsetDeleteReply>): void {
  const invalid = validateDelete(turn, request.groupId)
  if (invalid !== ErrorCode.NONE) {
    turn.out.answer(slot, { errorCode: invalid, topics: [] })
    return
  }
  turn.out.divisible = true
  turn.out.standsAlone = true
  const group = turn.registry.get(request.groupId)!
  const topics = request.topics.map(({ name, partitions }) => {
    const errorCode: ErrorCode = group.isSubscribedTo(name) ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE
    if (errorCode === ErrorCode.NONE) {
      for (const partition of new Set(partitions)) deleteOffset(turn, request.groupId, name, partition)
    }
    return { name, partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode })) }
  })
  turn.out.answer(slot, { errorCode: ErrorCode.NONE, topics })
}

/** A living group of the consumer protocol may lose offsets of topics it does not read; of any other we cannot know what it reads. */
function validateDelete(turn: Turn, groupId: string): ErrorCode {
  const group = turn.registry.get(groupId)
  if (group === undefined) return ErrorCode.GROUP_ID_NOT_FOUND
  return group.state === 'Empty' || group.usesConsumerProtocol ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP
}

function deleteOffset(turn: Turn, group: string, topic: string, partition: number): void {
  if (turn.offsets.get(group, topic, partition) === undefined && !turn.offsets.isPending(group, topic, partition))
    return
  turn.out.append({ type: 'offset-commit', group, topic, partition, value: null })
}

/** Tombstones for everything a group has committed, and for what open transactions are about to commit. */
export function deleteAllOffsets(turn: Turn, group: string): void {
  const { offsets } = turn
  for (const [topic, partitions] of offsets.ofGroup(group) ?? []) {
    for (const partition of partitions.keys()) deleteOffset(turn, group, topic, partition)
  }
  for (const [topic, partitions] of offsets.pendingOf(group) ?? []) {
    for (const partition of partitions.keys()) {
      if (offsets.get(group, topic, partition) === undefined) deleteOffset(turn, group, topic, partition)
    }
  }
}

/**
 * Deleted topics take their offsets along, or a new topic of the same name would be read from the middle. That one's own offsets stay: this broker
 * may come to coordinate them before it hears of the deletion. `topics`: ids by name.
 */
export function topicsDeleted(turn: Turn, topics: ReadonlyMap<string, string>): void {
  const { offsets, out } = turn
  out.divisible = true
  for (const group of new Set([...offsets.groups(), ...offsets.pendingGroups()])) {
    for (const [topic, topicId] of topics) {
      const committed = offsets.ofGroup(group)?.get(topic)?.keys() ?? []
      const pending = offsets.pendingOf(group)?.get(topic)?.keys() ?? []
      for (const partition of new Set([...committed, ...pending])) {
        if (offsets.isOfTopic(group, topic, partition, topicId)) deleteOffset(turn, group, topic, partition)
      }
    }
  }
}
