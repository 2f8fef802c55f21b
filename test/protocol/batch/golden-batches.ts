/** The batch vectors that Apache Kafka's own classes wrote (test/golden/README.md), as objects. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

export interface GoldenRecord {
  offset: string
  timestamp: string
  key: string | null
  value: string | null
  headers?: { key: string; value: string | null }[]
  controlType?: string
}

export interface GoldenBatch {
  magic: number
  sizeInBytes: number
  compression: string
  timestampType: string
  crc: string
  valid: boolean
  attributes: number
  baseOffset: string
  lastOffset: string
  lastOffsetDelta: number
  partitionLeaderEpoch: number
  baseTimestamp: string
  maxTimestamp: string
  transactional: boolean
  control: boolean
  producerId: string
  producerEpoch: number
  baseSequence: number
  deleteHorizonMs: string | null
  recordCount: number
  records?: GoldenRecord[]
}

export interface GoldenSet {
  case: string
  codec: string
  batches: GoldenBatch[]
  trailingBytes: number
  hex: string
}

const folder = new URL('../../../../test/golden/', import.meta.url)

export const goldenSets = (file: string): GoldenSet[] =>
  gunzipSync(readFileSync(new URL(file, folder)))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as GoldenSet)

export const goldenJson = (file: string): unknown => JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
