import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int16, int32, int64, message, string } from '../schema/index.js'

/**
 * DescribeLogDirs: shows log directories and the sizes of the replicas in them.
 *
 * Sent by clients, served by: named broker. Versions:
 *   v1   the lowest version that Kafka 4.4 serves (KIP-113)
 *   v2   flexible (KIP-482)
 *   v3   response: + errorCode
 *   v4   response: + results.totalBytes, results.usableBytes (KIP-827)
 *   v5   response: + results.isCordoned (KIP-1066)
 */
export const DescribeLogDirs = message(
  'DescribeLogDirs',
  { key: 35, versions: '1-5', flexible: '2+', audience: 'client', listeners: ['broker'] },
  {
    topics: array(
      '0+',
      {
        topic: string('0+', { mapKey: true }),
        partitions: array('0+', 'int32'),
      },
      { nullable: '0+' },
    ),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('3+', { ignorable: true }),
    results: array('0+', {
      errorCode: int16('0+'),
      logDir: string('0+'),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          partitionSize: int64('0+'),
          offsetLag: int64('0+'),
          isFutureKey: bool('0+'),
        }),
      }),
      totalBytes: int64('4+', { default: -1, ignorable: true }),
      usableBytes: int64('4+', { default: -1, ignorable: true }),
      isCordoned: bool('5+', { ignorable: true }),
    }),
  },
)

export type DescribeLogDirsRequest = RequestOf<typeof DescribeLogDirs>
export type DescribeLogDirsResponse = ResponseOf<typeof DescribeLogDirs>
