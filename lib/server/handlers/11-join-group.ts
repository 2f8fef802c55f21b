/**
 * JoinGroup: v0-9
 *
 * Behaviours
 * - Waits until every member of the group has joined, or the rebalance timeout is over.
 * - An error has generation -1, the member id that was sent, and protocol name "" up to v6, null from v7.
 * - The leader alone is shown the members. The leader joining again makes a new generation; a follower joining again unchanged does not.
 * - INVALID_SESSION_TIMEOUT outside group.min/max.session.timeout.ms; no protocol type or no protocols: INCONSISTENT_GROUP_PROTOCOL.
 * Version notes
 * - v0: the rebalance timeout is the session timeout. v1: a timeout of its own (KIP-62).
 * - v4: a dynamic member without id gets MEMBER_ID_REQUIRED and an id (KIP-394); older versions never see that error.
 * - v5: groupInstanceId (KIP-345). v7: protocolType in the answer (KIP-559). v8: reason (KIP-800). v9: skipAssignment (KIP-814).
 * Deviations
 * - A second JoinGroup of a member whose first one still waits: the first is answered REBALANCE_IN_PROGRESS; Kafka never answers it.
 */
import { JoinGroup } from '../../../protocol/index.js'
import { then } from '../../broker/group/answer.js'
import { api } from '../context.js'

export const joinGroup = api(JoinGroup, '0-9', (request, { apiVersion, clientId, connection }, { groups }) => {
  const answer = groups.joinGroup({
    groupId: request.groupId,
    memberId: request.memberId,
    groupInstanceId: request.groupInstanceId,
    clientId: clientId ?? '',
    clientHost: `/${connection.remoteAddress}`,
    sessionTimeoutMs: request.sessionTimeoutMs,
    rebalanceTimeoutMs: apiVersion === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
    protocolType: request.protocolType,
    protocols: request.protocols,
    requireKnownMemberId: apiVersion >= 4,
    supportsSkippingAssignment: apiVersion >= 9,
    reason: request.reason,
  })
  return then(answer, (reply) => ({
    ...reply,
    throttleTimeMs: 0,
    protocolName: apiVersion >= 7 ? reply.protocolName : (reply.protocolName ?? ''),
  }))
})
