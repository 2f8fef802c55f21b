import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, message, string } from '../schema/index.js'

/**
 * LeaveGroup: takes members out of a classic group.
 *
 * Sent by clients, served by: group coordinator. Versions:
 *   v0   the first version
 *   v1   response: + throttleTimeMs
 *   v2   the same bytes
 *   v3   request: + members; - memberId; response: + members (KIP-345)
 *   v4   flexible (KIP-482)
 *   v5   request: + members.reason (KIP-800)
 */
export const LeaveGroup = message(
  'LeaveGroup',
  { key: 13, versions: '0-5', flexible: '4+', audience: 'client', listeners: ['broker'] },
  {
    groupId: string('0+'),
    memberId: string('0-2'),
    members: array('3+', {
      memberId: string('3+'),
      groupInstanceId: string('3+', { nullable: '3+', default: null }),
      reason: string('5+', { nullable: '5+', default: null, ignorable: true }),
    }),
  },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    members: array('3+', {
      memberId: string('3+'),
      groupInstanceId: string('3+', { nullable: '3+' }),
      errorCode: int16('3+'),
    }),
  },
)

export type LeaveGroupRequest = RequestOf<typeof LeaveGroup>
export type LeaveGroupResponse = ResponseOf<typeof LeaveGroup>
