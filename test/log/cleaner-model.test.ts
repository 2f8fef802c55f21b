import { expect } from 'chai'
import type { Random } from '../../lib/host/random.js'
import { seededRandom } from '../../lib/host/random-sources.js'
import { CompressionCode, compress, prepareCodec } from '../../lib/log/compression/index.js'
import { buildEndTxnMarker } from '../../protocol/batch/control.js'
import type { DecodedRecord } from '../../protocol/batch/records.js'
import { ErrorCode } from '../../protocol/errors.js'
import { compact, consumed } from './support/compaction.js'
import { disks, makeLog, type TestLog } from './support/harness.js'

const DELETE_RETENTION_MS = 10_000
const KEYS = 9
const PRODUCERS = 3

interface ModelRecord {
  offset: number
  key: string
  value: string | null
  timestamp: number
  /** Of a transaction that has not ended: null. */
  fate: 'committed' | 'aborted' | null
}

interface Producer {
  id: number
  sequence: number
  /** Records of the open transaction. */
  open: ModelRecord[] | null
}

/** Everything that was ever written, and what has to be left of it. */
class Model {
  readonly records: ModelRecord[] = []
  readonly producers: Producer[] = Array.from({ length: PRODUCERS }, (_, i) => ({
    id: 100 + i,
    sequence: 0,
    open: null,
  }))
  /** Everything below has been cleaned to the end. */
  cleaned = 0
  /** The virtual time of the last step. */
  now = 0
}

class Run {
  private counter = 0

  constructor(
    private readonly random: Random,
    private readonly t: TestLog,
    private readonly model: Model,
  ) {}

  async step(): Promise<void> {
    const { random, t, model } = this
    const roll = random.integer(100)
    if (roll < 55) this.produce()
    else if (roll < 68) this.endTransaction()
    else if (roll < 74) t.log.roll(t.clock.now())
    else if (roll < 86) await this.clean()
    else if (roll < 92) t.clock.advance(random.integer(DELETE_RETENTION_MS))
    else if (roll < 96) await this.reopen()
    else await this.check()
    model.now = t.clock.now()
    t.log.onHighWatermark(t.log.endOffset)
  }

  private produce(): void {
    const { random, t, model } = this
    const producer = random.integer(3) === 0 ? null : model.producers[random.integer(PRODUCERS)]!
    const transactional = producer !== null && (producer.open !== null || random.integer(2) === 0)
    const compression = random.integer(5)
    const records = Array.from({ length: 1 + random.integer(6) }, () => ({
      key: `k${random.integer(KEYS)}`,
      value: random.integer(4) === 0 ? null : `${this.counter++}`.padEnd(random.integer(60), 'x'),
      timestamp: t.clock.now() - random.integer(50),
    }))
    const info = t.produce(records, {
      compression,
      compress,
      ...(producer === null
        ? {}
        : { producerId: producer.id, producerEpoch: 0, baseSequence: producer.sequence, transactional }),
    })
    expect(info.errorCode, info.errorMessage ?? '').to.equal(ErrorCode.NONE)
    const fate = transactional ? null : 'committed'
    const added = records.map((record, i) => ({ ...record, offset: info.baseOffset + i, fate }) as ModelRecord)
    model.records.push(...added)
    if (producer === null) return
    producer.sequence += records.length
    if (transactional) producer.open = [...(producer.open ?? []), ...added]
  }

  private endTransaction(): void {
    const { random, t, model } = this
    const producer = model.producers[random.integer(PRODUCERS)]!
    if (producer.open === null) return
    const commit = random.integer(2) === 0
    const marker = buildEndTxnMarker({
      type: commit ? 'commit' : 'abort',
      producerId: producer.id,
      producerEpoch: 0,
      coordinatorEpoch: 0,
      timestamp: t.clock.now(),
    })
    expect(t.log.append(marker, { origin: 'coordinator', leaderEpoch: 0, now: t.clock.now() }).errorCode).to.equal(0)
    for (const record of producer.open) record.fate = commit ? 'committed' : 'aborted'
    producer.open = null
  }

  private async clean(): Promise<void> {
    const { random, t, model } = this
    await t.log.flush()
    const before = [t.log.logStartOffset, t.log.endOffset, t.log.firstUnstableOffset]
    const small = random.integer(3) === 0
    const { cleanedOffset } = await compact(t, { dedupeBufferBytes: small ? 24 * 5 : 100_000 })
    expect([t.log.logStartOffset, t.log.endOffset, t.log.firstUnstableOffset]).to.deep.equal(before)
    model.cleaned = cleanedOffset
    await this.check()
  }

