/** One broker's connection to another: our own requests, pipelined, answers in order. Opened when needed, and again after a loss. */
import {
  decodeResponseFrame,
  encodeRequestFrame,
  Framer,
  type Message,
  ProtocolError,
  type RequestInput,
  type ResponseOf,
} from '../../protocol/index.js'
import type { Clock, Timer } from '../host/clock.js'
import type { Stream } from '../host/network.js'

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

interface Waiting {
  readonly timer: Timer
  /** Gets the frame as a view that is gone when it returns. */
  use(frame: Buffer): void
  reject(error: Error): void
}

/** Answers to fetches can be as large as a fetch asks for; nothing asks for more. */
const FRAME_BYTES_MAX = 256 * 1024 * 1024

export class Peer {
  readonly #options: PeerOptions
  readonly #ports: PeerPorts
  #stream: Stream | null = null
  #opening: Promise<Stream> | null = null
  #waiting: Waiting[] = []
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
    const stream = this.#stream ?? (await this.#open())
    const header = { correlationId: ++this.#correlationId, clientId: this.#options.clientId }
    const frame = encodeRequestFrame(message, version, header, value)
    return this.#exchange(stream, frame, extraTimeMs, (answer) =>
      use(decodeResponseFrame(message, version, answer, { trailing: 'ignore' }).body),
    )
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
    this.#lose(this.#stream, reason)
  }

  #exchange<T>(stream: Stream, frame: Buffer, extraTimeMs: number, read: (answer: Buffer) => T): Promise<T> {
    if (stream !== this.#stream) return Promise.reject(this.#lost('the connection ended'))
    const limitMs = this.#options.requestTimeoutMs + extraTimeMs
    return new Promise<T>((resolve, reject) => {
      const timer = this.#ports.clock.setTimer(limitMs, () => this.#lose(stream, `no answer within ${limitMs} ms`))
      this.#waiting.push({ timer, use: (answer) => resolve(read(answer)), reject })
      stream.write([frame])
    })
  }

  #open(): Promise<Stream> {
    if (this.#closed) return Promise.reject(this.#lost('the connection was closed here'))
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = null
    })
    return this.#opening
  }

  async #connect(): Promise<Stream> {
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
    const framer = new Framer({
      maxFrameBytes: FRAME_BYTES_MAX,
      onFrame: (frame) => {
        this.#onAnswer(stream, frame)
        return true
      },
    })
    this.#stream = stream
    stream.attach({
      onData: (view) => {
        try {
          framer.push(view)
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error
          this.#lose(stream, error.message)
        }
      },
      onEnd: () => this.#lose(stream, 'the peer ended the connection'),
      onClose: (error) => this.#lose(stream, error?.message ?? 'the peer closed the connection'),
      onDrain: () => {},
    })
    return stream
  }

  #onAnswer(stream: Stream, frame: Buffer): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) {
      this.#lose(stream, 'the peer answers what nobody asked')
      return
    }
    waiting.timer.cancel()
    try {
      waiting.use(frame)
    } catch (error) {
      waiting.reject(error as Error)
      if (error instanceof ProtocolError) this.#lose(stream, error.message)
    }
  }

  #lose(stream: Stream | null, reason: string): void {
    if (stream === null || stream !== this.#stream) return
    this.#stream = null
    stream.destroy()
    for (const { timer, reject } of this.#waiting.splice(0)) {
      timer.cancel()
      reject(this.#lost(reason))
    }
  }

  #lost(reason: string): PeerLost {
    return new PeerLost(`${this.#options.name} does not answer: ${reason}`)
  }
}
