/**
 * LeaveGroup: v0-5
 *
 * Behaviours
 * - Up to v2 one member, its error at top level. From v3 several, each with its own error, and NONE at top level (also for no member at all).
 * - v3+: an instance id without a member id removes the static member, whoever it is by now.
 * Version notes
 * - v3: several members (KIP-345). v5: reason (KIP-800).
 */
import { ErrorCode, LeaveGroup, type ResponseInput } from '../../../protocol/index.js'
import { then } from '../../broker/group/answer.js'
import { api } from '../context.js'

type Response = ResponseInput<typeof LeaveGroup>

export const leaveGroup = api(LeaveGroup, '0-5', (request, { apiVersion }, { groups }) => {
  const single = apiVersion < 3
  const members = single ? [{ memberId: request.memberId, groupInstanceId: null, reason: null }] : request.members
  return then(groups.leaveGroup({ groupId: request.groupId, members }), (reply): Response => {
    if (!single) return { throttleTimeMs: 0, errorCode: reply.errorCode, members: [...reply.members] }
    const errorCode =
      reply.errorCode === ErrorCode.NONE ? (reply.members[0]?.errorCode ?? ErrorCode.NONE) : reply.errorCode
    return { throttleTimeMs: 0, errorCode }
  })
})
