/**
 * Compacts one log: survey (`cleaner-rules.ts`) -> map -> rewrite -> swap (Kafka's Cleaner).
 *
 * The map takes the last offset of every key in the dirty part. Then every sealed segment from the log's start to the map's end is
 * written anew without the records that a later one replaces, in groups that fit into one segment; each group is swapped in for
 * what it was made from in one turn. Works in slices; whatever cuts the log meanwhile voids the cleaning.
 */
import { isValidBatch } from '../../protocol/batch/builder.js'
import { ControlType } from '../../protocol/batch/control.js'
import * as header from '../../protocol/batch/header.js'
import { RecordWalker } from '../../protocol/batch/records.js'
import type { Random } from '../host/random.js'
import {
  BatchFilter,
  controlType,
  decompressedSection,
  type Filtered,
  STEP_RECORDS,
  sectionAsStored,
} from './batch-filter.js'
import type { CleanerPace } from './cleaner-pace.js'
import { BadBatch, CleanerReader, type Visit } from './cleaner-reader.js'
import { type Cleanable, groupSegments } from './cleaner-rules.js'
import { CleanerTransactions } from './cleaner-transactions.js'
import type { LogBody } from './log-body.js'
import { OffsetMap } from './offset-map.js'
import type { Segment } from './segment.js'
import { SegmentWriter } from './segment-writer.js'
import { type Steps, walkThrough } from './steps.js'
import type { AbortedTransaction } from './txn-index.js'

export interface CleanerSettings {
  /** `log.cleaner.dedupe.buffer.size` */
  readonly dedupeBufferBytes: number
  /** `log.cleaner.io.buffer.load.factor` */
  readonly loadFactor: number
  /** Wall time of the cleaning. */
  readonly now: number
}

export interface CleanerPorts {
  readonly random: Random
  readonly pace: CleanerPace
}

/** The log was cut, deleted or closed, or the cleaner stopped, in the midst: nothing is wrong, and nothing was changed half. */
export class CleaningAborted extends Error {
  override readonly name = 'CleaningAborted'

  constructor() {
    super('the log was cut or closed meanwhile, or the cleaner stops')
  }
}

export interface Cleaned {
  /** Everything below is clean now. */
  readonly cleanedOffset: number
  readonly bytesRead: number
  readonly bytesWritten: number
}

/** @throws CleaningAborted; anything else means that the log cannot be compacted */
export function cleanLog(
  body: LogBody,
  cleanable: Cleanable,
  settings: CleanerSettings,
  ports: CleanerPorts,
): Promise<Cleaned> {
  return new Cleaning(body, cleanable, settings, ports).run()
}

class Cleaning {
  private readonly cuts: number
  private readonly reader: CleanerReader
  private bytesWritten = 0

  constructor(
    private readonly body: LogBody,
    private readonly cleanable: Cleanable,
    private readonly settings: CleanerSettings,
    private readonly ports: CleanerPorts,
  ) {
    this.cuts = body.cuts
    this.reader = new CleanerReader(body.reader, ports.pace, () => this.mustGoOn())
  }

  async run(): Promise<Cleaned> {
    await this.saveEnds()
    const { firstDirtyOffset, firstUncleanableOffset } = this.cleanable
    const sealed = this.body.segments.all.slice(0, -1).filter((one) => one.baseOffset < firstUncleanableOffset)
    const dirtyFrom = sealed.findLastIndex((one) => one.baseOffset <= firstDirtyOffset)
    const { map, complete } = await this.buildMap(sealed.slice(Math.max(0, dirtyFrom)))
    const cleanedOffset = complete ? firstUncleanableOffset : Math.max(firstDirtyOffset, map.latestOffset + 1)
    const { now } = this.settings
    const { config, producers } = this.body
    const filter = new BatchFilter({
      map,
      transactions: new CleanerTransactions(this.abortedFrom(0)),
      producer: (id) => producers.get(id),
      now,
      deleteRetentionMs: config.deleteRetentionMs,
      rest: this.rest,
    })
    const touched = sealed.filter((one) => one.baseOffset < cleanedOffset)
    this.body.compactedTo = Math.max(this.body.compactedTo, cleanedOffset)
    for (const group of groupSegments(touched, { ...config, endOffset: firstUncleanableOffset })) {
      await this.rewrite(group, filter)
    }
    this.mustGoOn()
    this.body.cleanedOffset = cleanedOffset
    return { cleanedOffset, bytesRead: this.reader.bytesRead, bytesWritten: this.bytesWritten }
  }

  /** Transactions below have ended, but where is in the active segment: with the power lost there, nobody may have committed what replaces. */
  private async saveEnds(): Promise<void> {
    const { body } = this
    await body.flush().catch((error: unknown) => {
      if (!body.offline) throw error
    })
    this.mustGoOn()
  }

