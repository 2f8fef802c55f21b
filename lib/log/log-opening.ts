/**
 * Opening a log that is on the disk already (Kafka's LogLoader).
 *
 * Segments below the recovery point were synced: their files are trusted after a look at the ends, so that opening does not depend on
 * how much there is. From the recovery point on every byte is checked. Whatever is wrong is decided before the first change to the disk:
 * a torn end is cut off, damage anywhere else throws DamagedLog and leaves all as it was.
 */
import * as header from '../../protocol/batch/header.js'
import type { Disk } from '../host/disk.js'
import type { Logger } from '../host/logger.js'
import { type Walk, walkBatches } from './batch-walk.js'
import { CheckpointError } from './checkpoints.js'
import { DamagedLog, judgeEnd } from './damage.js'
import type { EpochFile } from './epoch-file.js'
import type { EpochEntry, LeaderEpochs } from './leader-epochs.js'
import type { KnownLog } from './log-options.js'
import { replay } from './producer-replay.js'
import { encodeSnapshot, type ProducerSnapshots } from './producer-snapshot.js'
import type { ProducerStates } from './producer-state.js'
import { learnEnd, rebuild } from './recovery.js'
import { offsetFileName, type Segment } from './segment.js'
import type { FileProblem } from './segment-indexes.js'
import type { Segments } from './segments.js'

export interface OpeningLog {
  folder: string
  disk: Disk
  logger: Logger
  /** Each segment begins where the one before ends: the topic is not compacted. */
  isContinuous: boolean
  /** Made from the files that are there, nothing booked. */
  segments: Segments
  /** These three are empty. */
  epochs: LeaderEpochs
  producers: ProducerStates
  epochFile: EpochFile
  snapshots: ProducerSnapshots
  run<T>(walk: Walk<T>): T | Promise<T>
}

/** Where the last segment is cut, and what is said about it. */
interface Cut {
  index: number
  end: number
  fileBytes: number
}

/** Brings the segments and the partition's memory to what the files say. @throws DamagedLog, DiskError; nothing on the disk has changed then */
export async function openSegments(log: OpeningLog, known: KnownLog | undefined): Promise<void> {
  await new Opening(log, known).run()
}

class Opening {
  private readonly all: readonly Segment[]
  /** Sealed segments that had to be read although they should have been trusted, and those read because they are young. */
  private readonly rebuilt = new Set<Segment>()
  private readonly recoveryPoint: number
  private readonly names: ReadonlySet<string>
  private cut: Cut | null = null
  /** What is known where the last segment begins, if no snapshot says so. */
  private missing: { offset: number; bytes: Buffer } | null = null
  /** Leader epoch of the last batch in the trusted segments, -1 when they have none. */
  private lastTrustedEpoch = -1

  constructor(
    private readonly log: OpeningLog,
    private readonly known: KnownLog | undefined,
  ) {
    this.all = log.segments.all
    this.recoveryPoint = known?.recoveryPoint ?? 0
    this.names = new Set(log.disk.list(log.folder))
  }

  async run(): Promise<void> {
    const from = await this.trust()
    await this.learnEpochs(from)
    await this.learnProducers(from)
    for (let i = from; i < this.all.length && this.cut === null; i++) {
      if (i === this.all.length - 1) this.lookForSnapshot(from)
      await this.scan(i, true)
    }
    const certain = this.certainEnd(from)
    this.settle(certain)
    if (this.missing !== null) await this.log.snapshots.sync()
    if (from < this.all.length) this.supplementProducers(certain)
  }

