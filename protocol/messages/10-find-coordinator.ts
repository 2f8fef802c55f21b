import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int8, int16, int32, message, string } from '../schema/index.js'

/**
 * FindCoordinator: tells which broker coordinates a group, a transactional id or a share partition.
 *
 * Sent by clients, served by: any broker. Versions:
 *   v0   the first version
 *   v1   request: + keyType; response: + throttleTimeMs, errorMessage (KIP-98)
 *   v2   the same bytes
 *   v3   flexible (KIP-482)
 *   v4   request: + coordinatorKeys; - key; response: + coordinators; - errorCode, errorMessage, nodeId, host, port
 *        (KIP-699)
 *   v5   the same bytes (KIP-890)
 *   v6   the same bytes (KIP-932)
 */
export const FindCoordinator = message(
  'FindCoordinator',
  { key: 10, versions: '0-6', flexible: '3+', audience: 'client', listeners: ['broker'] },
  {
    key: string('0-3'),
    keyType: int8('1+'),
    coordinatorKeys: array('4+', 'string'),
  },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0-3'),
    errorMessage: string('1-3', { nullable: '1-3', ignorable: true }),
    nodeId: int32('0-3'),
    host: string('0-3'),
    port: int32('0-3'),
    coordinators: array('4+', {
      key: string('4+'),
      nodeId: int32('4+'),
      host: string('4+'),
      port: int32('4+'),
      errorCode: int16('4+'),
      errorMessage: string('4+', { nullable: '4+', ignorable: true }),
    }),
  },
)

export type FindCoordinatorRequest = RequestOf<typeof FindCoordinator>
export type FindCoordinatorResponse = ResponseOf<typeof FindCoordinator>
