import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int8, int16, int32, message, string } from '../schema/index.js'

/**
 * CreateAcls: adds access control entries.
 *
 * Sent by clients, served by: controller. Versions:
 *   v1   the lowest version that Kafka 4.4 serves (KIP-290)
 *   v2   flexible (KIP-482)
 *   v3   the same bytes (KIP-373)
 */
export const CreateAcls = message(
  'CreateAcls',
  { key: 30, versions: '1-3', flexible: '2+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    creations: array('0+', {
      resourceType: int8('0+'),
      resourceName: string('0+'),
      resourcePatternType: int8('1+', { default: 3 }),
      principal: string('0+'),
      host: string('0+'),
      operation: int8('0+'),
      permissionType: int8('0+'),
    }),
  },
  {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
    }),
  },
)

export type CreateAclsRequest = RequestOf<typeof CreateAcls>
export type CreateAclsResponse = ResponseOf<typeof CreateAcls>
