import { Buffer } from 'node:buffer'
import type { Duplex } from 'node:stream'
import type { Stream, StreamHandlers } from './network.js'
import { networkError } from './network-error.js'
import { enqueue } from './real-time.js'

/**
 * Unsent bytes at which `write` asks the caller to wait. Node's 16 KB would call every answer to a fetch too much; with
 * 1 MB a slow reader can hold one full answer and not many.
 */
export const WRITE_BUFFER_BYTES = 1024 * 1024

export interface StreamAddresses {
  remoteAddress?: string
  remotePort?: number
  localAddress?: string
  localPort?: number
}

/**
 * A `Stream` over any Node duplex: one end of a pipe, a TLS socket, a socket of a runtime without `onread`.
 * The caller's duplex needs `allowHalfOpen` (the default) for answers to requests that were followed by an end.
 */
export function fromDuplex(duplex: Duplex, addresses: StreamAddresses = {}): Stream {
  const stream = new DuplexStream(duplex, addresses)
  stream.readByEvents()
  return stream
}

/** `Stream` over a duplex; where the bytes come from is said by the factory (events, or a callback into a shared buffer). */
export class DuplexStream implements Stream {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly #duplex: Duplex
  readonly #addresses: StreamAddresses
  #handlers: StreamHandlers | null = null
  #byEvents = false
  #paused = false
  #wantsDrain = false
  #ended = false
  #closed = false
  #error: Error | null = null

  constructor(duplex: Duplex, addresses: StreamAddresses) {
    this.#duplex = duplex
    this.#addresses = addresses
    this.remoteAddress = plainAddress(addresses.remoteAddress ?? '')
    this.remotePort = addresses.remotePort ?? 0
    // An error after the close (a reset that crosses our destroy) must find a listener, or it ends the process.
    duplex.on('error', (error) => {
      this.#error ??= error
    })
    duplex.on('end', () => this.#handlers?.onEnd())
    duplex.on('drain', () => this.#drained())
    duplex.on('close', () => this.#close())
  }

  get localAddress(): string {
    return plainAddress(this.#addresses.localAddress ?? '')
  }

  get localPort(): number {
    return this.#addresses.localPort ?? 0
  }

  get bufferedBytes(): number {
    return this.#duplex.writableLength
  }

  /**
   * Reads when the duplex says that there is something, which it does in a turn of its own. A 'data' event may come out of the peer's own
   * `write` (both ends of a pair in one process), and an answer from in there finds a client that does not wait for it yet.
   */
  readByEvents(): void {
    this.#byEvents = true
    this.#duplex.on('readable', () => this.#read())
  }

  #read(): void {
    while (!this.#paused && this.#handlers !== null && !this.#closed) {
      const chunk = this.#duplex.read() as Buffer | string | null
      if (chunk === null) return
      this.receive(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    }
  }

  #readOn(): void {
    if (this.#byEvents) enqueue(() => this.#read())
    else this.#duplex.resume()
  }

  attach(handlers: StreamHandlers): void {
    if (this.#handlers !== null) throw new Error('the handlers of a stream are set once')
    this.#handlers = handlers
    if (this.#closed) handlers.onClose(this.#cause())
    else if (!this.#paused) this.#readOn()
  }

  /** Bytes have come. False: paused, do not bring more. */
  receive(view: Buffer): boolean {
    if (this.#handlers === null || this.#closed) return false
    this.#handlers.onData(view)
    return !this.#paused
  }

  /**
   * Whether bytes have left this process's memory when the duplex says that they are written. Not for a duplex of the caller's: its other
   * end may be in this process, and keep the very same buffers.
   */
  protected get copiesOut(): boolean {
    return false
  }

  write(pieces: readonly Buffer[], onSent?: () => void): boolean {
    const duplex = this.#duplex
    // Nobody is there to read it any more; the owner hears of it by onClose.
    if (this.#ended || this.#closed || duplex.destroyed || !duplex.writable) return false
    if (pieces.length === 0) return duplex.writableLength < WRITE_BUFFER_BYTES
    const last = pieces.length - 1
    // One system call for header and body: two of them cost half the rate, and 40 ms each with a delayed ack.
    if (last > 0) duplex.cork()
    for (let i = 0; i < last; i++) duplex.write(pieces[i])
    if (onSent !== undefined && this.copiesOut) duplex.write(pieces[last], (error) => error ?? onSent())
    else duplex.write(pieces[last])
    if (last > 0) duplex.uncork()
    const roomy = duplex.writableLength < WRITE_BUFFER_BYTES
    if (!roomy) this.#wantsDrain = true
    return roomy
  }

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    if (!this.#byEvents) this.#duplex.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#handlers !== null && !this.#closed) this.#readOn()
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#duplex.end()
  }

  destroy(): void {
    this.#ended = true
    this.#duplex.destroy()
  }

  #drained(): void {
    if (!this.#wantsDrain || this.#closed) return
    this.#wantsDrain = false
    this.#handlers?.onDrain()
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#handlers?.onClose(this.#cause())
  }

  #cause(): Error | null {
    return this.#error === null ? null : networkError(this.#error, `The connection to ${this.#peer()} broke`)
  }

  #peer(): string {
    return this.remoteAddress === '' ? 'the peer' : `${this.remoteAddress}:${this.remotePort}`
  }
}

/** IPv4 addresses that arrive at a dual-stack socket, written the usual way. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
