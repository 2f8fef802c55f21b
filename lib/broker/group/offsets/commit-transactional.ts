/** TxnOffsetCommit (28). Source: OffsetMetadataManager.commitTransactionalOffset, ClassicGroup.validateOffsetCommit. */
import { ErrorCode } from '../../../../protocol/errors.js'
import type { Slot } from '../../coordinator/contract.js'
import type { ClassicGroup } from '../classic/group.js'
import { validateMember } from '../classic/replies.js'
import type { OffsetCommitReply, TxnOffsetCommitCommand } from '../commands.js'
import type { Turn } from '../turn.js'
import { appendOffsets, commitError } from './commit.js'

/** Offsets that count when the producer's transaction commits. Whether that transaction is open was asked before. */
export function commitTransactional(turn: Turn, request: TxnOffsetCommitCommand, slot: Slot<OffsetCommitReply>): void {
  const invalid = validate(turn, turn.registry.classic(request.groupId), request)
  if (invalid !== ErrorCode.NONE) {
    turn.out.answer(slot, commitError(request, invalid))
    return
  }
  turn.out.producer = { producerId: request.producerId, producerEpoch: request.producerEpoch }
  appendOffsets(turn, request, -1, slot)
}

/**
 * A. no group, no generation: as an OffsetCommit, it makes a "simple" group
 * B. no group, a generation: v6+ GROUP_ID_NOT_FOUND, before ILLEGAL_GENERATION
 * C. an Empty group, no generation: accepted
 * D. somebody who says who it is (KIP-447, v3+): must be a member of this generation
 * E. nobody in particular while the group has members: accepted, as producers before KIP-447 could say nothing of themselves; they are
 *    kept apart by one transactional id per partition that is read. Neither is a rebalance that waits for its assignment a reason to refuse.
 */
function validate(turn: Turn, group: ClassicGroup | undefined, request: TxnOffsetCommitCommand): ErrorCode {
  const { generationIdOrMemberEpoch: generationId, memberId, groupInstanceId } = request
  const { registry, offsets, config } = turn
  const count = request.topics.reduce((sum, { partitions }) => sum + partitions.length, 0)
  if (offsets.pendingCount + count > config.pendingOffsetsMax) return ErrorCode.COORDINATOR_NOT_AVAILABLE
  if (group === undefined) {
    if (generationId >= 0) {
      return request.knowsGroupIdNotFound ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION // B
    }
    return registry.size < config.groupsPerShardMax ? ErrorCode.NONE : ErrorCode.COORDINATOR_NOT_AVAILABLE // A
  }
  if (generationId < 0 && group.state === 'Empty') return ErrorCode.NONE // C
  if (generationId < 0 && memberId === '' && groupInstanceId === null) return ErrorCode.NONE // E
  const invalid = validateMember(group, memberId, groupInstanceId) // D
  if (invalid !== ErrorCode.NONE) return invalid
  return generationId === group.generationId ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION
}
