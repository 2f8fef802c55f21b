/**
 * The metadata log on a disk: `__cluster_metadata-0` with Kafka's files. `<base offset>.log` holds the batches since the newest
 * snapshot, `<end offset>-<epoch>.checkpoint` is that snapshot.
 *
 * A batch is written and synced before it counts. So only the last one can be torn, and then nobody was told of it: it is cut off.
 * Whatever else does not fit is damage, and a broker that guesses at it could serve deleted topics or lose existing ones: it does
 * not start.
 */
import * as header from '../../../protocol/batch/header.js'
import { ProtocolError } from '../../../protocol/wire/error.js'
import type { Clock, Timer } from '../../host/clock.js'
import type { Disk, DiskFile } from '../../host/disk.js'
import type { Logger } from '../../host/logger.js'
import type { MetadataRecord } from '../../metadata/records.js'
import { scanBatches } from './batch-file.js'
import { type Journal, type JournalBatch, type JournalContent, JournalError } from './journal.js'
import { decodeBatch, encodeBatch } from './metadata-codec.js'
import {
  parseSnapshotName,
  readSnapshot,
  type SnapshotName,
  snapshotBatches,
  snapshotName,
} from './metadata-snapshot.js'

export const METADATA_FOLDER = '__cluster_metadata-0'

export interface MetadataLogOptions {
  /** What messages call the directory that holds the folder. */
  readonly directory: string
  /** `metadata.log.max.record.bytes.between.snapshots` */
  readonly snapshotAfterBytes: number
  /** `metadata.log.max.snapshot.interval.ms`: no change waits longer than this for its snapshot; 0: however long. */
  readonly snapshotAfterMs: number
}

export interface MetadataLogPorts {
  readonly disk: Disk
  readonly clock: Clock
  readonly logger: Logger
  /** The log takes nothing any more: a broker that cannot record what it decides must stop. */
  readonly onBroken?: (error: JournalError) => void
}

const LOG_FILE = /^(\d{20})\.log$/
/** What a crash leaves behind in the middle of a snapshot. */
const LEFTOVER = /\.(?:part|tmp|deleted)$/
const logName = (baseOffset: number): string => `${String(baseOffset).padStart(20, '0')}.log`

export class MetadataLog implements Journal {
  private file: DiskFile | null = null
  private baseOffset = 0
  private endOffset = 0
  private bytesSinceSnapshot = 0
  /** Monotonic: of the last snapshot, or of the start. */
  private snapshotMs: number
  private snapshotTimer: Timer | null = null
  onWantsSnapshot: (() => void) | null = null
  private broken: JournalError | null = null

  constructor(
    private readonly options: MetadataLogOptions,
    private readonly ports: MetadataLogPorts,
  ) {
    this.snapshotMs = ports.clock.monotonic()
  }

  get wantsSnapshot(): boolean {
    if (this.broken !== null || this.bytesSinceSnapshot === 0) return false
    return this.bytesSinceSnapshot > this.options.snapshotAfterBytes || this.untilSnapshotMs <= 0
  }

  private get untilSnapshotMs(): number {
    const { snapshotAfterMs } = this.options
    const { clock } = this.ports
    return snapshotAfterMs === 0 ? Number.POSITIVE_INFINITY : this.snapshotMs + snapshotAfterMs - clock.monotonic()
  }

