/**
 * Which leader epoch began at which offset (KIP-101; Kafka's LeaderEpochFileCache). Both columns rise strictly.
 */
import type { EpochEndOffset } from './contract.js'

export interface EpochEntry {
  epoch: number
  startOffset: number
}

export class LeaderEpochs {
  private readonly list: EpochEntry[] = []
  /** Counts every change, so that a file knows whether it still says the same. */
  changes = 0

  get entries(): readonly EpochEntry[] {
    return this.list
  }

  /** -1 when there is none. */
  get latestEpoch(): number {
    return this.list.length === 0 ? -1 : this.list[this.list.length - 1]!.epoch
  }

  /** Notes that batches of `epoch` begin at `startOffset`; does nothing when that epoch has begun already. */
  assign(epoch: number, startOffset: number): void {
    if (epoch < 0 || epoch === this.latestEpoch) return
    // An entry that a new one contradicts (a later or equal epoch, or the same start) described batches that are gone.
    while (this.list.length > 0) {
      const last = this.list[this.list.length - 1]!
      if (last.epoch < epoch && last.startOffset < startOffset) break
      this.list.pop()
    }
    this.list.push({ epoch, startOffset })
    this.changes++
  }

  /**
   * Where the batches of `epoch` (or, when it wrote none here, of the largest epoch below it) end. Cases:
   * A the latest epoch: it ends at the log's end. B newer than every epoch here: unknown, -1/-1. C older than every epoch here:
   * the asked epoch with the first start. D else: the floor epoch with the start of the next one.
   */
  endOffsetFor(epoch: number, logEndOffset: number): EpochEndOffset {
    if (epoch === -1 || this.list.length === 0) return { leaderEpoch: -1, endOffset: -1 }
    if (epoch === this.latestEpoch) return { leaderEpoch: epoch, endOffset: logEndOffset } // A
    const higher = this.list.findIndex((entry) => entry.epoch > epoch)
    if (higher < 0) return { leaderEpoch: -1, endOffset: -1 } // B
    const endOffset = this.list[higher]!.startOffset
    if (higher === 0) return { leaderEpoch: epoch, endOffset } // C
    return { leaderEpoch: this.list[higher - 1]!.epoch, endOffset } // D
  }

  /** The epoch that wrote `offset`, -1 when unknown. */
  epochFor(offset: number): number {
    for (let i = this.list.length - 1; i >= 0; i--) {
      if (this.list[i]!.startOffset <= offset) return this.list[i]!.epoch
    }
    return -1
  }

  /** After the log was cut at `endOffset`: epochs that began there or later never happened. */
  truncateFromEnd(endOffset: number): void {
    while (this.list.length > 0 && this.list[this.list.length - 1]!.startOffset >= endOffset) {
      this.list.pop()
      this.changes++
    }
  }

  /** After the log start moved up: the epoch that holds the start begins there. */
  truncateFromStart(startOffset: number): void {
    let floor = -1
    while (floor + 1 < this.list.length && this.list[floor + 1]!.startOffset <= startOffset) floor++
    if (floor < 0 || (floor === 0 && this.list[0]!.startOffset === startOffset)) return
    this.changes++
    this.list.splice(0, floor + 1, { epoch: this.list[floor]!.epoch, startOffset })
  }

  clear(): void {
    this.changes++
    this.list.length = 0
  }
}
