/**
 * OffsetForLeaderEpoch: v2-4
 *
 * Behaviours
 * - Answers where the asked epoch ends here: at the start of the next one, or at the end of the log for the latest; an epoch that
 *   wrote nothing here is answered with the largest one below it; one newer than all: -1/-1 without an error.
 * Version notes
 * - v2 (KIP-320): the client's idea of the current leader epoch is checked, -1 is not. v3: the asker's replica id, ignored.
 * - v4: flexible.
 */
import { ErrorCode, OffsetForLeaderEpoch, type RequestOf } from '../../../protocol/index.js'
import { lookUpEpochEnd } from '../../broker/partition/offset-lookup.js'
import { api, type HandlerResult, type RequestContext } from '../context.js'
import type { BrokerServices } from '../services.js'

export const offsetForLeaderEpoch = api(OffsetForLeaderEpoch, '2-4', offsetForLeaderEpochHandler)

function offsetForLeaderEpochHandler(
  request: RequestOf<typeof OffsetForLeaderEpoch>,
  _context: RequestContext,
  broker: BrokerServices,
): HandlerResult<typeof OffsetForLeaderEpoch> {
  return {
    throttleTimeMs: 0,
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((asked) => {
        const partition = broker.replicas.find(topic, asked.partition)
        if (typeof partition === 'number') return failed(asked.partition, partition)
        // Only -1 says "do not check" here; in Fetch every negative epoch does.
        if (asked.currentLeaderEpoch < -1) return failed(asked.partition, ErrorCode.FENCED_LEADER_EPOCH)
        return { partition: asked.partition, ...lookUpEpochEnd(partition, asked) }
      }),
    })),
  }
}

const failed = (partition: number, errorCode: ErrorCode) => ({ partition, errorCode, leaderEpoch: -1, endOffset: -1 })
