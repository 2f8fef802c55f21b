import type { Stream, StreamHandlers } from '../../lib/host/network.js'

/** A stream whose both ends the test holds: `arrive` is what the peer sent, `sent` what the broker wrote. */
export class FakeStream implements Stream {
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 50000
  readonly localAddress = '127.0.0.1'
  readonly localPort = 9092
  bufferedBytes = 0
  readonly writes: Buffer[] = []
  paused = false
  ended = false
  destroyed = false
  /** False makes `write` report a full buffer. */
  writable = true
  #handlers: StreamHandlers | null = null

  attach(handlers: StreamHandlers): void {
    this.#handlers = handlers
  }

  /** What the pieces' lenders wait for. */
  readonly onSent: (() => void)[] = []

  write(pieces: readonly Buffer[], onSent?: () => void): boolean {
    this.writes.push(Buffer.concat(pieces))
    if (onSent !== undefined) this.onSent.push(onSent)
    return this.writable
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  end(): void {
    this.ended = true
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.#handlers?.onClose(null)
  }

  arrive(...chunks: Buffer[]): void {
    for (const chunk of chunks) this.#handlers?.onData(chunk)
  }

  peerEnds(): void {
    this.#handlers?.onEnd()
  }

  drain(): void {
    this.writable = true
    this.#handlers?.onDrain()
  }

  get sent(): string {
    return Buffer.concat(this.writes).toString('latin1')
  }
}
