import type { RequestOf, ResponseOf } from '../schema/index.js'
import { int16, int32, message, string, uuid } from '../schema/index.js'

/**
 * RemoveRaftVoter: removes a voter from the KRaft quorum.
 *
 * Sent by clients, served by: controller. Versions:
 *   v0   the only version; flexible (KIP-853)
 */
export const RemoveRaftVoter = message(
  'RemoveRaftVoter',
  { key: 81, versions: '0', flexible: '0+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    clusterId: string('0+', { nullable: '0+' }),
    voterId: int32('0+'),
    voterDirectoryId: uuid('0+'),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', ignorable: true }),
  },
)

export type RemoveRaftVoterRequest = RequestOf<typeof RemoveRaftVoter>
export type RemoveRaftVoterResponse = ResponseOf<typeof RemoveRaftVoter>
