/** One TCP connection to one ZooKeeper server: the handshake, frames out, answers in. Knows nothing of sessions that outlive it. */
import type { Network, Stream } from '../../../host/network.js'
import { JuteError, JuteReader } from './jute.js'
import { connectFrame, readConnected, type Session } from './operations.js'

export interface ServerAddress {
  readonly host: string
  readonly port: number
}

export interface ConnectionHandlers {
  /** Answer to the handshake; null: the session that was asked for has expired. */
  onConnected(session: Session | null): void
  onReply(reply: { xid: number; zxid: number; error: number; body: JuteReader }): void
  /** Called exactly once, after which nothing more comes. */
  onClosed(reason: string): void
}

export interface Handshake {
  /** Null: a new session is wanted. */
  readonly session: Session | null
  readonly timeoutMs: number
  /** Newest transaction that this client has seen: a server that is behind it refuses us. */
  readonly lastZxid: number
}

/** A node holds at most 1 MB by default (`jute.maxbuffer`); a list of children may be larger, but not without end. */
const FRAME_BYTES_MAX = 16 * 1024 * 1024

export class ZooKeeperConnection {
  readonly #handlers: ConnectionHandlers
  #stream: Stream | null = null
  #pending: Buffer = Buffer.alloc(0)
  #shaken = false
  #closed = false

  constructor(handlers: ConnectionHandlers) {
    this.#handlers = handlers
  }

  async open(network: Network, server: ServerAddress, timeoutMs: number, handshake: Handshake): Promise<void> {
    let stream: Stream
    try {
      stream = await network.connect({ ...server, timeoutMs })
    } catch (error) {
      this.close(error instanceof Error ? error.message : String(error))
      return
    }
    if (this.#closed) {
      stream.destroy()
      return
    }
    this.#stream = stream
    stream.attach({
      onData: (view) => this.#onData(view),
      onEnd: () => this.close('the server closed the connection'),
      onClose: (error) => this.close(error?.message ?? 'the connection ended'),
      onDrain: () => {},
    })
    stream.write([connectFrame(handshake.session, handshake.timeoutMs, handshake.lastZxid)])
  }

  send(frame: Buffer): void {
    this.#stream?.write([frame])
  }

  /** Drops the connection; `reason` in words, for the log. Idempotent. */
  close(reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#stream?.destroy()
    this.#handlers.onClosed(reason)
  }

  #onData(view: Buffer): void {
    // The view is gone after this turn. Answers are small and few: a copy costs nothing here.
    this.#pending = Buffer.concat([this.#pending, view])
    try {
      while (!this.#closed && this.#pending.length >= 4) {
        const length = this.#pending.readInt32BE(0)
        if (length < 0 || length > FRAME_BYTES_MAX) throw new JuteError(`a frame of ${length} bytes`)
        if (this.#pending.length < 4 + length) return
        const frame = this.#pending.subarray(4, 4 + length)
        this.#pending = this.#pending.subarray(4 + length)
        this.#onFrame(new JuteReader(frame))
      }
    } catch (error) {
      if (!(error instanceof JuteError)) throw error
      this.close(`the server sent something that is no ZooKeeper answer: ${error.message}`)
    }
  }

  #onFrame(body: JuteReader): void {
    if (!this.#shaken) {
      this.#shaken = true
      this.#handlers.onConnected(readConnected(body))
      return
    }
    const xid = body.int()
    const zxid = body.safeLong()
    const error = body.int()
    this.#handlers.onReply({ xid, zxid, error, body })
  }
}
