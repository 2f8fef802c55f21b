import { expect } from 'chai'
import { FaultyDisk } from '../../lib/faults/faulty-disk.js'
import { type Disk, DiskError } from '../../lib/host/disk.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import type { Random } from '../../lib/host/random.js'
import { seededRandom } from '../../lib/host/random-sources.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { defaultLogConfig } from '../../lib/log/config.js'
import type { KnownLog } from '../../lib/log/log-options.js'
import { PartitionLog } from '../../lib/log/partition-log.js'
import { LogShared } from '../../lib/log/shared.js'
import { buildBatch } from '../../protocol/batch/builder.js'
import { buildEndTxnMarker } from '../../protocol/batch/control.js'
import { ErrorCode } from '../../protocol/errors.js'
import { readAll, START_MS } from './support/harness.js'

const SEEDS = Number(process.env['SEEDS'] ?? 150)
const STEPS = 60
const PRODUCERS = 3

/** A batch as it was appended, with what it means. */
interface Appended {
  base: number
  last: number
  values: string[]
  epoch: number
  producerId: number
  sequence: number
  transactional: boolean
  marker: 'abort' | 'commit' | null
}

/** What a log that has exactly these batches should know. */
function expected(batches: readonly Appended[]) {
  const sequences = new Map<number, number>()
  const open = new Map<number, number>()
  const aborted: { producerId: number; firstOffset: number }[] = []
  const epochs: { epoch: number; startOffset: number }[] = []
  for (const batch of batches) {
    if (epochs.at(-1)?.epoch !== batch.epoch) epochs.push({ epoch: batch.epoch, startOffset: batch.base })
    if (batch.marker !== null) {
      const firstOffset = open.get(batch.producerId)
      open.delete(batch.producerId)
      if (batch.marker === 'abort' && firstOffset !== undefined) {
        aborted.push({ producerId: batch.producerId, firstOffset })
      }
    } else if (batch.producerId >= 0) {
      sequences.set(batch.producerId, batch.sequence + batch.values.length - 1)
      if (batch.transactional && !open.has(batch.producerId)) open.set(batch.producerId, batch.base)
    }
  }
  return { sequences, open, aborted, epochs }
}

/** The disk of one process: dead when it is. */
class Life {
  dead = false
  readonly disk: Disk
  constructor(disk: Disk) {
    this.disk = new Proxy(disk, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        return typeof value !== 'function'
          ? value
          : (...args: unknown[]) => {
              if (this.dead) throw new DiskError('EBADF', 'gone', 'the process is dead')
              return value.apply(target, args)
            }
      },
    })
  }
}

class Scene {
  readonly clock = new VirtualClock({ startMs: START_MS })
  readonly faulty: FaultyDisk
  readonly said: string[] = []
  batches: Appended[] = []
  epoch = 0
  start = 0
  /** What the checkpoint file of a log directory would have. */
  checkpoint = 0
  life: Life
  log: PartitionLog
  failures = 0
  private value = 0
  /** A truncation to here has failed: it may have happened or not. */
  private unsureFrom = Number.POSITIVE_INFINITY

  constructor(
    seed: number,
    readonly random: Random,
    errorChance = 0,
    private readonly config = defaultLogConfig({
      segmentBytes: 700,
      indexIntervalBytes: 150,
      segmentIndexBytes: 4000,
      flushMessages: [1, 4, Number.MAX_SAFE_INTEGER][random.integer(3)]!,
    }),
  ) {
    this.faulty = new FaultyDisk(
      { seed, views: false, tornChance: 0.7, shortReadChance: 0.05, errorChance },
      { disk: new MemoryDisk() },
    )
    this.life = new Life(this.faulty)
    this.log = new PartitionLog(this.options(), this.ports())
  }

  private options(known?: KnownLog) {
    const options = { topic: 't', partition: 0, folder: 't-0', config: this.config }
    return known === undefined ? options : { ...options, known }
  }

  private ports() {
    const say = (message: string) => void this.said.push(message)
    const logger = { trace() {}, debug() {}, info() {}, warn: say, error: say }
    const shared = new LogShared({ hotBytesMax: this.random.integer(2) * 10_000 }, 2000)
    return { disk: this.life.disk, clock: this.clock, random: this.random, logger, shared }
  }

