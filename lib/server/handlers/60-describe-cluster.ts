/**
 * DescribeCluster: v0-2
 *
 * Behaviours
 * - Brokers with the addresses of the listener the client came through; those without that listener are left out.
 * - Endpoint type 2 (controllers) is MISMATCHED_ENDPOINT_TYPE here, any other but 1 UNSUPPORTED_ENDPOINT_TYPE.
 * Version notes
 * - v1 (KIP-919): endpoint types. v2: fenced brokers too, when asked for.
 */
import { DescribeCluster, ErrorCode } from '../../../protocol/index.js'
import { api } from '../context.js'
import { clusterOperations, OPERATIONS_NOT_ASKED } from './support/authorized-operations.js'

const BROKERS = 1
const CONTROLLERS = 2

export const describeCluster = api(DescribeCluster, '0-2', (request, context, broker) => {
  const { endpointType } = request
  if (endpointType !== BROKERS) {
    const known = endpointType === CONTROLLERS
    return {
      errorCode: known ? ErrorCode.MISMATCHED_ENDPOINT_TYPE : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
      errorMessage: known
        ? 'This listener is for brokers, not controllers.'
        : `There is no endpoint type ${endpointType}.`,
      endpointType: BROKERS,
      clusterId: '',
      brokers: [],
    }
  }
  const image = broker.image()
  const brokers = [...image.brokers.values()].flatMap(({ brokerId, rack, fenced }) => {
    if (fenced && !request.includeFencedBrokers) return []
    const address = broker.advertised(brokerId, context.connection)
    return address === null ? [] : [{ brokerId, host: address.host, port: address.port, rack, isFenced: fenced }]
  })
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    endpointType: BROKERS,
    clusterId: image.clusterId,
    controllerId: image.controllerId,
    brokers,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? clusterOperations : OPERATIONS_NOT_ASKED,
  }
})