  private async reopen(): Promise<void> {
    const { t, model } = this
    const { cleanedOffset } = t.log.body
    const before = [t.log.endOffset, t.log.firstUnstableOffset]
    const sequences = this.sequences()
    await t.reopen()
    t.log.onHighWatermark(t.log.endOffset)
    t.log.body.cleanedOffset = cleanedOffset
    expect([t.log.endOffset, t.log.firstUnstableOffset]).to.deep.equal(before)
    expect(this.sequences(), 'sequences of the producers').to.deep.equal(sequences)
    expect(model.cleaned).to.be.at.most(t.log.endOffset)
    await this.check()
  }

  private sequences(): (number | undefined)[] {
    return this.model.producers.map(({ id }) => this.t.log.producers.get(id)?.batches.at(-1)?.lastSequence)
  }

  async check(): Promise<void> {
    const { t, model } = this
    const everything = await consumed(t.log, 'uncommitted')
    const known = new Map(model.records.map((record) => [record.offset, record]))
    for (const record of everything) {
      expect(plain(record), 'a record is as it was written').to.deep.equal(written(known.get(record.offset)!))
    }
    for (const record of model.records) {
      if (record.offset < model.cleaned || record.fate === 'aborted') continue
      expect(
        everything.some((one) => one.offset === record.offset),
        `record ${record.offset} is not cleaned`,
      ).to.equal(true)
    }
    const below = everything.filter((record) => record.offset < model.cleaned)
    expect(below.length, 'one record per key').to.equal(new Set(below.map(({ key }) => String(key))).size)
    const stable = t.log.firstUnstableOffset ?? t.log.endOffset
    const committed = await consumed(t.log, 'committed')
    expect(table(committed.map(plain))).to.deep.equal(
      table(model.records.filter((one) => one.fate === 'committed' && one.offset < stable).map(written)),
    )
    for (const { offset } of committed) expect(known.get(offset)!.fate, `record ${offset}`).to.equal('committed')
    this.checkTombstones(committed)
  }

  /** Who reads from the start has `delete.retention.ms` to see that a key is gone. */
  private checkTombstones(committed: readonly DecodedRecord[]): void {
    const { model, t } = this
    const latest = new Map<string, ModelRecord>()
    for (const record of model.records) if (record.fate === 'committed') latest.set(record.key, record)
    for (const { offset, value, timestamp } of latest.values()) {
      if (value !== null || timestamp < t.clock.now() - DELETE_RETENTION_MS) continue
      if (offset >= (t.log.firstUnstableOffset ?? t.log.endOffset)) continue
      expect(
        committed.some((one) => one.offset === offset),
        `tombstone ${offset}`,
      ).to.equal(true)
    }
  }
}

interface Plain {
  offset: number
  key: string
  value: string | null
  timestamp: number
}

const plain = ({ offset, key, value, timestamp }: DecodedRecord): Plain => ({
  offset,
  key: String(key),
  value: value === null ? null : String(value),
  timestamp,
})
const written = ({ offset, key, value, timestamp }: ModelRecord): Plain => ({ offset, key, value, timestamp })

/** What a table of the topic holds: the last value of every key that has one. */
function table(records: readonly Plain[]): Record<string, string> {
  const rows: Record<string, string> = {}
  for (const { key, value } of records) {
    if (value === null) delete rows[key]
    else rows[key] = value
  }
  return rows
}

for (const [kind, seeds] of [
  [disks[0]!, 12],
  [disks[1]!, 3],
] as const) {
  describe(`compaction on a ${kind.name} against a model`, () => {
    before(() => prepareCodec(CompressionCode.zstd))
    for (let seed = 1; seed <= seeds; seed++) {
      it(`leaves what a reader needs (seed ${seed})`, async () => {
        const disk = kind.make()
        const config = {
          segmentBytes: 1500,
          indexIntervalBytes: 200,
          cleanupCompact: true,
          cleanupDelete: false,
          deleteRetentionMs: DELETE_RETENTION_MS,
        }
        const t = makeLog(disk.disk, config, seed % 2 === 0 ? 0 : 1_000_000)
        const model = new Model()
        const run = new Run(seededRandom(seed), t, model)
        try {
          for (let i = 0; i < 200; i++) await run.step()
          await run.check()
        } finally {
          await t.log.close()
          disk.remove()
        }
      })
    }
  })
}
