/**
 * DeleteGroups: v0-3
 *
 * Behaviours
 * - A group goes with its offsets. With members: NON_EMPTY_GROUP; unknown: GROUP_ID_NOT_FOUND. A group named twice is answered once.
 * Version notes
 * - v3: an error message per group, which is null for the errors above, as in Kafka.
 */
import { DeleteGroups } from '../../../protocol/index.js'
import { then } from '../../broker/group/answer.js'
import { api } from '../context.js'

export const deleteGroups = api(DeleteGroups, '0-3', (request, _context, { groups }) =>
  then(groups.deleteGroups(request.groupsNames), (results) => ({ throttleTimeMs: 0, results })),
)