  async load(): Promise<JournalContent> {
    const { disk } = this.ports
    const names = disk.list(METADATA_FOLDER)
    for (const name of names) if (LEFTOVER.test(name)) disk.remove(path(name))
    const snapshots = names.map(parseSnapshotName).filter((one) => one !== null)
    const newest = snapshots.sort((a, b) => a.endOffset - b.endOffset || a.epoch - b.epoch).pop() ?? null
    const snapshot = newest === null ? null : { records: this.readSnapshot(newest), offset: newest.endOffset - 1 }
    this.endOffset = newest?.endOffset ?? 0
    const bases = basesOf(names)
    const batches: JournalBatch[] = []
    for (const [index, base] of bases.entries()) {
      const next = bases[index + 1]
      // A crash between the snapshot and the removal of what it replaces.
      if (next !== undefined && next <= (newest?.endOffset ?? 0)) continue
      await this.readLog(base, index === bases.length - 1, batches)
    }
    this.baseOffset = bases[bases.length - 1] ?? this.endOffset
    this.sweep(newest)
    if (this.bytesSinceSnapshot > 0) this.waitForSnapshot()
    const epochs = batches.map(({ controllerEpoch }) => controllerEpoch)
    return { snapshot, batches, controllerEpoch: Math.max(newest?.epoch ?? 0, ...epochs.slice(-1)) }
  }

  async append(batch: JournalBatch): Promise<void> {
    if (this.broken !== null) throw this.broken
    const { records, baseOffset, controllerEpoch } = batch
    const bytes = encodeBatch(records, { baseOffset, controllerEpoch, timestamp: this.ports.clock.now() })
    const file = this.openLog()
    try {
      file.append([bytes])
    } catch (error) {
      throw this.refusal(error)
    }
    try {
      await file.sync()
    } catch (error) {
      throw this.breaks(error)
    }
    this.endOffset = baseOffset + records.length
    this.bytesSinceSnapshot += bytes.length
    this.waitForSnapshot()
  }

  async snapshot(records: readonly MetadataRecord[], offset: number, controllerEpoch: number): Promise<void> {
    const { disk, clock } = this.ports
    const name = snapshotName(offset + 1, controllerEpoch)
    try {
      disk.remove(path(`${name}.part`))
      const file = disk.open(path(`${name}.part`), { create: true })
      try {
        for (const batch of snapshotBatches(records, controllerEpoch, clock.now())) file.append([batch])
        await file.sync()
        disk.rename(path(`${name}.part`), path(name))
        // The name has to be durable before what it replaces goes.
        await file.sync()
      } finally {
        file.close()
      }
    } catch (error) {
      // The log has everything still. The next try comes after as many bytes or as much time again.
      this.restart()
      this.ports.logger.error(`The snapshot ${this.shown(name)} could not be written: ${String(error)}`)
      return
    }
    this.file?.close()
    this.file = null
    this.baseOffset = offset + 1
    this.restart()
    this.sweep({ name, endOffset: offset + 1, epoch: controllerEpoch })
  }

  async close(): Promise<void> {
    this.snapshotTimer?.cancel()
    this.snapshotTimer = null
    this.file?.close()
    this.file = null
  }

  /** A snapshot was made, or tried. */
  private restart(): void {
    this.bytesSinceSnapshot = 0
    this.snapshotMs = this.ports.clock.monotonic()
    this.snapshotTimer?.cancel()
    this.snapshotTimer = null
  }

  /** There is something that no snapshot has. When its time is over already, whoever appends sees that it is. */
  private waitForSnapshot(): void {
    const ms = this.untilSnapshotMs
    if (this.snapshotTimer !== null || ms === Number.POSITIVE_INFINITY || ms <= 0) return
    this.snapshotTimer = this.ports.clock.setTimer(ms, () => {
      this.snapshotTimer = null
      this.onWantsSnapshot?.()
    })
  }

  /** The log that takes the next batch, made when it is not there. @throws JournalError */
  private openLog(): DiskFile {
    try {
      this.file ??= this.ports.disk.open(path(logName(this.baseOffset)), { create: true })
      return this.file
    } catch (error) {
      throw this.refusal(error)
    }
  }

  private refusal(error: unknown): JournalError {
    const message = `The cluster's metadata in ${this.options.directory} cannot be written: ${String(error)}`
    return new JournalError(message, false, { cause: error })
  }