  /** Trusts what can be; returns the index of the first segment whose batches have to be learnt. */
  private async trust(): Promise<number> {
    const clean = this.known?.clean === true
    for (const [index, segment] of this.all.entries()) {
      const next = this.all[index + 1]?.baseOffset
      // Not where it ends right there: it may have been sealed since, and its indexes be no more than written.
      if (!clean && !(next !== undefined && next < this.recoveryPoint)) return index
      // Bytes that are shown without a read would be served unchecked; to check them now costs no read either.
      segment.openLog()
      if (segment.viewable) return index
      const problem = segment.adopt(this.names) ?? (await this.checkEnd(segment, next))
      if (problem === null) continue
      this.log.logger.warn(`${segment.path(problem.suffix)} ${problem.what}: the log is read to make it again.`)
      // Perhaps the disk was full when they were to be written: then nobody wrote down what was aborted either.
      const isUnsaved = !this.names.has(offsetFileName(segment.baseOffset, problem.suffix))
      if (next === undefined || isUnsaved || !segment.loadTransactions(this.names)) return index
      await this.scan(index, false)
    }
    return this.all.length
  }

  private async checkEnd(segment: Segment, endsBefore: number | undefined): Promise<FileProblem | null> {
    const { position, leaderEpoch } = await this.log.run(learnEnd(segment, endsBefore))
    if (position < segment.sizeInBytes) return { suffix: '.index', what: `leads to no good batch at byte ${position}` }
    if (leaderEpoch >= 0) this.lastTrustedEpoch = leaderEpoch
    segment.confirm(endsBefore !== undefined)
    if (endsBefore !== undefined || segment.resume()) return null
    return { suffix: '.index', what: 'has entries that make no sense' }
  }

  private async learnEpochs(from: number): Promise<void> {
    const { epochs, epochFile, logger } = this.log
    let entries: readonly EpochEntry[] | null = null
    try {
      entries = epochFile.read()
      if (entries === null && from > 0)
        logger.warn(`${epochFile.path} is missing: the leader epochs are read from the log.`)
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error
      logger.warn(`${error.message} The leader epochs are read from the log.`)
    }
    // What begins in a segment that is read is learnt there.
    const end = this.all[from]?.baseOffset ?? Number.POSITIVE_INFINITY
    const kept = (entries ?? []).filter((entry) => entry.startOffset < end)
    for (const { epoch, startOffset } of kept) epochs.assign(epoch, startOffset)
    if (epochs.latestEpoch >= this.lastTrustedEpoch) {
      if (kept.length === entries?.length) epochFile.noteSaved()
      return
    }
    epochs.clear()
    await this.log.run(this.readEpochs(from))
  }

  /** Epochs only rise: a segment that begins with the epoch of the next one has no other. */
  private *readEpochs(from: number): Walk<void> {
    const { epochs } = this.log
    const firsts: number[] = []
    for (const segment of this.all.slice(0, from)) {
      let first = Number.NaN
      yield* walkBatches(segment, 0, segment.sizeInBytes, false, (buffer, at) => {
        first = header.leaderEpoch(buffer, at)
        return false
      })
      firsts.push(first)
    }
    epochs.clear()
    let end = this.all[0]?.baseOffset ?? 0
    for (const [index, segment] of this.all.slice(0, from).entries()) {
      const same = firsts[index] === firsts[index + 1]
      yield* walkBatches(segment, 0, segment.sizeInBytes, false, (buffer, at) => {
        epochs.assign(header.leaderEpoch(buffer, at), end)
        end = header.lastOffset(buffer, at) + 1
        return !same
      })
      end = segment.nextOffset
    }
  }

  /** From the newest good snapshot on, the producers' batches in the trusted segments. */
  private async learnProducers(from: number): Promise<void> {
    const { snapshots, segments } = this.log
    const to = this.all[from]?.baseOffset ?? segments.active.nextOffset
    await this.log.run(replay(this.all, snapshots, to, this.log.producers))
  }

  /** Compaction goes by what may be lost in the last segment; what it drops is known where that begins. */
  private lookForSnapshot(from: number): void {
    const { snapshots, producers } = this.log
    const offset = this.all.at(-1)!.baseOffset
    if (producers.size === 0) return
    if (offset <= this.certainEnd(from) && snapshots.newest(offset, offset) !== null) return
    this.missing = { offset, bytes: encodeSnapshot(producers) }
  }

