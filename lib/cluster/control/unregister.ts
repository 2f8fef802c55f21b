import { ErrorCode } from '../../../protocol/errors.js'
import { type Image, isActiveBroker } from '../../metadata/image.js'
import type { MetadataRecord } from '../../metadata/records.js'
import { pushElections } from './brokers.js'
import { type Decision, DONE, type Outcome, refused } from './command.js'

/** Forgets a broker. BROKER_ID_NOT_REGISTERED when there is none of this id. Source: ReplicationControlManager.unregisterBroker. */
export function unregisterBroker(image: Image, brokerId: number): Decision<Outcome> {
  const broker = image.brokers.get(brokerId)
  if (broker === undefined) {
    const message = `No broker with the id ${brokerId} is registered.`
    return { records: [], results: refused(ErrorCode.BROKER_ID_NOT_REGISTERED, message) }
  }
  const records: MetadataRecord[] = [{ type: 'UnregisterBrokerRecord', brokerId, brokerEpoch: broker.epoch }]
  pushElections(image, records, new Set([brokerId]), { isUp: (id) => id !== brokerId && isActiveBroker(image, id) })
  return { records, results: DONE }
}
