import { Buffer } from 'node:buffer'
import type { Clock, Timer } from './clock.js'
import { WRITE_BUFFER_BYTES } from './duplex-stream.js'
import type { Stream, StreamHandlers } from './network.js'
import { endpoint, networkFault } from './network-error.js'

/** What a connection needs of its network. */
export interface Wire {
  readonly clock: Clock
  reaches(from: string, to: string): boolean
  latencyMs(from: string, to: string): number
  forget(connection: MemoryConnection): void
}

export interface MemoryEnd {
  host: string
  port: number
}

/** Bytes handed over at a time: what a socket read brings at most. */
const READ_BYTES = 64 * 1024
/** What a reader that keeps a view past its callback will find in it. */
const POISON = 0xdb
const NOTHING = Buffer.alloc(0)

/** Two streams joined back to back. */
export class MemoryConnection {
  readonly client: MemoryStream
  readonly server: MemoryStream
  readonly #wire: Wire

  constructor(wire: Wire, client: MemoryEnd, server: MemoryEnd) {
    this.#wire = wire
    this.client = new MemoryStream(wire, client, server, () => this.#endClosed())
    this.server = new MemoryStream(wire, server, client, () => this.#endClosed())
    this.client.join(this.server)
    this.server.join(this.client)
  }

  /** A way may be open again. */
  kick(): void {
    this.client.wake()
    this.server.wake()
  }

  crash(host: string): void {
    for (const stream of [this.client, this.server]) if (stream.localAddress === host) stream.crash()
  }

  #endClosed(): void {
    if (this.client.closed && this.server.closed) this.#wire.forget(this)
  }
}

/** An end of a memory connection. Holds what it has sent and the other end has not taken yet. */
export class MemoryStream implements Stream {
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  closed = false
  readonly #wire: Wire
  readonly #onClosed: () => void
  #peer!: MemoryStream
  #handlers: StreamHandlers | null = null
  #paused = false
  /** On the way to the peer, with the time of arrival. */
  readonly #way: { bytes: Buffer; atMs: number; onSent?: () => void }[] = []
  #wayBytes = 0
  /** When our last byte arrives; null while we may still write. */
  #endAtMs: number | null = null
  #endDelivered = false
  #wantsDrain = false
  /** We have said that nobody reads here any more. */
  #destroyed = false
  /** The host of this end is gone: it neither sends nor answers. */
  #crashed = false
  #timer: Timer | null = null
  #lastArrivalMs = 0

  constructor(wire: Wire, local: MemoryEnd, remote: MemoryEnd, onClosed: () => void) {
    this.#wire = wire
    this.#onClosed = onClosed
    this.localAddress = local.host
    this.localPort = local.port
    this.remoteAddress = remote.host
    this.remotePort = remote.port
  }

  join(peer: MemoryStream): void {
    this.#peer = peer
  }

  get bufferedBytes(): number {
    return this.#wayBytes
  }

