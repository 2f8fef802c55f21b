/** What could not be read is read again: soon when only the connection failed, then more and more seldom, and said once. */
import type { Clock, Timer } from '../../../host/clock.js'
import type { Logger } from '../../../host/logger.js'
import { ZooKeeperError } from './operations.js'

const FIRST_MS = 100
const LAST_MS = 5000

export class Again {
  readonly #ports: { readonly clock: Clock; readonly logger: Logger }
  #timer: Timer | null = null
  #delayMs = FIRST_MS
  #said = ''

  constructor(ports: { readonly clock: Clock; readonly logger: Logger }) {
    this.#ports = ports
  }

  /** It failed: `work` is called later. */
  later(error: unknown, work: () => void): void {
    const code = error instanceof ZooKeeperError ? error.code : null
    const isConnection = code === 'CONNECTION_LOSS' || code === 'SESSION_EXPIRED' || code === 'AUTH_FAILED'
    const text = `The cluster's state cannot be read from ZooKeeper: ${String(error)}`
    if (!isConnection && text !== this.#said) {
      this.#said = text
      this.#ports.logger.error(text)
    }
    this.#timer?.cancel()
    this.#timer = this.#ports.clock.setTimer(isConnection ? FIRST_MS : this.#delayMs, work)
    if (!isConnection) this.#delayMs = Math.min(2 * this.#delayMs, LAST_MS)
  }

  /** It worked. */
  over(): void {
    this.#delayMs = FIRST_MS
    this.#said = ''
  }

  cancel(): void {
    this.#timer?.cancel()
  }
}
