import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, bytes, int16, int32, message, string } from '../schema/index.js'

/**
 * JoinGroup: enters a classic group, or a new generation of it.
 *
 * Sent by clients, served by: group coordinator. Versions:
 *   v0   the first version
 *   v1   request: + rebalanceTimeoutMs
 *   v2   response: + throttleTimeMs
 *   v3   the same bytes
 *   v4   the same bytes (KIP-394)
 *   v5   request: + groupInstanceId; response: + members.groupInstanceId (KIP-345)
 *   v6   flexible (KIP-482)
 *   v7   response: + protocolType; protocolName may be null (KIP-559)
 *   v8   request: + reason (KIP-800)
 *   v9   response: + skipAssignment (KIP-814)
 */
export const JoinGroup = message(
  'JoinGroup',
  { key: 11, versions: '0-9', flexible: '6+', audience: 'client', listeners: ['broker'] },
  {
    groupId: string('0+'),
    sessionTimeoutMs: int32('0+'),
    rebalanceTimeoutMs: int32('1+', { default: -1, ignorable: true }),
    memberId: string('0+'),
    groupInstanceId: string('5+', { nullable: '5+', default: null }),
    protocolType: string('0+'),
    protocols: array('0+', {
      name: string('0+', { mapKey: true }),
      metadata: bytes('0+'),
    }),
    reason: string('8+', { nullable: '8+', default: null, ignorable: true }),
  },
  {
    throttleTimeMs: int32('2+', { ignorable: true }),
    errorCode: int16('0+'),
    generationId: int32('0+', { default: -1 }),
    protocolType: string('7+', { nullable: '7+', default: null, ignorable: true }),
    protocolName: string('0+', { nullable: '7+' }),
    leader: string('0+'),
    skipAssignment: bool('9+'),
    memberId: string('0+'),
    members: array('0+', {
      memberId: string('0+'),
      groupInstanceId: string('5+', { nullable: '5+', default: null, ignorable: true }),
      metadata: bytes('0+'),
    }),
  },
)

export type JoinGroupRequest = RequestOf<typeof JoinGroup>
export type JoinGroupResponse = ResponseOf<typeof JoinGroup>
