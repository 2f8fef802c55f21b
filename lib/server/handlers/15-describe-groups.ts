/**
 * DescribeGroups: v0-6
 *
 * Behaviours
 * - Metadata and protocol are shown of a Stable group alone; in any other state they are empty. Assignments are shown as they are.
 * - Offsets without members: state Empty with protocol type "".
 * Version notes
 * - v3: authorized operations (KIP-430). v4: groupInstanceId (KIP-345).
 * - v6: an unknown group is GROUP_ID_NOT_FOUND with a message; before, NONE. Its state is Dead in every version (KIP-1043).
 */
import { DescribeGroups, ErrorCode } from '../../../protocol/index.js'
import { then } from '../../broker/group/answer.js'
import type { DescribedGroup } from '../../broker/group/commands.js'
import { api } from '../context.js'
import { groupOperations, OPERATIONS_NOT_ASKED } from './support/authorized-operations.js'

export const describeGroups = api(DescribeGroups, '0-6', (request, { apiVersion }, { groups }) =>
  then(groups.describeGroups(request.groups), (described) => ({
    throttleTimeMs: 0,
    groups: described.map((group) => ({
      ...shown(group, apiVersion),
      authorizedOperations:
        request.includeAuthorizedOperations && shown(group, apiVersion).errorCode === ErrorCode.NONE
          ? groupOperations
          : OPERATIONS_NOT_ASKED,
    })),
  })),
)

function shown(group: DescribedGroup, version: number): DescribedGroup {
  if (version >= 6) return group
  const errorCode = group.errorCode === ErrorCode.GROUP_ID_NOT_FOUND ? ErrorCode.NONE : group.errorCode
  return { ...group, errorCode, errorMessage: null }
}
