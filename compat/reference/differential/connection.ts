import { connect, type Socket } from 'node:net'
import {
  decodeResponseFrame,
  encodeRequestFrame,
  type Message,
  type RequestInput,
  type ResponseOf,
} from '../../../protocol/index.js'

/** What came back for bytes that were sent: a frame (without its size), or the end of the connection. */
export type Outcome = { readonly frame: Buffer } | { readonly closed: true }

/** An answer that does not come within this time is recorded as silence. */
const silenceMs = 8000

/** A raw connection to a broker: requests in any version, and bytes that are no request. */
export class Connection {
  private bytes = Buffer.alloc(0)
  private closed = false
  private wake: (() => void) | undefined
  private correlationId = 0

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.bytes = Buffer.concat([this.bytes, chunk])
      this.wake?.()
    })
    // A reset is an end like any other here.
    socket.on('error', () => undefined)
    const end = () => {
      this.closed = true
      this.wake?.()
    }
    socket.on('end', end)
    socket.on('close', end)
  }

  static open(address: string): Promise<Connection> {
    const at = address.lastIndexOf(':')
    return new Promise((resolve, reject) => {
      const options = { host: address.slice(0, at), port: Number(address.slice(at + 1)), allowHalfOpen: true }
      const socket = connect({ ...options, noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => resolve(new Connection(socket)))
    })
  }

  /** The bytes of a request frame, with the next correlation id. */
  frameOf<M extends Message>(message: M, version: number, value: RequestInput<M>, clientId: string | null = 'diff') {
    this.correlationId += 1
    return encodeRequestFrame(message, version, { correlationId: this.correlationId, clientId }, value)
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes)
  }

  /** Says that no more will be written; answers can still come. */
  halfClose(): void {
    this.socket.end()
  }

  destroy(): void {
    this.socket.destroy()
  }

  /** The next frame, the end of the connection, or an error when neither comes. */
  async next(withinMs: number = silenceMs): Promise<Outcome> {
    const deadline = Date.now() + withinMs
    for (;;) {
      if (this.bytes.length >= 4) {
        const end = 4 + this.bytes.readInt32BE(0)
        if (this.bytes.length >= end) {
          const frame = Buffer.from(this.bytes.subarray(4, end))
          this.bytes = this.bytes.subarray(end)
          return { frame }
        }
      }
      if (this.closed) return { closed: true }
      const left = deadline - Date.now()
      if (left <= 0) throw new Error(`no answer and no close within ${withinMs} ms`)
      await this.something(left)
    }
  }

  /** Sends a request and decodes its answer; null when the broker closed the connection instead. */
  async call<M extends Message>(
    message: M,
    version: number,
    value: RequestInput<M>,
    withinMs?: number,
  ): Promise<ResponseOf<M> | null> {
    this.write(this.frameOf(message, version, value))
    const expected = this.correlationId
    const outcome = await this.next(withinMs)
    if ('closed' in outcome) return null
    const { correlationId, body } = decodeResponseFrame(message, version, outcome.frame)
    if (correlationId !== expected) throw new Error(`answer ${correlationId} to request ${expected}`)
    return body
  }

  private something(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs)
      this.wake = () => {
        clearTimeout(timer)
        this.wake = undefined
        resolve()
      }
    })
  }
}
