/**
 * `<offset>.snapshot`: what a partition knew of its producers when the log ended at that offset, in Kafka's format
 * (ProducerStateManager, KIP-98). Of each producer only its last batch is kept; what came before it is looked for in the log
 * (`producer-replay.ts`).
 */
import { decodeVersioned, encodeVersioned } from '../../protocol/codec.js'
import { ProducerSnapshotSchema } from '../../protocol/stored/files.js'
import { crc32c } from '../../protocol/wire/crc32c.js'
import { ProtocolError } from '../../protocol/wire/error.js'
import type { Disk } from '../host/disk.js'
import type { Logger } from '../host/logger.js'
import type { ProducerStates, RestoredProducer } from './producer-state.js'
import { offsetFileName } from './segment.js'
import { syncFile, writePlainly } from './segment-indexes.js'

const VERSION = 1
const CRC_AT = 2
/** The CRC covers everything from here on. */
const ENTRIES_AT = 6
const SNAPSHOT_FILE = /^(\d{20})\.snapshot$/

export function encodeSnapshot(producers: ProducerStates): Buffer {
  const producerEntries = [...producers.entries()].map((entry) => {
    const last = entry.batches.at(-1)
    return {
      producerId: entry.producerId,
      epoch: entry.producerEpoch,
      lastSequence: last?.lastSequence ?? -1,
      lastOffset: last?.lastOffset ?? -1,
      offsetDelta: last === undefined ? 0 : last.lastOffset - last.baseOffset,
      timestamp: entry.lastTimestamp,
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTxnFirstOffset: producers.transactions.firstOffsetOf(entry.producerId),
    }
  })
  const bytes = encodeVersioned(ProducerSnapshotSchema, VERSION, { crc: 0, producerEntries })
  bytes.writeUInt32BE(crc32c(bytes, ENTRIES_AT), CRC_AT)
  return bytes
}

/** @throws ProtocolError when the bytes are no snapshot, or not whole */
export function decodeSnapshot(bytes: Buffer): RestoredProducer[] {
  if (bytes.length < ENTRIES_AT) throw new ProtocolError('CORRUPT_MESSAGE', `it has ${bytes.length} bytes`)
  if (bytes.readInt16BE(0) === VERSION && crc32c(bytes, ENTRIES_AT) !== bytes.readUInt32BE(CRC_AT)) {
    throw new ProtocolError('CORRUPT_MESSAGE', 'its checksum is wrong')
  }
  return decodeVersioned(ProducerSnapshotSchema, bytes).value.producerEntries
}

/** The snapshot files of one folder. */
export class ProducerSnapshots {
  /** The snapshot taken last by this process, so that none is written twice. */
  private latest = -1
  private unsynced: number[] = []
  private readonly damaged = new Set<number>()

  constructor(
    private readonly disk: Disk,
    private readonly folder: string,
    private readonly logger: Logger,
  ) {}

  /** Writes what is known now that the log ends at `offset`. No sync: one that a crash damages is skipped by its CRC. @throws DiskError */
  take(offset: number, producers: ProducerStates): void {
    if (offset === this.latest) return
    // That there are no producers is learnt again as fast.
    this.put(offset, encodeSnapshot(producers), producers.size > 0)
    this.latest = offset
  }

  /** Writes what was known when the log ended at `offset`. @throws DiskError */
  put(offset: number, bytes: Buffer, toSync = true): void {
    writePlainly(this.disk, this.path(offset), bytes)
    if (toSync) this.unsynced.push(offset)
    this.damaged.delete(offset)
  }

  /** Makes the snapshots durable that were taken since the last call. @throws DiskError */
  async sync(): Promise<void> {
    const offsets = this.unsynced
    this.unsynced = []
    for (const offset of offsets) await syncFile(this.disk, this.path(offset))
  }

  /** Fills empty `producers` from the newest good snapshot in [from, to] and returns its offset, -1 when there is none. @throws DiskError */
  restore(from: number, to: number, producers: ProducerStates): number {
    const newest = this.newest(from, to)
    if (newest === null) return -1
    producers.restore(newest.entries)
    this.latest = newest.offset
    return newest.offset
  }

  /** The newest good snapshot in [from, to], null when there is none. @throws DiskError */
  newest(from: number, to: number): { offset: number; entries: RestoredProducer[] } | null {
    for (const offset of this.offsets().reverse()) {
      if (offset < from || offset > to || this.damaged.has(offset)) continue
      try {
        return { offset, entries: decodeSnapshot(this.disk.readFile(this.path(offset))!) }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        this.damaged.add(offset)
        this.logger.warn(`${this.path(offset)} is damaged and not used: ${error.message}.`)
      }
    }
    return null
  }

  /** The log ends at `offset` now: what was known above never was. @throws DiskError */
  removeAbove(offset: number): void {
    if (this.latest > offset) this.latest = -1
    for (const one of this.offsets()) if (one > offset) this.remove(one)
  }

  /** The log begins at `offset` now, with the segment that has this base. @throws DiskError */
  removeBelow(offset: number): void {
    for (const one of this.offsets()) if (one < offset) this.remove(one)
  }

  /** Keeps the good ones that Kafka keeps: of each segment's base, and the newest when it lies above all. @throws DiskError */
  removeStray(bases: ReadonlySet<number>, last: number): void {
    const offsets = this.offsets()
    const newest = offsets.at(-1)
    for (const offset of offsets) {
      const isStray = !bases.has(offset) && (offset !== newest || offset < last)
      if (isStray || this.damaged.has(offset)) this.remove(offset)
    }
  }

  private remove(offset: number): void {
    this.damaged.delete(offset)
    if (offset === this.latest) this.latest = -1
    this.disk.remove(this.path(offset))
  }

  private path(offset: number): string {
    return `${this.folder}/${offsetFileName(offset, '.snapshot')}`
  }

  /** Rising. */
  private offsets(): number[] {
    const offsets: number[] = []
    for (const name of this.disk.list(this.folder)) {
      const match = SNAPSHOT_FILE.exec(name)
      if (match !== null) offsets.push(Number(match[1]))
    }
    return offsets
  }
}
