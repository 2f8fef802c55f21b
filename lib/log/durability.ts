/**
 * What of one log would survive a loss of power: the recovery point, the syncs that move it, and acknowledgements that wait for one.
 *
 * One sync at a time: what is written meanwhile is the next one's, so a burst of producers shares an fdatasync. Segments are synced in
 * order, because recovery cuts the log at the first byte that was lost.
 */
import type { Clock, Timer } from '../host/clock.js'
import type { LogConfig } from './config.js'
import type { Segment } from './segment.js'
import type { Segments } from './segments.js'

export interface DurabilityPorts {
  clock: Clock
  segments: Segments
  config(): LogConfig
  /** Everything below may be acknowledged: it is written, and synced where the config asks for it. */
  onReleased(offset: number): void
  onSyncFailed(error: unknown): void
  /** The recovery point has moved beyond sealed segments. */
  onSealedSynced(): void
  /** Makes durable what describes the log below the new recovery point, before that moves. */
  syncFacts(): Promise<void>
  /** The recovery point or the log start has gone back. Resolves when no higher one is noted anywhere. */
  onLowered(): void | Promise<void>
}

/** Above every delay that a timer could be set to: `flush.ms` says never. */
const NEVER_MS = 2 ** 53

export class Durability {
  /** Everything below is synced. */
  recoveryPoint = 0
  /** At most this has been noted as the recovery point. */
  private highest = 0
  /** Everything below is in the operating system's hands. */
  private written = 0
  /** When the log is written up to here it is time to sync. */
  private syncAt = Number.POSITIVE_INFINITY
  /** Sealed segments end here: they are synced as soon as they are written. */
  private sealedTo = 0
  /** Sealed since the last sync: their index files are new, even where all of the log was synced before. */
  private sealed: Segment[] = []
  private running: Promise<void> | null = null
  private timer: Timer | null = null
  private failed: { error: unknown } | null = null
  private stopped = false
  /** The log was cut while a sync was under way: it has proved nothing above this. */
  private cutTo = Number.POSITIVE_INFINITY

  constructor(private readonly ports: DurabilityPorts) {
    this.plan()
  }

  /** The log has these offsets now: opened, cut or begun anew. */
  reset(recoveryPoint: number, written: number): void {
    this.cutTo = Math.min(this.cutTo, written)
    this.recoveryPoint = recoveryPoint
    this.highest = Math.max(this.highest, recoveryPoint)
    this.written = written
    this.sealedTo = Math.min(this.sealedTo, recoveryPoint)
    this.plan()
  }

  /** The tail has written everything below `offset`. Once per write, not per batch. */
  onWritten(offset: number): void {
    this.written = offset
    if (offset >= this.syncAt) this.start()
    else if (this.timer === null) this.armTimer()
    if (offset - this.recoveryPoint < this.ports.config().flushMessages) this.ports.onReleased(offset)
  }

  /** `segment` is sealed, and the next one begins at `offset`. */
  onSealed(segment: Segment, offset: number): void {
    this.sealed.push(segment)
    this.sealedTo = offset
    this.plan()
    if (this.written >= offset) this.start()
  }

  /** An earlier process had sealed what lies below `offset`. */
  onFound(offset: number): void {
    this.sealedTo = offset
    this.plan()
    if (this.recoveryPoint < offset && this.written >= offset) this.start()
  }

  /**
   * The log was cut: what its files say of it has to follow. With the recovery point that was noted before, who looks after a loss of power would
   * trust what comes now. `isStartLower`: with the log start that was noted, he would drop it.
   */
  onCut(isStartLower = false): void | Promise<void> {
    this.start()
    if (this.recoveryPoint >= this.highest && !isStartLower) return
    this.highest = this.recoveryPoint
    return this.ports.onLowered()
  }

  /** `flush.messages` or `flush.ms` may have changed. */
  onConfig(): void {
    this.timer?.cancel()
    this.timer = null
    this.plan()
    if (this.written > this.recoveryPoint) this.onWritten(this.written)
  }

  /** The sync that is under way. Resolves when it is through, well or not. */
  get syncing(): Promise<void> | null {
    return this.running
  }

  /** Everything written so far is durable when it resolves. Rejects with the DiskError of the sync that failed. */
  async sync(): Promise<void> {
    const target = this.written
    while (this.recoveryPoint < Math.min(target, this.written) && !this.stopped) {
      this.start()
      await this.running
      // A failed sync is never tried again: the kernel forgets what it could not write after saying so once.
      if (this.failed !== null) throw this.failed.error
    }
  }

  /** No more syncs by themselves; resolves when none is under way. */
  async stop(): Promise<void> {
    this.stopped = true
    this.timer?.cancel()
    this.timer = null
    await this.running
  }

  private plan(): void {
    const { flushMessages } = this.ports.config()
    this.syncAt = this.recoveryPoint + flushMessages
    if (this.sealedTo > this.recoveryPoint) this.syncAt = Math.min(this.syncAt, this.sealedTo)
  }

  private armTimer(): void {
    const { flushMs } = this.ports.config()
    if (flushMs >= NEVER_MS || this.stopped) return
    this.timer = this.ports.clock.setTimer(flushMs, () => {
      this.timer = null
      if (this.written > this.recoveryPoint) this.start()
    })
  }

  private start(): void {
    if (this.running !== null || this.failed !== null || this.stopped) return
    this.running = this.run()
  }

  /** Syncs until nothing asks for it any more. Re-checks after every await. */
  private async run(): Promise<void> {
    // Nothing below may run before `running` is set; and what else this turn writes shares the sync.
    await null
    try {
      do {
        const target = this.written
        this.cutTo = Number.POSITIVE_INFINITY
        if (!this.stopped) await this.ports.syncFacts()
        const sealed = this.sealed.length > 0
        for (const segment of this.toSync(target)) {
          if (this.stopped) return
          await segment.sync()
        }
        this.synced(Math.min(target, this.cutTo))
        if (sealed) this.ports.onSealedSynced()
      } while (this.written >= this.syncAt && !this.stopped)
    } catch (error) {
      this.failed = { error }
      this.ports.onSyncFailed(error)
    } finally {
      this.running = null
    }
  }

  /** In their order. Chosen by where they begin: while the log is cut, where they end is not known. */
  private toSync(target: number): Segment[] {
    const { sealed } = this
    this.sealed = []
    const { segments } = this.ports
    const from = Math.max(0, segments.floorIndex(this.recoveryPoint))
    const young = segments.all.slice(from).filter(({ baseOffset }) => baseOffset < target)
    return [...sealed.filter((segment) => !young.includes(segment)), ...young]
  }

  private synced(offset: number): void {
    if (offset <= this.recoveryPoint) return
    this.recoveryPoint = offset
    this.highest = Math.max(this.highest, offset)
    this.timer?.cancel()
    this.timer = null
    this.plan()
    const { written } = this
    if (written > offset) this.armTimer()
    // What is written above the sync may be released with it as far as `flush.messages` lets it.
    this.ports.onReleased(written - offset < this.ports.config().flushMessages ? written : offset)
  }
}
