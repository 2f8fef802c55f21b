/** Where consumed records go: counts them, prints them, and says when it is enough. */
import type { OutputHost } from './output.js'
import type { ConsumedRecord, RecordFormatter } from './record-format.js'

export interface SinkOptions {
  readonly format: RecordFormatter
  /** Enough after so many. */
  readonly max: number | null
  /** Enough when nothing has come for so long. */
  readonly timeoutMs: number | null
}

export interface SinkPorts {
  readonly host: OutputHost
  setTimer(delayMs: number, fire: () => void): { cancel(): void }
}

const LINE_END = Buffer.from('\n')

export class RecordSink {
  printed = 0
  /** No further record is wanted. */
  over = false
  /** Settles when `over` becomes true. */
  readonly ended: Promise<void>
  readonly #options: SinkOptions
  readonly #ports: SinkPorts
  #timer: { cancel(): void } | null = null
  #resolve!: () => void

  constructor(options: SinkOptions, ports: SinkPorts) {
    this.#options = options
    this.#ports = ports
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** Starts the clock of silence anew; it takes `leastMs` at least. */
  start(leastMs = 0): void {
    this.#timer?.cancel()
    const { timeoutMs } = this.#options
    if (timeoutMs !== null && !this.over)
      this.#timer = this.#ports.setTimer(Math.max(timeoutMs, leastMs), () => this.stop())
  }

  /** Prints a record; false when it was not wanted any more. */
  take(record: ConsumedRecord): boolean {
    if (this.over) return false
    this.#ports.host.out(Buffer.concat([this.#options.format(record), LINE_END]))
    this.printed++
    if (this.printed === this.#options.max) this.stop()
    else this.start()
    return true
  }

  stop(): void {
    this.over = true
    this.#timer?.cancel()
    this.#resolve()
  }
}
