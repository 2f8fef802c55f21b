import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, float64, int16, int32, message, string } from '../schema/index.js'

/**
 * AlterClientQuotas: changes client quotas.
 *
 * Sent by clients, served by: controller. Versions:
 *   v0   the first version (KIP-546)
 *   v1   flexible (KIP-482)
 */
export const AlterClientQuotas = message(
  'AlterClientQuotas',
  { key: 49, versions: '0-1', flexible: '1+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    entries: array('0+', {
      entity: array('0+', {
        entityType: string('0+'),
        entityName: string('0+', { nullable: '0+' }),
      }),
      ops: array('0+', {
        key: string('0+'),
        value: float64('0+'),
        remove: bool('0+'),
      }),
    }),
    validateOnly: bool('0+'),
  },
  {
    throttleTimeMs: int32('0+'),
    entries: array('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      entity: array('0+', {
        entityType: string('0+'),
        entityName: string('0+', { nullable: '0+' }),
      }),
    }),
  },
)

export type AlterClientQuotasRequest = RequestOf<typeof AlterClientQuotas>
export type AlterClientQuotasResponse = ResponseOf<typeof AlterClientQuotas>
