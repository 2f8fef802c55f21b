import { ErrorCode } from '../../../protocol/errors.js'
import type { Image } from '../../metadata/image.js'
import type { Decision } from './command.js'

/** Kafka's ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE. */
const PRODUCER_ID_BLOCK_SIZE = 1000

export interface AllocateProducerIdsCommand {
  readonly brokerId: number
  readonly brokerEpoch: number
}

export interface AllocatedProducerIds {
  readonly errorCode: ErrorCode
  /** The block is [firstProducerId, firstProducerId + count); -1 and 0 on an error. */
  readonly firstProducerId: number
  readonly count: number
}

/** Gives the next block of producer ids to a broker (KIP-730). Source: ProducerIdControlManager. */
export function allocateProducerIds(
  image: Image,
  { brokerId, brokerEpoch }: AllocateProducerIdsCommand,
): Decision<AllocatedProducerIds> {
  const broker = image.brokers.get(brokerId)
  if (broker === undefined) return refused(ErrorCode.BROKER_ID_NOT_REGISTERED)
  // An earlier life of the broker may not take ids away from this one.
  if (broker.epoch !== brokerEpoch) return refused(ErrorCode.STALE_BROKER_EPOCH)
  const firstProducerId = image.nextProducerId
  const nextProducerId = firstProducerId + PRODUCER_ID_BLOCK_SIZE
  // Beyond this a number is not exact any more. A million new producers a second get there in 285 years.
  if (nextProducerId > Number.MAX_SAFE_INTEGER) return refused(ErrorCode.UNKNOWN_SERVER_ERROR)
  return {
    records: [{ type: 'ProducerIdsRecord', brokerId, brokerEpoch, nextProducerId }],
    results: { errorCode: ErrorCode.NONE, firstProducerId, count: PRODUCER_ID_BLOCK_SIZE },
  }
}

function refused(errorCode: ErrorCode): Decision<AllocatedProducerIds> {
  return { records: [], results: { errorCode, firstProducerId: -1, count: 0 } }
}
