import type { SchemaOf } from '../schema/index.js'
import { array, bytes, data, int32, string } from '../schema/index.js'

/**
 * What classic consumers put into the opaque `bytes` of JoinGroup and SyncGroup.
 */

/**
 * Versions:
 *   v0   the first version
 *   v1   the same bytes
 *   v2   the same bytes
 *   v3   the same bytes
 */
export const ConsumerProtocolAssignmentSchema = data(
  'ConsumerProtocolAssignment',
  { versions: '0-3' },
  {
    assignedPartitions: array('0+', {
      topic: string('0+', { mapKey: true }),
      partitions: array('0+', 'int32'),
    }),
    userData: bytes('0+', { nullable: '0+', default: null }),
  },
)
export type ConsumerProtocolAssignment = SchemaOf<typeof ConsumerProtocolAssignmentSchema>

/**
 * Versions:
 *   v0   the first version
 *   v1   + ownedPartitions
 *   v2   + generationId
 *   v3   + rackId
 */
export const ConsumerProtocolSubscriptionSchema = data(
  'ConsumerProtocolSubscription',
  { versions: '0-3' },
  {
    topics: array('0+', 'string'),
    userData: bytes('0+', { nullable: '0+', default: null }),
    ownedPartitions: array(
      '1+',
      {
        topic: string('1+', { mapKey: true }),
        partitions: array('1+', 'int32'),
      },
      { ignorable: true },
    ),
    generationId: int32('2+', { default: -1, ignorable: true }),
    rackId: string('3+', { nullable: '3+', default: null, ignorable: true }),
  },
)
export type ConsumerProtocolSubscription = SchemaOf<typeof ConsumerProtocolSubscriptionSchema>
