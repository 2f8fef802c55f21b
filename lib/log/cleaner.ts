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
import { BatchFilter, controlType, sectionOf } from './batch-filter.js'
import type { CleanerPace } from './cleaner-pace.js'
import { type Cleanable, groupSegments } from './cleaner-rules.js'
import { CleanerTransactions } from './cleaner-transactions.js'
import { CompressionCode, prepareCodec } from './compression/index.js'
import type { LogBody } from './log-body.js'
import { OffsetMap } from './offset-map.js'
import type { Segment } from './segment.js'
import { SegmentWriter } from './segment-writer.js'
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

const READ_BYTES = 1024 * 1024

/** @throws CleaningAborted; anything else means that the log cannot be compacted */
export function cleanLog(
  body: LogBody,
  cleanable: Cleanable,
  settings: CleanerSettings,
  ports: CleanerPorts,
): Promise<Cleaned> {
  return new Cleaning(body, cleanable, settings, ports).run()
}

/** Called for every batch; false stops the walk, a promise pauses it. */
type Visit = (b: Buffer, at: number, isLast: boolean) => false | void | Promise<void>

class Cleaning {
  private readonly cuts: number
  private bytesRead = 0
  private bytesWritten = 0
  private buffer: Buffer | null = null

  constructor(
    private readonly body: LogBody,
    private readonly cleanable: Cleanable,
    private readonly settings: CleanerSettings,
    private readonly ports: CleanerPorts,
  ) {
    this.cuts = body.cuts
  }

  async run(): Promise<Cleaned> {
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
    })
    const touched = sealed.filter((one) => one.baseOffset < cleanedOffset)
    for (const group of groupSegments(touched, { ...config, endOffset: firstUncleanableOffset })) {
      await this.rewrite(group, filter)
    }
    this.body.cleanedOffset = cleanedOffset
    return { cleanedOffset, bytesRead: this.bytesRead, bytesWritten: this.bytesWritten }
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
    const visit: Visit = (b, at) => {
      complete = mapBatch(b, at, map, transactions, firstDirtyOffset)
      if (!complete) return false
    }
    for (const segment of dirty) {
      await this.eachBatch(segment, visit)
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
    const cleaned = this.body.newSegment(first.baseOffset, first.options.createdMs, '.cleaned')
    try {
      const changed = await this.fill(new SegmentWriter(cleaned, last.lastAppendMs), group, filter)
      if (!changed && group.length === 1) {
        cleaned.remove()
        return
      }
      cleaned.seal()
      await cleaned.sync()
      this.mustGoOn()
    } catch (error) {
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
    const writeOut = async (): Promise<void> => {
      const bytes = await writer.flush()
      this.ports.pace.spend(bytes)
      this.bytesWritten += bytes
    }
    const written = (): void | Promise<void> => {
      if (filter.aborted !== null) writer.segment.txnIndex.append(filter.aborted)
      if (writer.isFull) return writeOut()
    }
    const take = (batch: Buffer): void | Promise<void> => {
      writer.add(batch, 0, batch.length)
      return written()
    }
    for (const segment of group) {
      await this.eachBatch(segment, (b, at, isLast) => {
        // The group's last batch says how far the new segment reaches: recovery and the log's end offset go by it.
        const filtered = filter.filter(b, at, isLast && segment === last)
        if (filtered !== 'copy') {
          changed = true
          if (filtered === 'drop') return
          if (!isValidBatch(b, at)) throw damaged(segment)
          if (filtered instanceof Promise) return filtered.then(take)
          return take(filtered)
        }
        writer.add(b, at, header.sizeInBytes(b, at))
        return written()
      })
    }
    await writeOut()
    return changed
  }

  /** Visits a sealed segment's batches, resting when it is time. @throws an Error when the bytes are no batches */
  private async eachBatch(segment: Segment, visit: Visit): Promise<void> {
    const end = segment.sizeInBytes
    let position = 0
    let wanted = READ_BYTES
    while (position < end) {
      const length = Math.min(wanted, end - position)
      const bytes = this.see(segment, position, length) ?? (await this.read(segment, position, length))
      this.mustGoOn()
      let at = 0
      while (at + header.HEADER_BYTES <= bytes.length) {
        const size = header.sizeInBytes(bytes, at)
        if (size < header.HEADER_BYTES || position + at + size > end) throw damaged(segment)
        if (at + size > bytes.length) break
        if (header.compressionCode(bytes, at) === CompressionCode.zstd) {
          const preparing = prepareCodec(CompressionCode.zstd)
          if (preparing !== null) await preparing
        }
        const outcome = visit(bytes, at, position + at + size === end)
        if (outcome === false) return
        at += size
        const pause = outcome ?? this.ports.pace.rest()
        if (pause !== null) {
          await pause
          this.mustGoOn()
        }
      }
      if (at === 0) {
        // Not even one batch was there whole: ask for all of it.
        if (bytes.length < header.HEADER_BYTES || header.sizeInBytes(bytes, 0) <= length) throw damaged(segment)
        wanted = header.sizeInBytes(bytes, 0)
      } else {
        this.count(at)
        position += at
        wanted = READ_BYTES
      }
    }
  }

  private see(segment: Segment, position: number, length: number): Buffer | null {
    segment.openLog()
    // The tail's memory may be used again while we rest; a memory disk's may not.
    return segment.viewable ? this.body.reader.viewNow({ segment, position, length }) : null
  }

  private async read(segment: Segment, position: number, length: number): Promise<Buffer> {
    if (this.buffer === null || this.buffer.length < length) {
      this.buffer = Buffer.allocUnsafeSlow(Math.max(length, READ_BYTES))
    }
    let got = 0
    while (got < length) {
      const count = await segment.readAsync(this.buffer.subarray(got, length), position + got)
      if (count === 0) break
      got += count
    }
    return this.buffer.subarray(0, got)
  }

  private count(bytes: number): void {
    this.bytesRead += bytes
    this.ports.pace.spend(bytes)
  }

  /** After every wait. */
  private mustGoOn(): void {
    const { body, ports } = this
    if (ports.pace.stopped || body.offline || body.cuts !== this.cuts) throw new CleaningAborted()
  }
}

/** Takes a dirty batch into the map. False when it was full; the map then speaks for what came before. */
function mapBatch(b: Buffer, at: number, map: OffsetMap, transactions: CleanerTransactions, from: number): boolean {
  if (!isValidBatch(b, at)) throw new Error(`the batch at offset ${header.baseOffset(b, at)} is damaged`)
  const lastOffset = header.lastOffset(b, at)
  const producerId = header.producerId(b, at)
  if (header.isControl(b, at)) {
    const type = controlType(b, at)
    if (type !== null) transactions.onMarker(producerId, lastOffset, type === ControlType.ABORT)
  } else if (!transactions.onBatch(producerId, lastOffset, header.isTransactional(b, at)) && lastOffset >= from) {
    const baseOffset = header.baseOffset(b, at)
    const section = sectionOf(b, at)
    const records = new RecordWalker(section, 0, section.length, header.recordCount(b, at))
    while (records.next()) {
      const offset = baseOffset + records.offsetDelta
      if (records.keyLength < 0 || offset < from) continue
      if (!map.put(section, records.keyStart, records.keyStart + records.keyLength, offset)) return false
    }
  }
  map.reach(lastOffset)
  return true
}

function damaged(segment: Segment): Error {
  return new Error(`${segment.path('.log')} is damaged`)
}
