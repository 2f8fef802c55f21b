import { gzipSync } from 'node:zlib'
import { batchHeader, buildBatch, computeCrc } from '../../../../protocol/batch/index.js'
import { Fetch, Produce } from '../../../../protocol/index.js'
import { baseTimestamp, batch } from '../batches.js'
import { perVersion, type Scene } from '../scenario.js'
import { noteEnd, produceTo } from './produce.js'

const at = { batchLength: 8, magic: 16, crc: 17, attributes: 21, lastOffsetDelta: 23, baseTimestamp: 27, count: 57 }

/** Changes a batch and makes its CRC right again. */
function changed(records: Buffer, change: (bytes: Buffer) => void): Buffer {
  change(records)
  records.writeUInt32BE(computeCrc(records), at.crc)
  return records
}

const int64 = (bytes: Buffer, offset: number, value: number) => bytes.writeBigInt64BE(BigInt(value), offset)

/** A message of magic 0 or 1 as it stood on the wire before batches. */
function legacyMessage(magic: number): Buffer {
  const body = magic === 0 ? Buffer.from('0000' + 'ffffffff' + '0000000161', 'hex') : Buffer.alloc(19)
  if (magic === 1) {
    body[0] = 1
    body.writeInt32BE(-1, 10)
    body.writeInt32BE(1, 14)
    body[18] = 0x61
  }
  const head = Buffer.alloc(16)
  head.writeInt32BE(body.length + 4, 8)
  return Buffer.concat([head, body])
}

const cases: readonly (readonly [string, () => Buffer])[] = [
  ['no bytes', () => Buffer.alloc(0)],
  ['a batch without records', () => buildBatch([])],
  ['two batches', () => Buffer.concat([batch(['a']), batch(['b'])])],
  ['a batch and some stray bytes', () => Buffer.concat([batch(['a']), Buffer.alloc(7, 1)])],
  ['a batch that is cut short', () => batch(['abcdef']).subarray(0, -3)],
  ['a message of magic 0', () => legacyMessage(0)],
  ['a message of magic 1', () => legacyMessage(1)],
  ['magic 3', () => changed(batch(['a']), (bytes) => void bytes.writeInt8(3, at.magic))],
  ['magic -1', () => changed(batch(['a']), (bytes) => void bytes.writeInt8(-1, at.magic))],
  [
    'a wrong CRC',
    () => {
      const bytes = batch(['a'])
      bytes[at.crc]! ^= 0xff
      return bytes
    },
  ],
  ['a batch length of 10', () => changed(batch(['a']), (bytes) => void bytes.writeInt32BE(10, at.batchLength))],
  ['a negative batch length', () => changed(batch(['a']), (bytes) => void bytes.writeInt32BE(-5, at.batchLength))],
  ['base offset 5', () => batch(['a', 'b'], { baseOffset: 5 })],
  [
    'a wrong last offset delta',
    () => changed(batch(['a', 'b']), (bytes) => void bytes.writeInt32BE(7, at.lastOffsetDelta)),
  ],
  ['a count that is too high', () => changed(batch(['a', 'b']), (bytes) => void bytes.writeInt32BE(3, at.count))],
  ['a count that is too low', () => changed(batch(['a', 'b']), (bytes) => void bytes.writeInt32BE(1, at.count))],
  ['a negative count', () => changed(batch(['a']), (bytes) => void bytes.writeInt32BE(-1, at.count))],
  ['a control batch', () => batch(['a'], { control: true })],
  ['compression bits 5', () => changed(batch(['a']), (bytes) => void bytes.writeInt16BE(5, at.attributes))],
  ['compression bits 7', () => changed(batch(['a']), (bytes) => void bytes.writeInt16BE(7, at.attributes))],
  ['gzip bits over plain bytes', () => changed(batch(['a']), (bytes) => void bytes.writeInt16BE(1, at.attributes))],
  ['zstd bits over plain bytes', () => changed(batch(['a']), (bytes) => void bytes.writeInt16BE(4, at.attributes))],
  ['unused attribute bits', () => changed(batch(['a']), (bytes) => void bytes.writeInt16BE(0x700, at.attributes))],
  ['the LogAppendTime bit', () => batch(['a'], { logAppendTime: true })],
  ['timestamps of long ago', () => batch(['a'], { baseTimestamp: 1 })],
  [
    'a timestamp of -1',
    () =>
      changed(batch(['a']), (bytes) => {
        int64(bytes, at.baseTimestamp, -1)
        int64(bytes, at.baseTimestamp + 8, -1)
      }),
  ],
  ['a leader epoch of its own', () => batch(['a'], { partitionLeaderEpoch: 77 })],
  [
    'gzip',
    () =>
      batch(['a', 'b', 'c'], {
        compression: 1,
        compress: (_codec: number, bytes: Uint8Array) => gzipSync(bytes),
      } as never),
  ],
  [
    'an offset delta of 7 in the last record',
    () =>
      buildBatch([
        { value: 'a', timestamp: baseTimestamp },
        { value: 'b', timestamp: baseTimestamp, offsetDelta: 7 },
      ]),
  ],
]

async function produceAndRead(c: Scene, v: number, records: Buffer): Promise<void> {
  const topic = await c.setUpTopic()
  await c.send(Produce, v, produceTo(v, topic, records))
  await noteEnd(c, topic)
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100_000 }]
  const topics = [{ topic: topic.name, partitions }]
  await c.send(Fetch, 11, { maxWaitMs: 0, minBytes: 0, maxBytes: 100_000, topics })
}

for (const [what, records] of cases) {
  perVersion(`Produce {v}: ${what}`, [3, 13], (c, v) => produceAndRead(c, v, records()))
}

for (const [what, aheadMs] of [
  ['59 minutes ahead', 59 * 60_000],
  ['61 minutes ahead', 61 * 60_000],
] as const) {
  perVersion(`Produce {v}: a timestamp ${what}`, [3, 13], async (c, v) => {
    const topic = await c.setUpTopic()
    await c.send(Produce, v, produceTo(v, topic, batch(['a'], { baseTimestamp: Date.now() + aheadMs })))
    await noteEnd(c, topic)
  })
}

if (batchHeader.HEADER_BYTES !== 61) throw new Error('the offsets above are those of a 61-byte header')
