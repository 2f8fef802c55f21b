/** One broker's connection to another: our own requests, pipelined, answers in order. Opened when needed, and again after a loss. */
import {
  decodeResponseFrame,
  encodeRequestFrame,
  type Message,
  ProtocolError,
  type RequestInput,
  type ResponseOf,
} from '../../protocol/index.js'
import type { Clock } from '../host/clock.js'
import type { Stream } from '../host/network.js'
import { RequestPipe } from './request-pipe.js'

export interface PeerPorts {
  readonly clock: Clock
  /** A connection to the peer's broker port. Rejects when it cannot be had. */
  connect(): Promise<Stream>
  /** `close` was called. */
  onClosed?(): void
}

export interface PeerOptions {
  /** In words, for errors: "broker 102". */
  readonly name: string
  /** The client id of the requests. */
  readonly clientId: string
  /** An answer that takes longer means that the connection is of no more use. */
  readonly requestTimeoutMs: number
}

/** The peer did not answer: refused, broken off, silent. What was asked may have been done or not. */
export class PeerLost extends Error {
  override readonly name = 'PeerLost'
}

/** Answers to fetches can be as large as a fetch asks for; nothing asks for more. */
const FRAME_BYTES_MAX = 256 * 1024 * 1024

export class Peer {
  readonly #options: PeerOptions
  readonly #ports: PeerPorts
  #pipe: RequestPipe | null = null
  #opening: Promise<RequestPipe> | null = null
  #correlationId = 0
  #closed = false

  constructor(options: PeerOptions, ports: PeerPorts) {
    this.#options = options
    this.#ports = ports
  }

  /**
   * Asks and hands the answer to `use` in the turn in which it is read: its `records` are views that do not outlive the call. Resolves
   * with what `use` returns. @throws PeerLost
   */
  async request<M extends Message, T = ResponseOf<M>>(
    message: M,
    version: number,
    value: RequestInput<M>,
    use: (response: ResponseOf<M>) => T = (response) => response as unknown as T,
    extraTimeMs = 0,
  ): Promise<T> {
    const pipe = this.#pipe ?? (await this.#open())
    const header = { correlationId: ++this.#correlationId, clientId: this.#options.clientId }
    const frame = encodeRequestFrame(message, version, header, value)
    return pipe.send(frame, this.#options.requestTimeoutMs + extraTimeMs, (answer) =>
      use(this.#decode(pipe, () => decodeResponseFrame(message, version, answer, { trailing: 'ignore' }).body)),
    )
  }

  /** What cannot be read is no answer: nobody asks for more than whether there was one. */
  #decode<T>(pipe: RequestPipe, decode: () => T): T {
    try {
      return decode()
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      const reason = `its answer cannot be read: ${error.message}`
      pipe.end(reason)
      throw this.#lost(reason)
    }
  }

  /** Nothing more is asked; who waits is told. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.drop('the connection was closed here')
    this.#ports.onClosed?.()
  }

  /** Breaks the present connection; the next request opens another. */
  drop(reason: string): void {
    this.#pipe?.end(reason)
  }

  #open(): Promise<RequestPipe> {
    if (this.#closed) return Promise.reject(this.#lost('the connection was closed here'))
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = null
    })
    return this.#opening
  }

  async #connect(): Promise<RequestPipe> {
    let stream: Stream
    try {
      stream = await this.#ports.connect()
    } catch (error) {
      throw this.#lost(error instanceof Error ? error.message : String(error))
    }
    if (this.#closed) {
      stream.destroy()
      throw this.#lost('the connection was closed here')
    }
    const pipe: RequestPipe = new RequestPipe(stream, {
      clock: this.#ports.clock,
      maxFrameBytes: FRAME_BYTES_MAX,
      failure: (reason) => this.#lost(reason),
      onEnd: () => {
        if (this.#pipe === pipe) this.#pipe = null
      },
    })
    this.#pipe = pipe
    return pipe
  }

  #lost(reason: string): PeerLost {
    return new PeerLost(`${this.#options.name} does not answer: ${reason}`)
  }
}
