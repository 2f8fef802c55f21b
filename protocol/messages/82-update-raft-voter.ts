import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, message, string, struct, uint16, uuid } from '../schema/index.js'

/**
 * UpdateRaftVoter: changes endpoints and versions of a KRaft voter.
 *
 * Sent by the controller quorum, served by: controller. Versions:
 *   v0   the only version; flexible (KIP-853)
 */
export const UpdateRaftVoter = message(
  'UpdateRaftVoter',
  { key: 82, versions: '0', flexible: '0+', audience: 'controller-quorum', listeners: ['controller'] },
  {
    clusterId: string('0+', { nullable: '0+' }),
    currentLeaderEpoch: int32('0+'),
    voterId: int32('0+'),
    voterDirectoryId: uuid('0+'),
    listeners: array('0+', {
      name: string('0+', { mapKey: true }),
      host: string('0+'),
      port: uint16('0+'),
    }),
    kRaftVersionFeature: struct('0+', {
      minSupportedVersion: int16('0+'),
      maxSupportedVersion: int16('0+'),
    }),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    currentLeader: struct(
      '0+',
      {
        leaderId: int32('0+', { default: -1 }),
        leaderEpoch: int32('0+', { default: -1 }),
        host: string('0+'),
        port: int32('0+'),
      },
      { tag: 0 },
    ),
  },
)

export type UpdateRaftVoterRequest = RequestOf<typeof UpdateRaftVoter>
export type UpdateRaftVoterResponse = ResponseOf<typeof UpdateRaftVoter>
