import { buildEndTxnMarker } from '../../../protocol/batch/control.js'
import { START_MS } from './harness.js'

export const START = START_MS

export const encodeEndTxn = (producerId: number, producerEpoch: number, type: 'abort' | 'commit'): Buffer =>
  buildEndTxnMarker({ type, producerId, producerEpoch, coordinatorEpoch: 0, timestamp: START_MS })
