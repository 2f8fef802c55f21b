/**
 * A client that speaks raw Kafka frames, for tests: every version of every API, broken frames, pipelining, half closes.
 * Answers come in the order of the requests.
 */
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  decodeResponseFrame,
  encodeRequestFrame,
  type Message,
  type RequestInput,
  type ResponseOf,
} from '../../protocol/index.js'

interface Waiter {
  resolve(frame: Buffer): void
  reject(error: Error): void
}

export class RawClient {
  readonly stream: Duplex
  /** Settles when the broker has closed the connection. */
  readonly closed: Promise<void>
  #buffered: Buffer = Buffer.alloc(0)
  readonly #frames: Buffer[] = []
  readonly #waiters: Waiter[] = []
  #over = false
  #correlationId = 0

  constructor(stream: Duplex) {
    this.stream = stream
    stream.on('data', (chunk: Buffer) => this.#take(chunk))
    stream.on('error', () => {})
    this.closed = new Promise((resolve) => {
      const over = (): void => {
        this.#over = true
        for (const waiter of this.#waiters.splice(0)) waiter.reject(new Error('the broker closed the connection'))
        resolve()
      }
      stream.once('end', over)
      stream.once('close', over)
    })
  }

  /** `address` is HOST:PORT. */
  static async connect(address: string, options: { allowHalfOpen?: boolean } = {}): Promise<RawClient> {
    const at = address.lastIndexOf(':')
    const socket: Socket = connect({
      host: address.slice(0, at),
      port: Number(address.slice(at + 1)),
      noDelay: true,
      ...options,
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return new RawClient(socket)
  }

  /** Sends one request and gives the decoded answer. Rejects when the broker closes instead. */
  async send<M extends Message>(
    message: M,
    version: number,
    value: RequestInput<M>,
    options: { clientId?: string | null } = {},
  ): Promise<ResponseOf<M>> {
    this.post(message, version, value, options)
    return decodeResponseFrame(message, version, await this.frame()).body
  }

  /** Sends one request without waiting. Returns its correlation id. */
  post<M extends Message>(
    message: M,
    version: number,
    value: RequestInput<M>,
    options: { clientId?: string | null } = {},
  ): number {
    const correlationId = ++this.#correlationId
    const clientId = options.clientId === undefined ? 'raw-client' : options.clientId
    this.bytes(encodeRequestFrame(message, version, { correlationId, clientId }, value))
    return correlationId
  }

  bytes(bytes: Buffer): void {
    this.stream.write(bytes)
  }

  /** The next whole answer, without its size. */
  frame(): Promise<Buffer> {
    const ready = this.#frames.shift()
    if (ready) return Promise.resolve(ready)
    if (this.#over) return Promise.reject(new Error('the broker closed the connection'))
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }))
  }

  close(): void {
    this.stream.destroy()
  }

  #take(chunk: Buffer): void {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk])
    while (this.#buffered.length >= 4) {
      const end = 4 + this.#buffered.readInt32BE(0)
      if (this.#buffered.length < end) return
      const frame = this.#buffered.subarray(4, end)
      this.#buffered = this.#buffered.subarray(end)
      const waiter = this.#waiters.shift()
      if (waiter) waiter.resolve(frame)
      else this.#frames.push(frame)
    }
  }
}