  attach(handlers: StreamHandlers): void {
    if (this.#handlers !== null) throw new Error('the handlers of a stream are set once')
    this.#handlers = handlers
    this.#peer.wake()
  }

  write(pieces: readonly Buffer[], onSent?: () => void): boolean {
    if (this.#endAtMs !== null || this.closed || this.#destroyed) return false
    const atMs = this.#arrivalMs()
    for (const bytes of pieces) {
      if (bytes.length === 0) continue
      this.#way.push({ bytes, atMs })
      this.#wayBytes += bytes.length
    }
    if (onSent !== undefined) this.#way.push({ bytes: NOTHING, atMs, onSent })
    this.#schedule()
    const roomy = this.#wayBytes < WRITE_BUFFER_BYTES
    if (!roomy) this.#wantsDrain = true
    return roomy
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#peer.wake()
  }

  end(): void {
    if (this.#endAtMs !== null || this.closed) return
    this.#endAtMs = this.#arrivalMs()
    this.#schedule()
  }

  destroy(): void {
    if (this.#destroyed || this.closed) return
    this.#destroyed = true
    this.end()
    // Bytes that nobody here will take any more: the system answers them with a reset.
    if (this.#peer.#wayBytes > 0) this.#peer.wake()
    this.#wire.clock.setTimer(0, () => this.#close(null))
  }

  /** The host of this end has died. */
  crash(): void {
    this.#crashed = true
    this.#way.length = 0
    this.#wayBytes = 0
    this.#handlers = null
    this.#timer?.cancel()
    this.closed = true
    this.#onClosed()
  }

  /** Something that bytes have waited for may have come: a reader, a mended way. */
  wake(): void {
    this.#schedule()
  }

  /** Hands the peer what has arrived. */
  #deliver(): void {
    this.#timer = null
    if (this.#crashed || this.#peer.#crashed) return
    const nowMs = this.#wire.clock.monotonic()
    while (this.#way.length > 0 && this.#way[0]!.atMs <= nowMs) {
      if (!this.#wire.reaches(this.localAddress, this.remoteAddress)) return
      if (this.#peer.#destroyed || this.#peer.closed) {
        this.#reset()
        return
      }
      if (this.#peer.#paused || this.#peer.#handlers === null) return
      this.#handOver()
    }
    if (this.#way.length === 0) this.#deliverEnd(nowMs)
    if (this.#wantsDrain && this.#wayBytes === 0 && !this.closed) {
      this.#wantsDrain = false
      this.#handlers?.onDrain()
    }
    this.#schedule()
  }

  #handOver(): void {
    const first = this.#way[0]!
    const count = Math.min(first.bytes.length, READ_BYTES)
    // A copy that is spoilt afterwards: who breaks the ownership rule of the port breaks here, not in production.
    const view = Buffer.from(first.bytes.subarray(0, count))
    if (count === first.bytes.length) this.#way.shift()
    else first.bytes = first.bytes.subarray(count)
    this.#wayBytes -= count
    first.onSent?.()
    if (count === 0) return
    this.#peer.#handlers!.onData(view)
    view.fill(POISON)
  }

  #deliverEnd(nowMs: number): void {
    if (this.#endAtMs === null || this.#endDelivered || this.#endAtMs > nowMs) return
    if (!this.#wire.reaches(this.localAddress, this.remoteAddress)) return
    if (this.#peer.#handlers === null && !this.#peer.closed) return
    if (this.#peer.#paused && !this.#peer.#destroyed) return
    this.#endDelivered = true
    if (!this.#peer.closed && !this.#peer.#destroyed) this.#peer.#handlers?.onEnd()
    this.#closeWhenBothEnded()
    this.#peer.#closeWhenBothEnded()
  }

  #closeWhenBothEnded(): void {
    if (this.#endDelivered && this.#peer.#endDelivered) this.#close(null)
  }

  #reset(): void {
    this.#way.length = 0
    this.#wayBytes = 0
    this.#close(networkFault('ECONNRESET', `The connection to ${endpoint(this.remoteAddress, this.remotePort)} broke`))
  }

  #close(error: Error | null): void {
    if (this.closed) return
    this.closed = true
    this.#onClosed()
    this.#handlers?.onClose(error)
  }

  #arrivalMs(): number {
    const atMs = this.#wire.clock.monotonic() + this.#wire.latencyMs(this.localAddress, this.remoteAddress)
    // Latency may vary; order does not.
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, atMs)
    return this.#lastArrivalMs
  }

  #schedule(): void {
    if (this.#timer !== null || this.#crashed) return
    const nextMs = this.#way[0]?.atMs ?? (this.#endDelivered ? null : this.#endAtMs)
    if (nextMs === null) return
    const nowMs = this.#wire.clock.monotonic()
    // Something that has arrived and still lies here waits for `resume`, `attach` or `heal`, which call us.
    if (nextMs <= nowMs && !this.#deliverable()) return
    this.#timer = this.#wire.clock.setTimer(Math.max(0, nextMs - nowMs), () => this.#deliver())
  }

  #deliverable(): boolean {
    if (!this.#wire.reaches(this.localAddress, this.remoteAddress)) return false
    return this.#peer.closed || this.#peer.#destroyed || (!this.#peer.#paused && this.#peer.#handlers !== null)
  }
}
