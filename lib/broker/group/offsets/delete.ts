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
  if (groupId === '') return ErrorCode.INVALID_GROUP_ID
  const group = turn.registry.get(groupId)
  if (group === undefined) return ErrorCode.GROUP_ID_NOT_FOUND
  return group.state === 'Empty' || group.usesConsumerProtocol ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP
}

function deleteOffset(turn: Turn, group: string, topic: string, partition: number): void {
  if (turn.offsets.get(group, topic, partition) === undefined) return
  turn.out.append({ type: 'offset-commit', group, topic, partition, value: null })
}

/** Tombstones for everything a group has committed. */
export function deleteAllOffsets(turn: Turn, group: string): void {
  for (const [topic, partitions] of turn.offsets.ofGroup(group) ?? []) {
    for (const partition of partitions.keys()) deleteOffset(turn, group, topic, partition)
  }
}

/** Deleted topics take their offsets along, or a new topic of the same name would be read from the middle. */
export function topicsDeleted(turn: Turn, topics: ReadonlySet<string>): void {
  turn.out.divisible = true
  for (const group of turn.offsets.groups()) {
    const offsets = turn.offsets.ofGroup(group)!
    for (const topic of topics) {
      for (const partition of offsets.get(topic)?.keys() ?? []) deleteOffset(turn, group, topic, partition)
    }
  }
}
