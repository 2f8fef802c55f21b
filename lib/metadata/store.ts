import { applyAll, withController } from './apply.js'
import { type Delta, deltaBetween } from './delta.js'
import { emptyImage, type Image } from './image.js'
import type { MetadataRecord } from './records.js'
import { recordsToImage } from './snapshot.js'

export interface MetadataListener {
  /** Called in the turn in which the image changed, in the order of subscription. Must not throw. */
  onImage(image: Image, delta: Delta): void
}

/** Holds the broker's current image and tells the rest of the broker what changed. Everybody reads `store.image`. */
export class MetadataStore {
  private current: Image
  private readonly listeners: MetadataListener[] = []
  private waiters: { offset: number; resolve: () => void }[] = []

  constructor(private readonly options: { brokerId: number; clusterId: string }) {
    this.current = emptyImage(options.clusterId)
  }

  get image(): Image {
    return this.current
  }

  subscribe(listener: MetadataListener): () => void {
    this.listeners.push(listener)
    return () => {
      const at = this.listeners.indexOf(listener)
      if (at >= 0) this.listeners.splice(at, 1)
    }
  }

  /** `subscribe` for somebody who comes late: is told at once of everything there is. */
  follow(listener: MetadataListener): () => void {
    const nothing = emptyImage(this.options.clusterId)
    listener.onImage(this.current, deltaBetween(nothing, this.current, this.options.brokerId))
    return this.subscribe(listener)
  }

  /** Applies the records that follow the current image. */
  advance(records: readonly MetadataRecord[]): void {
    this.publish(applyAll(this.current, records))
  }

  /** Starts over from a snapshot whose last record has the given offset. */
  restore(records: readonly MetadataRecord[], offset: number): void {
    this.publish(withController(recordsToImage(records, offset, this.options.clusterId), this.current.controllerId))
  }

  setController(controllerId: number): void {
    this.publish(withController(this.current, controllerId))
  }

  /** Resolves when the image contains the record with this offset. */
  reached(offset: number): Promise<void> {
    if (this.current.version >= offset) return Promise.resolve()
    return new Promise((resolve) => this.waiters.push({ offset, resolve }))
  }

  private publish(image: Image): void {
    const before = this.current
    if (image === before) return
    this.current = image
    if (this.listeners.length > 0) {
      const delta = deltaBetween(before, image, this.options.brokerId)
      for (const listener of [...this.listeners]) listener.onImage(image, delta)
    }
    if (this.waiters.length > 0) {
      const due = this.waiters.filter(({ offset }) => offset <= image.version)
      this.waiters = this.waiters.filter(({ offset }) => offset > image.version)
      for (const { resolve } of due) resolve()
    }
  }
}
