import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int16, int32, message, string, uint16, uuid } from '../schema/index.js'

/**
 * AddRaftVoter: adds a voter to the KRaft quorum.
 *
 * Sent by clients, served by: controller. Versions:
 *   v0   the first version; flexible (KIP-853)
 *   v1   request: + ackWhenCommitted
 */
export const AddRaftVoter = message(
  'AddRaftVoter',
  { key: 80, versions: '0-1', flexible: '0+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    clusterId: string('0+', { nullable: '0+' }),
    timeoutMs: int32('0+'),
    voterId: int32('0+'),
    voterDirectoryId: uuid('0+'),
    listeners: array('0+', {
      name: string('0+', { mapKey: true }),
      host: string('0+'),
      port: uint16('0+'),
    }),
    ackWhenCommitted: bool('1+', { default: true }),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', ignorable: true }),
  },
)

export type AddRaftVoterRequest = RequestOf<typeof AddRaftVoter>
export type AddRaftVoterResponse = ResponseOf<typeof AddRaftVoter>