  private breaks(error: unknown): JournalError {
    const message = `The cluster's metadata in ${this.options.directory} cannot be made durable: ${String(error)}`
    this.broken = new JournalError(message, true, { cause: error })
    this.ports.onBroken?.(this.broken)
    return this.broken
  }

  private readSnapshot({ name }: SnapshotName): readonly MetadataRecord[] {
    const bytes = this.ports.disk.readFile(path(name)) ?? Buffer.alloc(0)
    const content = this.understand(name, 0, () => readSnapshot(bytes))
    if ('damagedAt' in content) throw this.damage(name, content.damagedAt)
    return content.records
  }

  private async readLog(base: number, isLast: boolean, into: JournalBatch[]): Promise<void> {
    const { disk, logger } = this.ports
    const name = logName(base)
    const bytes = disk.readFile(path(name)) ?? Buffer.alloc(0)
    const scan = scanBatches(bytes)
    let at = 0
    for (const batch of scan.batches) {
      const baseOffset = header.baseOffset(batch)
      const lastOffset = header.lastOffset(batch)
      if (lastOffset >= this.endOffset) {
        if (baseOffset !== this.endOffset) throw this.damage(name, at, `offset ${this.endOffset} is missing`)
        const records = header.isControl(batch) ? null : this.understand(name, at, () => decodeBatch(batch))
        if (records?.length !== lastOffset - baseOffset + 1) throw this.damage(name, at)
        into.push({ records, baseOffset, controllerEpoch: header.leaderEpoch(batch) })
        this.endOffset = lastOffset + 1
        this.bytesSinceSnapshot += batch.length
      }
      at += batch.length
    }
    if (scan.end === bytes.length) return
    if (scan.damaged || !isLast) throw this.damage(name, scan.end)
    logger.warn(
      `${this.shown(name)} ended in ${bytes.length - scan.end} bytes of a change that was never finished: they were cut off.`,
    )
    const file = disk.open(path(name))
    try {
      file.truncate(scan.end)
      await file.sync()
    } finally {
      file.close()
    }
  }

  /** Removes what the snapshot has replaced. What cannot be removed is removed at the next start. */
  private sweep(snapshot: SnapshotName | null): void {
    if (snapshot === null) return
    const { disk, logger } = this.ports
    try {
      const names = disk.list(METADATA_FOLDER)
      const bases = basesOf(names).filter((base) => base < this.baseOffset)
      for (const [index, base] of bases.entries()) {
        const next = bases[index + 1] ?? this.baseOffset
        if (next <= snapshot.endOffset) disk.remove(path(logName(base)))
      }
      for (const name of names) {
        const other = parseSnapshotName(name)
        if (other !== null && other.endOffset < snapshot.endOffset) disk.remove(path(name))
      }
    } catch (error) {
      logger.warn(`What ${this.shown(snapshot.name)} replaces could not be removed: ${String(error)}`)
    }
  }

  private understand<T>(name: string, at: number, read: () => T): T {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      if (error.code !== 'UNSUPPORTED_VERSION') throw this.damage(name, at, error.message)
      throw new JournalError(
        `${this.shown(name)} holds at byte ${at} what this version of Odradek cannot read (${error.message}): a newer version has written it. Start that version.`,
        true,
        { cause: error },
      )
    }
  }

  private damage(name: string, at: number, detail = 'no valid batch of records'): JournalError {
    return new JournalError(
      `${this.shown(name)} is damaged at byte ${at}: ${detail}. The broker does not start, so that nothing gets lost: put back a copy of this file.`,
      true,
    )
  }

  private shown(name: string): string {
    return `${this.options.directory}/${METADATA_FOLDER}/${name}`
  }
}

const path = (name: string): string => `${METADATA_FOLDER}/${name}`

/** The first offsets of the logs among these files, rising. */
const basesOf = (names: readonly string[]): number[] =>
  names.flatMap((name) => (LOG_FILE.test(name) ? [Number.parseInt(name, 10)] : [])).sort((a, b) => a - b)
