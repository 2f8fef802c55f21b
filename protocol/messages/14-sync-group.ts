import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bytes, int16, int32, message, string } from '../schema/index.js'

/**
 * SyncGroup: hands the leader's assignment to the members of a classic group.
 *
 * Sent by clients, served by: group coordinator. Versions:
 *   v0   the first version
 *   v1   response: + throttleTimeMs
 *   v2   the same bytes
 *   v3   request: + groupInstanceId (KIP-345)
 *   v4   flexible (KIP-482)
 *   v5   request: + protocolType, protocolName; response: + protocolType, protocolName (KIP-559)
 */
export const SyncGroup = message(
  'SyncGroup',
  { key: 14, versions: '0-5', flexible: '4+', audience: 'client', listeners: ['broker'] },
  {
    groupId: string('0+'),
    generationId: int32('0+'),
    memberId: string('0+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
    protocolType: string('5+', { nullable: '5+', default: null, ignorable: true }),
    protocolName: string('5+', { nullable: '5+', default: null, ignorable: true }),
    assignments: array('0+', {
      memberId: string('0+'),
      assignment: bytes('0+'),
    }),
  },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    protocolType: string('5+', { nullable: '5+', default: null, ignorable: true }),
    protocolName: string('5+', { nullable: '5+', default: null, ignorable: true }),
    assignment: bytes('0+'),
  },
)

export type SyncGroupRequest = RequestOf<typeof SyncGroup>
export type SyncGroupResponse = ResponseOf<typeof SyncGroup>
