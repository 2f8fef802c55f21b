import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int8, int16, int32, message, string } from '../schema/index.js'

/**
 * DescribeAcls: lists access control entries.
 *
 * Sent by clients, served by: any broker. Versions:
 *   v1   the lowest version that Kafka 4.4 serves (KIP-290)
 *   v2   flexible (KIP-482)
 *   v3   the same bytes (KIP-373)
 */
export const DescribeAcls = message(
  'DescribeAcls',
  { key: 29, versions: '1-3', flexible: '2+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    resourceTypeFilter: int8('0+'),
    resourceNameFilter: string('0+', { nullable: '0+' }),
    patternTypeFilter: int8('1+', { default: 3 }),
    principalFilter: string('0+', { nullable: '0+' }),
    hostFilter: string('0+', { nullable: '0+' }),
    operation: int8('0+'),
    permissionType: int8('0+'),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    resources: array('0+', {
      resourceType: int8('0+'),
      resourceName: string('0+'),
      patternType: int8('1+', { default: 3 }),
      acls: array('0+', {
        principal: string('0+'),
        host: string('0+'),
        operation: int8('0+'),
        permissionType: int8('0+'),
      }),
    }),
  },
)

export type DescribeAclsRequest = RequestOf<typeof DescribeAcls>
export type DescribeAclsResponse = ResponseOf<typeof DescribeAcls>