  produce(): void {
    const producerId = this.random.integer(PRODUCERS + 2) - 1
    const known = expected(this.batches)
    const isOpen = known.open.has(producerId)
    const marker = isOpen && this.random.integer(2) === 0 ? (this.random.integer(2) === 0 ? 'abort' : 'commit') : null
    const count = 1 + this.random.integer(3)
    const values =
      marker !== null ? [] : Array.from({ length: count }, () => `${this.value++}`.padEnd(this.random.integer(90), '.'))
    // Of a producer whose data is deleted a marker may be all that is known.
    const forgotten = this.log.producers.get(producerId)?.batches.length === 0
    const sequence = producerId < 0 ? -1 : forgotten ? 0 : (known.sequences.get(producerId) ?? -1) + 1
    const transactional = producerId > 0
    const batch =
      marker !== null
        ? buildEndTxnMarker({
            type: marker,
            producerId,
            producerEpoch: 0,
            coordinatorEpoch: 0,
            timestamp: this.clock.now(),
          })
        : buildBatch(
            values.map((value) => ({ value })),
            {
              baseTimestamp: this.clock.now(),
              producerId,
              producerEpoch: producerId < 0 ? -1 : 0,
              baseSequence: sequence,
              transactional,
            },
          )
    const origin = marker !== null ? 'coordinator' : 'client'
    const info = this.log.append(batch, { origin, leaderEpoch: this.epoch, now: this.clock.now() })
    if (info.errorCode === ErrorCode.KAFKA_STORAGE_ERROR && this.log.offline) return
    expect(info.errorCode).to.equal(ErrorCode.NONE)
    this.batches.push({
      base: info.baseOffset,
      last: info.lastOffset,
      values,
      epoch: this.epoch,
      producerId,
      sequence,
      transactional,
      marker,
    })
    if (this.random.integer(2) === 0) this.log.flushPending()
  }

  async step(): Promise<void> {
    const { random, log } = this
    this.clock.advance(1)
    const roll = random.integer(100)
    if (roll < 70) this.produce()
    else if (roll < 75) log.roll(this.clock.now())
    else if (roll < 80) await log.flush()
    else if (roll < 85) this.epoch++
    else if (roll < 88) this.checkpoint = log.recoveryPoint
    else if (roll < 91) await this.truncate()
    else if (roll < 93) this.deleteRecords()
    else if (roll < 95) await this.restart('close')
    else if (roll < 97) await this.restart('kill')
    else if (roll < 98) await this.restart('power')
    else await new Promise((resolve) => setImmediate(resolve))
  }

  private async truncate(): Promise<void> {
    const offset = Math.max(this.start, this.log.endOffset - this.random.integer(8))
    await this.log.truncateTo(offset)
    if (this.log.offline) {
      this.unsureFrom = Math.min(this.unsureFrom, offset)
      return
    }
    this.batches = this.batches.filter((batch) => batch.last < offset)
    expect(this.log.endOffset).to.be.at.most(offset)
    this.checkpoint = Math.min(this.checkpoint, this.log.recoveryPoint)
    await this.check()
  }

  private deleteRecords(): void {
    const offset = this.start + this.random.integer(Math.ceil((this.log.writtenOffset - this.start) / 3) + 1)
    expect(this.log.deleteRecordsTo(offset)).to.equal(ErrorCode.NONE)
    // The log may have failed on the way, and its start moved nevertheless.
    this.start = Math.max(this.start, offset)
  }

  /** One step on a disk that may fail in it: a log that has gone offline is opened again on a disk that does not. */
  async stepWithErrors(): Promise<void> {
    try {
      await this.step()
    } catch (error) {
      if (!this.log.offline) throw error
    }
    if (!this.log.offline) return
    this.faulty.armed = false
    await this.log.close().catch(() => {})
    await this.restart('kill')
    this.faulty.armed = true
    this.failures++
  }

  /** Ends the process in one of three ways and begins a new one; what may be missing then is checked. */
  async restart(how: 'close' | 'kill' | 'power'): Promise<void> {
    const { log } = this
    const { recoveryPoint, writtenOffset, endOffset } = log
    const alwaysSynced = this.config.flushMessages === 1
    if (how === 'close') await log.close()
    this.life.dead = true
    if (how === 'power') this.faulty.crash()
    this.life = new Life(this.faulty)
    const clean = how === 'close'
    const known = { recoveryPoint: clean ? endOffset : this.checkpoint, logStartOffset: this.start, clean }
    this.log = await PartitionLog.open(this.options(known), this.ports())
    expect(this.log.offline, `${how}: ${this.said.join('\n')}`).to.equal(false)
    const least = how === 'close' ? endOffset : how === 'kill' || alwaysSynced ? writtenOffset : recoveryPoint
    expect(this.log.endOffset, how).to.be.at.least(Math.min(least, this.truncatedTo(this.unsureFrom)))
    this.unsureFrom = Number.POSITIVE_INFINITY
    this.batches = this.batches.filter((batch) => batch.last < this.log.endOffset)
    this.checkpoint = Math.min(this.checkpoint, this.log.endOffset)
    await this.check()
  }

