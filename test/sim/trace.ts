/** What has happened in a run, as lines: a hash of all, the last ones in memory, all of them only for who wants to read along. */

const KEPT = 60

export class Trace {
  /** FNV-1a over every line: two runs of one seed must agree. */
  #hash = 0x811c9dc5
  #count = 0
  readonly #last: string[] = []
  readonly #sink: ((line: string) => void) | null

  constructor(sink: ((line: string) => void) | null) {
    this.#sink = sink
  }

  add(atMs: number, who: string, what: string): void {
    const line = `${atMs.toFixed(1).padStart(9)} ${who}: ${what}`
    let hash = this.#hash
    for (let i = 0; i < line.length; i++) hash = Math.imul(hash ^ line.charCodeAt(i), 0x01000193)
    this.#hash = hash
    this.#count++
    this.#last.push(line)
    if (this.#last.length > 2 * KEPT) this.#last.splice(0, KEPT)
    this.#sink?.(line)
  }

  get count(): number {
    return this.#count
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0')
  }

  get last(): readonly string[] {
    return this.#last.slice(-KEPT)
  }
}
