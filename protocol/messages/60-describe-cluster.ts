import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int8, int16, int32, message, string } from '../schema/index.js'

/**
 * DescribeCluster: shows cluster id, controller and brokers.
 *
 * Sent by clients, served by: any broker. Versions:
 *   v0   the first version; flexible (KIP-700)
 *   v1   request: + endpointType; response: + endpointType (KIP-919)
 *   v2   request: + includeFencedBrokers; response: + brokers.isFenced (KIP-1073)
 */
export const DescribeCluster = message(
  'DescribeCluster',
  { key: 60, versions: '0-2', flexible: '0+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    includeClusterAuthorizedOperations: bool('0+'),
    endpointType: int8('1+', { default: 1 }),
    includeFencedBrokers: bool('2+'),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    endpointType: int8('1+', { default: 1 }),
    clusterId: string('0+'),
    controllerId: int32('0+', { default: -1 }),
    brokers: array('0+', {
      brokerId: int32('0+', { mapKey: true }),
      host: string('0+'),
      port: int32('0+'),
      rack: string('0+', { nullable: '0+', default: null }),
      isFenced: bool('2+'),
    }),
    clusterAuthorizedOperations: int32('0+', { default: -2147483648 }),
  },
)

export type DescribeClusterRequest = RequestOf<typeof DescribeCluster>
export type DescribeClusterResponse = ResponseOf<typeof DescribeCluster>
