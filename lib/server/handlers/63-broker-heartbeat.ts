/**
 * BrokerHeartbeat: v0-2, from brokers to the controller
 *
 * Behaviours
 * - Tells how far the sender has applied the metadata: changes are answered when every live broker has them.
 * - wantShutDown: the sender's leaderships move to others; shouldShutDown is answered once none is left that could move.
 * - An unknown sender or another epoch: STALE_BROKER_EPOCH. Not the controller: NOT_CONTROLLER.
 * Deviations
 * - Whether a broker lives is decided by the coordination engine (its session), so a heartbeat neither keeps it alive nor fences it.
 */
import { BrokerHeartbeat, ErrorCode } from '../../../protocol/index.js'
import { type Image, isActiveReplica } from '../../metadata/image.js'
import { api } from '../context.js'

export const brokerHeartbeat = api(BrokerHeartbeat, '0-2', async (request, _context, broker) => {
  if (!broker.controller.isActive) return { errorCode: ErrorCode.NOT_CONTROLLER }
  const { brokerId, brokerEpoch, currentMetadataOffset, wantShutDown } = request
  const known = broker.image().brokers.get(brokerId)
  if (known?.epoch !== brokerEpoch) return { errorCode: ErrorCode.STALE_BROKER_EPOCH }
  broker.noteApplied(brokerId, brokerEpoch, currentMetadataOffset)
  if (wantShutDown) await broker.controller.beginControlledShutdown(brokerId)
  const image = broker.image()
  return {
    errorCode: ErrorCode.NONE,
    isCaughtUp: currentMetadataOffset >= image.version,
    isFenced: known.fenced,
    shouldShutDown: wantShutDown && !leadsForOthers(image, brokerId),
  }
})

/** Whether the broker leads a partition that another in-sync replica could take. */
function leadsForOthers(image: Image, brokerId: number): boolean {
  for (const { partitions } of image.topicsById.values()) {
    for (const partition of partitions) {
      if (partition.leader !== brokerId) continue
      if (partition.isr.some((id) => id !== brokerId && isActiveReplica(image, partition, id))) return true
    }
  }
  return false
}
