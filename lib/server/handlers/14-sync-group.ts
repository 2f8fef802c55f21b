/**
 * SyncGroup: v0-5
 *
 * Behaviours
 * - Followers wait for the leader's assignment. Members that the leader left out get zero bytes, not null.
 * - In a stable group: the assignment again. While members are collected: REBALANCE_IN_PROGRESS.
 * Version notes
 * - v3: groupInstanceId (KIP-345).
 * - v5: protocol type and name, which have to be given and to be the group's: INCONSISTENT_GROUP_PROTOCOL (KIP-559).
 */
import { ErrorCode, type RequestOf, type ResponseInput, SyncGroup } from '../../../protocol/index.js'
import { then } from '../../broker/group/answer.js'
import { api } from '../context.js'

export const syncGroup = api(SyncGroup, '0-5', (request, { apiVersion }, { groups }) => {
  if (apiVersion >= 5 && lacksProtocol(request)) return { errorCode: ErrorCode.INCONSISTENT_GROUP_PROTOCOL }
  return then(groups.syncGroup(request), (reply): ResponseInput<typeof SyncGroup> => ({ ...reply, throttleTimeMs: 0 }))
})

function lacksProtocol({ protocolType, protocolName }: RequestOf<typeof SyncGroup>): boolean {
  return protocolType === null || protocolName === null
}
