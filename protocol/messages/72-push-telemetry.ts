import type { RequestOf, ResponseOf } from '../schema/index.js'
import { bool, bytes, int8, int16, int32, message, uuid } from '../schema/index.js'

/**
 * PushTelemetry: pushes client metrics.
 *
 * Sent by clients, served by: any broker. Versions:
 *   v0   the only version; flexible (KIP-714)
 */
export const PushTelemetry = message(
  'PushTelemetry',
  { key: 72, versions: '0', flexible: '0+', audience: 'client', listeners: ['broker'] },
  {
    clientInstanceId: uuid('0+'),
    subscriptionId: int32('0+'),
    terminating: bool('0+'),
    compressionType: int8('0+'),
    metrics: bytes('0+'),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
  },
)

export type PushTelemetryRequest = RequestOf<typeof PushTelemetry>
export type PushTelemetryResponse = ResponseOf<typeof PushTelemetry>
