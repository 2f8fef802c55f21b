import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, message, string } from '../schema/index.js'

/**
 * DeleteGroups: deletes empty groups.
 *
 * Sent by clients, served by: group coordinator. Versions:
 *   v0   the first version (KIP-229)
 *   v1   the same bytes
 *   v2   flexible (KIP-482)
 *   v3   response: + results.errorMessage
 */
export const DeleteGroups = message(
  'DeleteGroups',
  { key: 42, versions: '0-3', flexible: '2+', audience: 'client', listeners: ['broker'] },
  {
    groupsNames: array('0+', 'string'),
  },
  {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      groupId: string('0+', { mapKey: true }),
      errorCode: int16('0+'),
      errorMessage: string('3+', { nullable: '3+', default: null, ignorable: true }),
    }),
  },
)

export type DeleteGroupsRequest = RequestOf<typeof DeleteGroups>
export type DeleteGroupsResponse = ResponseOf<typeof DeleteGroups>
