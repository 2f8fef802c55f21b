import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int16, int32, message, uuid } from '../schema/index.js'

/**
 * GetTelemetrySubscriptions: tells a client which metrics to push.
 *
 * Sent by clients, served by: any broker. Versions:
 *   v0   the only version; flexible (KIP-714)
 */
export const GetTelemetrySubscriptions = message(
  'GetTelemetrySubscriptions',
  { key: 71, versions: '0', flexible: '0+', audience: 'client', listeners: ['broker'] },
  {
    clientInstanceId: uuid('0+'),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    clientInstanceId: uuid('0+'),
    subscriptionId: int32('0+'),
    acceptedCompressionTypes: array('0+', 'int8'),
    pushIntervalMs: int32('0+'),
    telemetryMaxBytes: int32('0+'),
    deltaTemporality: bool('0+'),
    requestedMetrics: array('0+', 'string'),
  },
)

export type GetTelemetrySubscriptionsRequest = RequestOf<typeof GetTelemetrySubscriptions>
export type GetTelemetrySubscriptionsResponse = ResponseOf<typeof GetTelemetrySubscriptions>
