import { ErrorCode } from '../../../protocol/errors.js'
import { type Image, isActiveBroker } from '../../metadata/image.js'
import type { MetadataRecord } from '../../metadata/records.js'
import { pushElections } from './brokers.js'
import { type ControlContext, type Decision, DONE, type Outcome, refused } from './command.js'

/** Forgets a broker. BROKER_ID_NOT_REGISTERED when there is none of this id. Source: ReplicationControlManager.unregisterBroker. */
export function unregisterBroker(
  image: Image,
  context: Pick<ControlContext, 'config'>,
  brokerId: number,
): Decision<Outcome> {
  const broker = image.brokers.get(brokerId)
  if (broker === undefined) {
    const message = `No broker with the id ${brokerId} is registered.`
    return { records: [], results: refused(ErrorCode.BROKER_ID_NOT_REGISTERED, message) }
  }
  const records: MetadataRecord[] = [{ type: 'UnregisterBrokerRecord', brokerId, brokerEpoch: broker.epoch }]
  const isUp = (id: number): boolean => id !== brokerId && isActiveBroker(image, id)
  pushElections(image, context, records, new Set([brokerId]), { isUp })
  return { records, results: DONE }
}
