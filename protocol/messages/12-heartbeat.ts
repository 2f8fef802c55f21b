import type { RequestOf, ResponseOf } from '../schema/index.js'
import { int16, int32, message, string } from '../schema/index.js'

/**
 * Heartbeat: keeps a member of a classic group alive and tells it of a rebalance.
 *
 * Sent by clients, served by: group coordinator. Versions:
 *   v0   the first version
 *   v1   response: + throttleTimeMs
 *   v2   the same bytes
 *   v3   request: + groupInstanceId (KIP-345)
 *   v4   flexible (KIP-482)
 */
export const Heartbeat = message(
  'Heartbeat',
  { key: 12, versions: '0-4', flexible: '4+', audience: 'client', listeners: ['broker'] },
  {
    groupId: string('0+'),
    generationId: int32('0+'),
    memberId: string('0+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
  },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
  },
)

export type HeartbeatRequest = RequestOf<typeof Heartbeat>
export type HeartbeatResponse = ResponseOf<typeof Heartbeat>
