/**
 * Transactions of one partition: the open ones, and those that ended above the high watermark, whose marker may still be lost.
 * Together they give the first unstable offset, below which read_committed may read (KIP-98).
 */
export interface EndedTransaction {
  producerId: number
  firstOffset: number
  /** The marker's offset. */
  lastOffset: number
  /** First offset of the oldest transaction that is still open, or the offset behind the marker: the aborted entry's last field. */
  lastStableOffset: number
}

export class OpenTransactions {
  /** producer id -> first offset. Offsets only rise, so the oldest transaction is the first key. */
  private readonly ongoing = new Map<number, number>()
  private readonly unreplicated: { firstOffset: number; lastOffset: number }[] = []
  /** Null when everything is stable. */
  firstUnstableOffset: number | null = null
  /** The last one heard of. It stays when a log that was cut is learnt again: nothing will tell it again before the log grows. */
  private highWatermark = 0

  isOpen(producerId: number): boolean {
    return this.ongoing.has(producerId)
  }

  /** First offset of the producer's open transaction, -1 when none is open. */
  firstOffsetOf(producerId: number): number {
    return this.ongoing.get(producerId) ?? -1
  }

  /** Does nothing when the producer's transaction is open already. */
  open(producerId: number, firstOffset: number): void {
    if (this.ongoing.has(producerId)) return
    this.ongoing.set(producerId, firstOffset)
    this.firstUnstableOffset ??= firstOffset
  }

  end(producerId: number, markerOffset: number): EndedTransaction | null {
    const firstOffset = this.ongoing.get(producerId)
    if (firstOffset === undefined) return null
    this.ongoing.delete(producerId)
    if (markerOffset >= this.highWatermark) this.unreplicated.push({ firstOffset, lastOffset: markerOffset })
    this.refresh()
    return { producerId, firstOffset, lastOffset: markerOffset, lastStableOffset: this.oldest() ?? markerOffset + 1 }
  }

  /** Markers below the high watermark are safe: their transactions become stable. */
  onHighWatermark(highWatermark: number): void {
    this.highWatermark = highWatermark
    if (this.unreplicated.length === 0) return
    let kept = 0
    for (const ended of this.unreplicated) {
      if (ended.lastOffset >= highWatermark) this.unreplicated[kept++] = ended
    }
    this.unreplicated.length = kept
    this.refresh()
  }

  clear(): void {
    this.ongoing.clear()
    this.unreplicated.length = 0
    this.firstUnstableOffset = null
  }

  private oldest(): number | null {
    for (const firstOffset of this.ongoing.values()) return firstOffset
    return null
  }

  private refresh(): void {
    let first = this.oldest()
    for (const { firstOffset } of this.unreplicated) {
      if (first === null || firstOffset < first) first = firstOffset
    }
    this.firstUnstableOffset = first
  }
}
