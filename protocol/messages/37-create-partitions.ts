import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int16, int32, message, string } from '../schema/index.js'

/**
 * CreatePartitions: adds partitions to topics.
 *
 * Sent by clients, served by: controller. Versions:
 *   v0   the first version (KIP-195)
 *   v1   the same bytes
 *   v2   flexible (KIP-482)
 *   v3   the same bytes (KIP-599)
 */
export const CreatePartitions = message(
  'CreatePartitions',
  { key: 37, versions: '0-3', flexible: '2+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    topics: array('0+', {
      name: string('0+', { mapKey: true }),
      count: int32('0+'),
      assignments: array(
        '0+',
        {
          brokerIds: array('0+', 'int32'),
        },
        { nullable: '0+' },
      ),
    }),
    timeoutMs: int32('0+'),
    validateOnly: bool('0+'),
  },
  {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      name: string('0+'),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
    }),
  },
)

export type CreatePartitionsRequest = RequestOf<typeof CreatePartitions>
export type CreatePartitionsResponse = ResponseOf<typeof CreatePartitions>
