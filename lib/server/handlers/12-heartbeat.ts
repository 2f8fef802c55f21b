/**
 * Heartbeat: v0-4
 *
 * Behaviours
 * - REBALANCE_IN_PROGRESS while members are collected; NONE between JoinGroup and SyncGroup.
 * - UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, FENCED_INSTANCE_ID for who is not (any more) what it says.
 * - NONE while the group is being loaded.
 * Version notes
 * - v3: groupInstanceId (KIP-345).
 */
import { Heartbeat } from '../../../protocol/index.js'
import { then } from '../../broker/group/answer.js'
import { api } from '../context.js'

export const heartbeat = api(Heartbeat, '0-4', (request, _context, { groups }) =>
  then(groups.heartbeat(request), ({ errorCode }) => ({ throttleTimeMs: 0, errorCode })),
)
