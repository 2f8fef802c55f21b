import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, bytes, int16, int32, message, string } from '../schema/index.js'

/**
 * DescribeGroups: shows state and members of classic groups.
 *
 * Sent by clients, served by: group coordinator. Versions:
 *   v0   the first version
 *   v1   response: + throttleTimeMs
 *   v2   the same bytes
 *   v3   request: + includeAuthorizedOperations; response: + groups.authorizedOperations (KIP-430)
 *   v4   response: + groups.members.groupInstanceId (KIP-345)
 *   v5   flexible (KIP-482)
 *   v6   response: + groups.errorMessage (KIP-1043)
 */
export const DescribeGroups = message(
  'DescribeGroups',
  { key: 15, versions: '0-6', flexible: '5+', audience: 'client', listeners: ['broker'] },
  {
    groups: array('0+', 'string'),
    includeAuthorizedOperations: bool('3+'),
  },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    groups: array('0+', {
      errorCode: int16('0+'),
      errorMessage: string('6+', { nullable: '6+', default: null }),
      groupId: string('0+'),
      groupState: string('0+'),
      protocolType: string('0+'),
      protocolData: string('0+'),
      members: array('0+', {
        memberId: string('0+'),
        groupInstanceId: string('4+', { nullable: '4+', default: null, ignorable: true }),
        clientId: string('0+'),
        clientHost: string('0+'),
        memberMetadata: bytes('0+'),
        memberAssignment: bytes('0+'),
      }),
      authorizedOperations: int32('3+', { default: -2147483648 }),
    }),
  },
)

export type DescribeGroupsRequest = RequestOf<typeof DescribeGroups>
export type DescribeGroupsResponse = ResponseOf<typeof DescribeGroups>
