import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int8, int16, int32, message, string } from '../schema/index.js'

/**
 * ElectLeaders: elects partition leaders now.
 *
 * Sent by clients, served by: controller. Versions:
 *   v0   the first version (KIP-183)
 *   v1   request: + electionType; response: + errorCode (KIP-460)
 *   v2   flexible (KIP-482)
 */
export const ElectLeaders = message(
  'ElectLeaders',
  { key: 43, versions: '0-2', flexible: '2+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    electionType: int8('1+'),
    topicPartitions: array(
      '0+',
      {
        topic: string('0+', { mapKey: true }),
        partitions: array('0+', 'int32'),
      },
      { nullable: '0+' },
    ),
    timeoutMs: int32('0+', { default: 60000 }),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('1+'),
    replicaElectionResults: array('0+', {
      topic: string('0+'),
      partitionResult: array('0+', {
        partitionId: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
      }),
    }),
  },
)

export type ElectLeadersRequest = RequestOf<typeof ElectLeaders>
export type ElectLeadersResponse = ResponseOf<typeof ElectLeaders>
