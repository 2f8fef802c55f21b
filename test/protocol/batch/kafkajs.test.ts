/** kafkajs's own encoder and decoder as a second opinion on our batches: they ship with the package. */
import { createRequire } from 'node:module'
import { expect } from 'chai'
import fc from 'fast-check'
import { buildBatch, isValidBatch } from '../../../protocol/batch/builder.js'
import { decodeBatch } from '../../../protocol/batch/records.js'

interface Encoded {
  buffer: Buffer
}
interface KafkaJsRecord {
  offset: string
  timestamp: string
  key: Buffer | null
  value: Buffer | null
  headers: Record<string, Buffer>
}

const require = createRequire(import.meta.url)
const RecordBatch = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch(options: object): Promise<Encoded>
}
const KafkaJsRecordEncoder = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => Encoded
const decodeKafkaJs = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (
  decoder: object,
) => Promise<{ records: KafkaJsRecord[] }>
const Decoder = require('kafkajs/src/protocol/decoder') as new (b: Buffer) => object

const bytes = fc.uint8Array({ maxLength: 200 }).map((b) => Buffer.from(b))
const nullable = fc.option(bytes, { nil: null })
const records = fc.array(
  fc.record({ key: nullable, value: nullable, delta: fc.integer({ min: 0, max: 2 ** 31 }), header: bytes }),
  { minLength: 1, maxLength: 10 },
)

describe('batches and kafkajs', () => {
  it('kafkajs reads what we build', async () => {
    await fc.assert(
      fc.asyncProperty(records, async (list) => {
        const batch = buildBatch(
          list.map((r) => ({
            key: r.key,
            value: r.value,
            timestamp: 1_700_000_000_000 + r.delta,
            headers: [{ key: 'h', value: r.header }],
          })),
          { baseOffset: 77 },
        )
        const read = await decodeKafkaJs(new Decoder(batch))
        expect(read.records.map((r) => [r.offset, r.timestamp, r.key, r.value, r.headers.h])).to.deep.equal(
          list.map((r, i) => [String(77 + i), String(1_700_000_000_000 + r.delta), r.key, r.value, r.header]),
        )
      }),
      { numRuns: 100 },
    )
  })

  it('we read what kafkajs builds', async () => {
    await fc.assert(
      fc.asyncProperty(records, async (list) => {
        const encoded = await RecordBatch.RecordBatch({
          firstTimestamp: 1_700_000_000_000,
          maxTimestamp: 1_700_000_000_000,
          lastOffsetDelta: list.length - 1,
          records: list.map((r, offsetDelta) =>
            KafkaJsRecordEncoder({
              offsetDelta,
              timestampDelta: r.delta,
              key: r.key,
              value: r.value,
              headers: { h: r.header },
            }),
          ),
        })
        expect(isValidBatch(encoded.buffer)).to.equal(true)
        expect(decodeBatch(encoded.buffer)).to.deep.equal(
          list.map((r, offset) => ({
            offset,
            timestamp: 1_700_000_000_000 + r.delta,
            key: r.key,
            value: r.value,
            headers: [{ key: 'h', value: r.header }],
          })),
        )
      }),
      { numRuns: 100 },
    )
  })
})
