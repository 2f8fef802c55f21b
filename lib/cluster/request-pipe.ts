/** Our own requests over one connection: pipelined, answers in order. Ends for good with the first thing that goes wrong. */
import { Framer, ProtocolError } from '../../protocol/index.js'
import type { Clock, Timer } from '../host/clock.js'
import type { Stream } from '../host/network.js'

export interface RequestPipeOptions {
  readonly clock: Clock
  /** A longer answer ends the connection: whatever it is, it must not fill the memory. */
  readonly maxFrameBytes: number
  /** What those who wait are told. `reason` is half a sentence. */
  failure(reason: string): Error
  /** The connection is of no more use. Comes once, before those who wait are told. */
  onEnd?(): void
}

interface Waiting {
  readonly timer: Timer
  use(answer: Buffer): void
  reject(error: Error): void
}

export class RequestPipe {
  readonly #stream: Stream
  readonly #options: RequestPipeOptions
  readonly #waiting: Waiting[] = []
  #ended: string | null = null

  constructor(stream: Stream, options: RequestPipeOptions) {
    this.#stream = stream
    this.#options = options
    const framer = new Framer({
      maxFrameBytes: options.maxFrameBytes,
      onFrame: (frame) => {
        this.#onAnswer(frame)
        return true
      },
    })
    stream.attach({
      onData: (view) => this.#guard(() => framer.push(view)),
      onEnd: () => this.end('the peer ended the connection'),
      onClose: (error) => this.end(error?.message ?? 'the peer closed the connection'),
      onDrain: () => {},
    })
  }

  /**
   * Sends a request frame. `read` gets the answer's frame, a view that is gone when it returns. Resolves with what `read` returns; rejects
   * with `failure` when no answer came within `limitMs`, or the connection ended.
   */
  send<T>(frame: Buffer, limitMs: number, read: (answer: Buffer) => T): Promise<T> {
    if (this.#ended !== null) return Promise.reject(this.#options.failure(this.#ended))
    return new Promise<T>((resolve, reject) => {
      const timer = this.#options.clock.setTimer(limitMs, () => this.end(`no answer came within ${limitMs} ms`))
      this.#waiting.push({ timer, use: (answer) => resolve(read(answer)), reject })
      this.#stream.write([frame])
    })
  }

  /** Closes the connection; who waits is told why. Idempotent: the first reason counts. */
  end(reason: string): void {
    if (this.#ended !== null) return
    this.#ended = reason
    this.#stream.destroy()
    this.#options.onEnd?.()
    for (const { timer, reject } of this.#waiting.splice(0)) {
      timer.cancel()
      reject(this.#options.failure(reason))
    }
  }

  #onAnswer(frame: Buffer): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) {
      this.end('the peer answers what nobody asked')
      return
    }
    waiting.timer.cancel()
    try {
      waiting.use(frame)
    } catch (error) {
      waiting.reject(error as Error)
      if (error instanceof ProtocolError) this.end(error.message)
    }
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.end('what answers there does not speak the Kafka protocol')
    }
  }
}
