/**
 * ListGroups: v0-5
 *
 * Behaviours
 * - Groups that this broker coordinates, of every type. A shard that is still loading: COORDINATOR_LOAD_IN_PROGRESS for the whole answer.
 * Version notes
 * - v4: filter by state, ignoring case (KIP-518). v5: type, and filter by it (KIP-848). Words that are no state or type match nothing.
 */
import { ListGroups } from '../../../protocol/index.js'
import { then } from '../../broker/group/answer.js'
import { api } from '../context.js'

export const listGroups = api(ListGroups, '0-5', (request, _context, { groups }) =>
  then(groups.listGroups(request.statesFilter, request.typesFilter), ({ errorCode, groups: listed }) => ({
    throttleTimeMs: 0,
    errorCode,
    groups: listed,
  })),
)