  /**
   * Below this no file has lost its end: snapshots above may know what is lost, and would have it answered as a duplicate. In a compacted log a
   * gap between segments may also have been there before; from `from` on nobody knows.
   */
  private certainEnd(from: number): number {
    const { segments } = this.log
    for (let i = from; i + 1 < this.all.length; i++) {
      const { nextOffset } = this.all[i]!
      if (nextOffset < this.all[i + 1]!.baseOffset) return nextOffset
    }
    return segments.active.nextOffset
  }

  private supplementProducers(certain: number): void {
    const { segments, snapshots, producers } = this.log
    const newest = snapshots.newest(segments.first.baseOffset, certain)
    if (newest !== null) producers.supplement(newest.entries)
  }

  /** Reads a segment with every checksum. `learn`: what its batches mean is not known yet. */
  private async scan(index: number, learn: boolean): Promise<void> {
    const segment = this.all[index]!
    const { run, epochs, producers } = this.log
    const endsBefore = this.all[index + 1]?.baseOffset
    const fileBytes = segment.openLog().size
    if (learn) segment.loadTransactions(this.names)
    const learner = { producers, epochs, endOffset: this.all[index - 1]?.nextOffset ?? segment.baseOffset }
    const end = await run(rebuild(segment, fileBytes, learn ? learner : null, endsBefore))
    segment.writtenBytes = end
    this.rebuilt.add(segment)
    if (end === fileBytes) {
      this.lookForHole(index, learn)
      return
    }
    const complete = segment.nextOffset === endsBefore
    const durable = !complete && (!learn || segment.nextOffset < this.recoveryPoint)
    await run(judgeEnd(segment, { position: end, fileBytes, endsBefore, durable }))
    if (complete) {
      const path = segment.path('.log')
      this.log.logger.warn(`${path} has ${fileBytes - end} bytes behind its end at byte ${end}: they are ignored.`)
    } else {
      this.cut = { index, end, fileBytes }
    }
  }

  /**
   * A file may have lost its end at a batch's border, as file systems write sizes where a write ended. Then the next segment does not
   * continue it; in a compacted log it need not.
   */
  private lookForHole(index: number, learn: boolean): void {
    const segment = this.all[index]!
    const next = this.all[index + 1]?.baseOffset
    const from = Math.max(segment.nextOffset, this.known?.logStartOffset ?? 0)
    if (next === undefined || from >= next || !this.log.isContinuous) return
    const path = segment.path('.log')
    const missing = `${path} ends at byte ${segment.sizeInBytes}: offsets ${from} to ${next - 1} are missing`
    if (learn && from < this.recoveryPoint) throw new DamagedLog(`${missing}, which had been synced.`)
    if (learn) this.cut = { index, end: segment.sizeInBytes, fileBytes: segment.sizeInBytes }
    // Below the recovery point the topic may have been compacted in the past.
    else this.log.logger.error(`${missing}.`)
  }

  /** Everything is judged: now the disk may be changed. */
  private settle(certain: number): void {
    const { segments, snapshots, logger } = this.log
    if (this.cut !== null) {
      const { index, end, fileBytes } = this.cut
      const segment = this.all[index]!
      if (end < fileBytes) {
        logger.warn(
          `${segment.path('.log')} ended in ${fileBytes - end} bytes from byte ${end} on that are no whole batch: they were cut off.`,
        )
        segment.openLog().truncate(end)
      }
      for (const lost of segments.removeFrom(index + 1)) {
        logger.error(
          `${lost.path('.log')} lies above the cut and was never synced: it is dropped, from offset ${lost.baseOffset} on.`,
        )
        lost.remove()
      }
    }
    for (const segment of this.rebuilt) {
      if (segment === segments.active || !segments.all.includes(segment)) continue
      // Below the recovery point nothing is synced again.
      segment.seal(this.known?.clean === true || segment.nextOffset <= this.recoveryPoint)
    }
    snapshots.removeAbove(certain)
    snapshots.removeStray(new Set(segments.all.map(({ baseOffset }) => baseOffset)), segments.active.baseOffset)
    if (this.missing !== null) snapshots.put(this.missing.offset, this.missing.bytes)
  }
}
