import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, message, string } from '../schema/index.js'

/**
 * ListGroups: lists the groups that a broker coordinates.
 *
 * Sent by clients, served by: every broker. Versions:
 *   v0   the first version
 *   v1   response: + throttleTimeMs
 *   v2   the same bytes
 *   v3   flexible (KIP-482)
 *   v4   request: + statesFilter; response: + groups.groupState (KIP-518)
 *   v5   request: + typesFilter; response: + groups.groupType (KIP-848)
 */
export const ListGroups = message(
  'ListGroups',
  { key: 16, versions: '0-5', flexible: '3+', audience: 'client', listeners: ['broker'] },
  {
    statesFilter: array('4+', 'string'),
    typesFilter: array('5+', 'string'),
  },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    groups: array('0+', {
      groupId: string('0+'),
      protocolType: string('0+'),
      groupState: string('4+', { ignorable: true }),
      groupType: string('5+', { ignorable: true }),
    }),
  },
)

export type ListGroupsRequest = RequestOf<typeof ListGroups>
export type ListGroupsResponse = ResponseOf<typeof ListGroups>
