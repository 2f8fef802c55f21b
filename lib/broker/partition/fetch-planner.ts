/**
 * Shares a fetch's byte limit over its partitions, in the order in which they are asked for (KIP-74): a partition gets at
 * most its own limit and what is left of the request's; the first one that has anything yields at least one whole batch,
 * however small the limits, so that a consumer can always get past a large batch.
 */
export class FetchPlanner {
  #left: number
  #empty = true

  /** `maxBytes`: the request's limit, already capped by the broker's `fetch.max.bytes`. */
  constructor(maxBytes: number) {
    this.#left = Math.max(maxBytes, 0)
  }

  /** True until a partition has yielded something: its first batch is then returned whole. */
  get minOneMessage(): boolean {
    return this.#empty
  }

  /** Bytes that a partition with this limit of its own may yield now. */
  share(partitionMaxBytes: number): number {
    return Math.max(Math.min(partitionMaxBytes, this.#left), 0)
  }

  /** False: nothing but the positions of the remaining partitions is of interest. */
  get open(): boolean {
    return this.#empty || this.#left > 0
  }

  /** Books what a partition has yielded. */
  took(sizeInBytes: number): void {
    if (sizeInBytes <= 0) return
    this.#empty = false
    this.#left = Math.max(this.#left - sizeInBytes, 0)
  }
}
