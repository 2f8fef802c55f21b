import { expect } from 'chai'
import type { Random } from '../../lib/host/random.js'
import { seededRandom } from '../../lib/host/random-sources.js'
import { ErrorCode } from '../../protocol/errors.js'
import { disks, makeLog, readAll, recordsIn, START_MS, type TestLog } from './support/harness.js'

interface ModelBatch {
  base: number
  last: number
  values: string[]
  timestamps: number[]
  epoch: number
}

/** The simplest log there is: what the real one has to agree with after every step. */
class Model {
  batches: ModelBatch[] = []
  start = 0
  end = 0
  epoch = 0

  truncate(offset: number): void {
    if (offset >= this.end) return
    this.batches = this.batches.filter((batch) => batch.last < offset)
    this.end = Math.max(
      this.batches.at(-1)?.last === undefined ? this.start : this.batches.at(-1)!.last + 1,
      this.start,
    )
  }

  records(from: number): { offset: number; value: string }[] {
    return this.batches
      .flatMap((batch) => batch.values.map((value, index) => ({ offset: batch.base + index, value })))
      .filter((record) => record.offset >= from)
  }

  since(timestamp: number): { offset: number; timestamp: number; leaderEpoch: number } | null {
    for (const batch of this.batches) {
      for (const [index, t] of batch.timestamps.entries()) {
        if (t >= timestamp && batch.base + index >= this.start) {
          return { offset: batch.base + index, timestamp: t, leaderEpoch: batch.epoch }
        }
      }
    }
    return null
  }
}

async function step(random: Random, t: TestLog, model: Model, counter: { value: number }): Promise<void> {
  const roll = random.integer(100)
  if (roll < 50) {
    const count = 1 + random.integer(4)
    const values = Array.from({ length: count }, () => `${counter.value++}`.padEnd(random.integer(300), 'x'))
    const timestamps = values.map(() => START_MS - 5000 + random.integer(5000))
    const info = t.produce(
      values.map((value, index) => ({ value, timestamp: timestamps[index]! })),
      {},
      model.epoch,
    )
    expect(info.errorCode).to.equal(ErrorCode.NONE)
    expect(info.baseOffset).to.equal(model.end)
    model.batches.push({ base: model.end, last: model.end + count - 1, values, timestamps, epoch: model.epoch })
    model.end += count
    if (random.integer(3) === 0) t.log.flushPending()
  } else if (roll < 70) {
    await checkRead(random, t, model)
  } else if (roll < 78) {
    t.log.roll(t.clock.now())
  } else if (roll < 84) {
    const offset = model.start + random.integer(model.end - model.start + 1)
    // A follower never cuts what DeleteRecords has removed; close to the end is where it happens.
    const target = random.integer(5) === 0 ? offset : Math.max(offset, model.end - 9)
    await t.log.truncateTo(target)
    if (target < model.end) model.truncate(target)
    expect(t.log.endOffset, 'end after truncation').to.equal(model.end)
  } else if (roll < 88) {
    const offset = model.start + random.integer(Math.ceil((model.end - model.start) / 3) + 1)
    expect(t.log.deleteRecordsTo(offset)).to.equal(ErrorCode.NONE)
    model.start = Math.max(model.start, offset)
  } else if (roll < 95) {
    const timestamp = START_MS - 5100 + random.integer(5200)
    expect(await t.log.offsetForTimestamp(timestamp), `timestamp ${timestamp}`).to.deep.equal(model.since(timestamp))
  } else if (roll < 97) {
    model.epoch++
  } else {
    const { logStartOffset, endOffset } = t.log
    const clean = random.integer(2) === 0
    const recoveryPoint = clean ? endOffset : random.integer(endOffset + 1)
    await t.reopen(random.integer(4) === 0 ? undefined : { recoveryPoint, logStartOffset, clean })
    expect(t.said).to.deep.equal([])
    // Without checkpoints the start falls back to the oldest segment; records below it come back, never above.
    expect(t.log.logStartOffset).to.be.at.most(logStartOffset)
    t.log.deleteRecordsTo(logStartOffset)
  }
}

async function checkRead(random: Random, t: TestLog, model: Model): Promise<void> {
  if (model.start === model.end) return
  const offset = model.start + random.integer(model.end - model.start)
  const upperBound = offset + 1 + random.integer(model.end - offset)
  const maxBytes = 1 + random.integer(3000)
  const result = await t.log.read(offset, { maxBytes, upperBound, minOneMessage: true })
  expect(result.errorCode).to.equal(ErrorCode.NONE)
  const records = recordsIn(result)
  const first = model.batches.find((batch) => batch.last >= offset)!
  if (first.last >= upperBound) {
    expect(records, 'a batch that reaches the bound').to.deep.equal([])
  } else {
    expect(records[0]!.offset, 'the batch with the offset comes whole').to.equal(first.base)
    expect(records).to.deep.equal(model.records(first.base).slice(0, records.length))
    expect(records.at(-1)!.offset).to.be.below(upperBound)
    if (result.sizeInBytes > maxBytes) expect(records.length).to.equal(first.values.length)
  }
  result.release?.()
}

for (const kind of disks) {
  describe(`a log on a ${kind.name} against the simplest model`, () => {
    for (const [seed, hotBytesMax] of [
      [1, 0],
      [2, 20_000],
      [3, 32_000_000],
      [4, 0],
      [5, 32_000_000],
    ] as const) {
      it(`agrees after every step (seed ${seed}, ${hotBytesMax} hot bytes)`, async () => {
        const disk = kind.make()
        const random = seededRandom(seed)
        const t = makeLog(
          disk.disk,
          { segmentBytes: 4000, indexIntervalBytes: 200, segmentIndexBytes: 200 },
          hotBytesMax,
        )
        const model = new Model()
        const counter = { value: 0 }
        try {
          for (let i = 0; i < 400; i++) {
            await step(random, t, model, counter)
            expect([t.log.logStartOffset, t.log.endOffset], `step ${i}`).to.deep.equal([model.start, model.end])
          }
          expect(await readAll(t.log)).to.deep.equal(model.records(model.start))
        } finally {
          await t.log.close()
          disk.remove()
        }
      })
    }
  })
}