  /** Where the log ends when it was cut at `offset`: a batch that reaches past it goes whole. */
  private truncatedTo(offset: number): number {
    const first = this.batches.find((batch) => batch.last >= offset)
    return Math.max(this.start, Math.min(offset, first?.base ?? offset))
  }

  async check(): Promise<void> {
    const { log, start } = this
    const end = this.batches.at(-1)
    expect(log.endOffset, 'end').to.equal(Math.max(start, end === undefined ? 0 : end.last + 1))
    expect(log.logStartOffset, 'start').to.equal(start)
    const { sequences, open, aborted, epochs } = expected(this.batches)
    const records = await readAll(log, start, 300)
    const wanted = this.batches.flatMap(({ base, values, marker }) =>
      marker !== null ? [] : values.map((value, index) => ({ offset: base + index, value })),
    )
    const isMarker = new Set(this.batches.filter(({ marker }) => marker !== null).map(({ base }) => base))
    expect(records.filter(({ offset }) => !isMarker.has(offset))).to.deep.equal(
      wanted.filter(({ offset }) => offset >= start),
    )
    for (const [producerId, sequence] of sequences) {
      const last = this.batches.findLast((batch) => batch.producerId === producerId && batch.marker === null)!
      const entry = log.producers.get(producerId)
      if ((entry === undefined || entry.batches.length === 0) && last.base < start) continue
      expect(entry?.batches.at(-1), `producer ${producerId}`).to.include({
        lastSequence: sequence,
        lastOffset: last.last,
      })
    }
    for (let producerId = 0; producerId < PRODUCERS + 1; producerId++) {
      const firstOffset = open.get(producerId) ?? -1
      if (firstOffset >= 0 && firstOffset < start) continue
      expect(log.producers.transactions.firstOffsetOf(producerId), `transaction of ${producerId}`).to.equal(firstOffset)
    }
    if (log.endOffset > start) {
      const found = await log.read(start, { maxBytes: 1e6, upperBound: log.endOffset, minOneMessage: true })
      const inReach = aborted.filter(({ firstOffset }) => firstOffset >= start)
      found.release?.()
      const first = this.batches.find((batch) => batch.last >= start)!
      for (const one of found.abortedTransactions) {
        // Of one that began in a deleted segment a later begin may be known: the snapshot of the segment after it was lost.
        const began = aborted.some((entry) => entry.producerId === one.producerId && entry.firstOffset < start)
        if (!began) expect(aborted).to.deep.include(one)
      }
      const seen = inReach.filter(({ firstOffset }) => firstOffset <= first.last)
      for (const one of seen) expect(found.abortedTransactions).to.deep.include(one)
    }
    const within = ({ startOffset }: { startOffset: number }): boolean => startOffset < log.endOffset
    const wantedEpochs = epochs
      .filter((_, index) => (epochs[index + 1]?.startOffset ?? Number.POSITIVE_INFINITY) > start)
      .map(({ epoch, startOffset }) => ({ epoch, startOffset: Math.max(startOffset, start) }))
    expect(log.leaderEpochs.filter(within)).to.deep.equal(wantedEpochs.filter(within))
  }
}

describe('a log on a disk that crashes', () => {
  it(`keeps what it promised, over ${SEEDS} seeds`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const scene = new Scene(seed, seededRandom(seed))
      try {
        for (let step = 0; step < STEPS; step++) await scene.step()
        await scene.restart(['close', 'kill', 'power'][seed % 3] as 'close')
        await scene.log.close()
      } catch (error) {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error })
      }
    }
  }).timeout(60_000)

  it(`keeps what it promised when reads and writes fail, over ${SEEDS} seeds`, async () => {
    let failures = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const scene = new Scene(seed, seededRandom(seed), 0.01)
      try {
        for (let step = 0; step < STEPS; step++) await scene.stepWithErrors()
        scene.faulty.armed = false
        await scene.restart('kill')
        await scene.log.close()
      } catch (error) {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error })
      }
      failures += scene.failures
    }
    expect(failures).to.be.above(SEEDS / 10)
  }).timeout(60_000)
})
