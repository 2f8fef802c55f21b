import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, float64, int8, int16, int32, message, string } from '../schema/index.js'

/**
 * DescribeClientQuotas: lists client quotas.
 *
 * Sent by clients, served by: any broker. Versions:
 *   v0   the first version (KIP-546)
 *   v1   flexible (KIP-482)
 */
export const DescribeClientQuotas = message(
  'DescribeClientQuotas',
  { key: 48, versions: '0-1', flexible: '1+', audience: 'client', listeners: ['broker'] },
  {
    components: array('0+', {
      entityType: string('0+'),
      matchType: int8('0+'),
      match: string('0+', { nullable: '0+' }),
    }),
    strict: bool('0+'),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    entries: array(
      '0+',
      {
        entity: array('0+', {
          entityType: string('0+'),
          entityName: string('0+', { nullable: '0+' }),
        }),
        values: array('0+', {
          key: string('0+'),
          value: float64('0+'),
        }),
      },
      { nullable: '0+' },
    ),
  },
)

export type DescribeClientQuotasRequest = RequestOf<typeof DescribeClientQuotas>
export type DescribeClientQuotasResponse = ResponseOf<typeof DescribeClientQuotas>
