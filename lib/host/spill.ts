/**
 * Moves the oldest bytes of one memory disk to files when its memory budget is used up. Each memory file gets one file in the target,
 * with the same positions, made when its first bytes move and removed with it.
 */
import type { Clock, Timer } from './clock.js'
import type { Disk, DiskFile } from './disk.js'
import type { Logger } from './logger.js'
import type { MemoryBudget, MemoryUser } from './memory-budget.js'
import type { MemoryContent, Piece, PieceKeeper, SpillFile } from './memory-file.js'

/** A place for spilled bytes, gone with the process. */
export interface SpillTarget {
  readonly disk: Disk
  /** What a person calls it. */
  readonly name: string
  /** Removes it with everything in it. */
  close(): Promise<void>
}

export interface SpillPorts {
  readonly budget: MemoryBudget
  readonly clock: Clock
  readonly logger: Logger
  /** Called when the first bytes have to move, and again after it has failed. @throws DiskError */
  readonly openTarget: () => SpillTarget
}

/** Bytes per write: large enough for the disk, small enough that what is freed comes soon. */
const RUN_BYTES = 4 * 1024 * 1024
/** Smaller pieces move only when no larger ones are left: a thousand idle partitions are a thousand files and free nothing. */
const SMALL_BYTES = 64 * 1024
/** After a failure. */
const RETRY_MS = 1000

export class Spill implements PieceKeeper, MemoryUser {
  readonly #ports: SpillPorts
  /** Pieces in memory, the oldest first. */
  readonly #large = new Set<Piece>()
  readonly #small = new Set<Piece>()
  #heldBytes = 0
  #target: SpillTarget | null = null
  readonly #files = new Set<DiskFile>()
  #filesMade = 0
  #retry: Timer | null = null
  #failing = false
  #running: Promise<void> | null = null
  #closed = false

  constructor(ports: SpillPorts) {
    this.#ports = ports
    ports.budget.join(this)
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  get canSpill(): boolean {
    return this.#retry === null && !this.#closed && this.#large.size + this.#small.size > 0
  }

  added(piece: Piece): void {
    if (this.#closed) return
    const pieces = piece.heldBytes >= SMALL_BYTES ? this.#large : this.#small
    pieces.add(piece)
    this.#heldBytes += piece.heldBytes
    this.#ports.budget.change(piece.heldBytes)
  }

  dropped(piece: Piece): void {
    if (this.#closed || (!this.#large.delete(piece) && !this.#small.delete(piece))) return
    this.#heldBytes -= piece.heldBytes
    this.#ports.budget.change(-piece.heldBytes)
  }

  spillSome(): Promise<void> {
    this.#running = this.#run().finally(() => {
      this.#running = null
    })
    return this.#running
  }

  async #run(): Promise<void> {
    const [oldest] = this.#large.size > 0 ? this.#large : this.#small
    if (oldest === undefined) return
    const { logger } = this.#ports
    try {
      await oldest.content.spill(RUN_BYTES, () => this.#newFile())
      if (this.#failing) logger.info(`Records are moved to ${this.#target?.name} again.`)
      this.#failing = false
    } catch (error) {
      if (this.#closed) return
      this.#putLast(oldest.content)
      if (!this.#failing) {
        logger.error(
          `Memory for records is used up and they cannot be moved to disk; trying again every second, until then they stay in memory: ${String(error)}`,
        )
      }
      this.#failing = true
      this.#retry = this.#ports.clock.setTimer(RETRY_MS, () => {
        this.#retry = null
        this.#ports.budget.balance()
      })
    }
  }

  /** One file that fails, as one that somebody removed, must not keep the others in memory. */
  #putLast(content: MemoryContent): void {
    for (const pieces of [this.#large, this.#small]) {
      for (const piece of [...pieces]) {
        if (piece.content === content && pieces.delete(piece)) pieces.add(piece)
      }
    }
  }

  #newFile(): SpillFile {
    const { logger, openTarget, budget } = this.#ports
    if (this.#target === null) {
      this.#target = openTarget()
      const limit = Math.round(budget.limitBytes / 1024 / 1024)
      logger.info(`Records hold more than ${limit} MB: the oldest move to ${this.#target.name} until the broker stops.`)
    }
    const { disk } = this.#target
    const path = String(this.#filesMade++)
    const file = disk.open(path, { create: true })
    this.#files.add(file)
    return {
      file,
      drop: () => {
        this.#files.delete(file)
        file.close()
        try {
          disk.remove(path)
        } catch (error) {
          logger.warn(`A file of moved records is left until the broker stops: ${String(error)}`)
        }
      },
    }
  }

  /** The disk is not used any more: its bytes go, in memory and on disk. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#retry?.cancel()
    this.#ports.budget.leave(this)
    await this.#running
    this.#large.clear()
    this.#small.clear()
    for (const file of this.#files) file.close()
    await this.#target?.close()
  }
}