  /** `complete` false: the map was full before the end of the dirty segments. */
  private async buildMap(dirty: readonly Segment[]): Promise<{ map: OffsetMap; complete: boolean }> {
    const { firstDirtyOffset, firstUncleanableOffset } = this.cleanable
    const { dedupeBufferBytes, loadFactor } = this.settings
    const map = new OffsetMap(
      { memoryBytes: dedupeBufferBytes, loadFactor, keysMax: firstUncleanableOffset - firstDirtyOffset },
      this.ports.random,
    )
    const transactions = new CleanerTransactions(this.abortedFrom(dirty[0]?.baseOffset ?? firstDirtyOffset))
    let complete = true
    const note = (fits: boolean): boolean => {
      complete = fits
      return fits
    }
    const visit: Visit = (b, at) => {
      const fits = walkThrough(mapBatch(b, at, map, transactions, firstDirtyOffset), this.rest)
      return fits instanceof Promise ? fits.then(note) : note(fits)
    }
    for (const segment of dirty) {
      await this.reader.eachBatch(segment, visit)
      if (!complete) break
    }
    return { map, complete }
  }

  /** Aborted transactions that end at `offset` or above. One that ended before would be taken for open from there on. */
  private abortedFrom(offset: number): AbortedTransaction[] {
    return this.body.segments.all.flatMap(({ txnIndex }) => txnIndex.entries.filter((one) => one.lastOffset >= offset))
  }

  private async rewrite(group: readonly Segment[], filter: BatchFilter): Promise<void> {
    const first = group[0]!
    const last = group.at(-1)!
    this.mustGoOn()
    const cleaned = this.body.newSegment(first.baseOffset, first.options.createdMs, '.cleaned')
    const writer = new SegmentWriter(cleaned, last.lastAppendMs)
    try {
      const changed = await this.fill(writer, group, filter)
      if (!changed && group.length === 1) {
        cleaned.remove()
        return
      }
      cleaned.seal()
      await cleaned.sync()
      this.mustGoOn()
    } catch (error) {
      await writer.settle()
      cleaned.remove()
      throw error
    }
    this.body.swapIn(group, cleaned)
    await cleaned.sync()
  }

  /** Writes what is left of a group; false when that is everything, byte for byte. */
  private async fill(writer: SegmentWriter, group: readonly Segment[], filter: BatchFilter): Promise<boolean> {
    const last = group.findLast((segment) => segment.sizeInBytes > 0)
    let changed = false
    const written = (): boolean | Promise<boolean> => {
      if (filter.aborted !== null) writer.segment.txnIndex.append(filter.aborted)
      return writer.isFull ? this.count(writer.flush()) : true
    }
    for (const segment of group) {
      const take = (b: Buffer, at: number, filtered: Filtered): boolean | Promise<boolean> => {
        if (filtered === 'copy') {
          writer.add(b, at, header.sizeInBytes(b, at))
          return written()
        }
        changed = true
        mustBeSound(b, at)
        if (filtered === 'drop') return true
        writer.add(filtered, 0, filtered.length)
        return written()
      }
      await this.reader.eachBatch(segment, (b, at, isLast) => {
        // The group's last batch says how far the new segment reaches: recovery and the log's end offset go by it.
        const filtered = filter.filter(b, at, isLast && segment === last)
        return filtered instanceof Promise ? filtered.then((done) => take(b, at, done)) : take(b, at, filtered)
      })
    }
    await this.count(writer.flush())
    await writer.finish()
    return changed
  }

  private async count(flushing: Promise<number>): Promise<true> {
    const bytes = await flushing
    this.ports.pace.spend(bytes)
    this.bytesWritten += bytes
    return true
  }

  private readonly rest = (): Promise<void> | null => this.ports.pace.rest()

  /** After every wait. */
  private mustGoOn(): void {
    const { body, ports } = this
    if (ports.pace.stopped || body.offline || body.cuts !== this.cuts) throw new CleaningAborted()
  }
}

/** What is damaged is not made anew, with a checksum that is right, nor taken away. @throws BadBatch */
function mustBeSound(b: Buffer, at: number): void {
  if (!isValidBatch(b, at))
    throw new BadBatch(`the checksum of the batch at offset ${header.baseOffset(b, at)} is wrong`)
}

/** Takes a dirty batch into the map. False when it was full; the map then speaks for what came before. */
function* mapBatch(
  b: Buffer,
  at: number,
  map: OffsetMap,
  transactions: CleanerTransactions,
  from: number,
): Steps<boolean> {
  mustBeSound(b, at)
  const lastOffset = header.lastOffset(b, at)
  const producerId = header.producerId(b, at)
  if (header.isControl(b, at)) {
    const type = controlType(b, at)
    if (type !== null) transactions.onMarker(producerId, lastOffset, type === ControlType.ABORT)
  } else if (!transactions.onBatch(producerId, lastOffset, header.isTransactional(b, at)) && lastOffset >= from) {
    const baseOffset = header.baseOffset(b, at)
    const section = sectionAsStored(b, at) ?? (yield* decompressedSection(b, at))
    const records = new RecordWalker(section, 0, section.length, header.recordCount(b, at))
    while (records.next()) {
      const offset = baseOffset + records.offsetDelta
      if (records.keyLength >= 0 && offset >= from) {
        if (!map.put(section, records.keyStart, records.keyStart + records.keyLength, offset)) return false
      }
      if (records.index % STEP_RECORDS === STEP_RECORDS - 1) yield null
    }
  }
  map.reach(lastOffset)
  return true
}
