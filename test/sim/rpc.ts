/** A client's connection to one broker: real frames over the virtual network, a timeout for each request, answers in order. */
import { FaultyNetwork, type NetworkFaultPlan } from '../../lib/faults/faulty-network.js'
import type { Timer } from '../../lib/host/clock.js'
import type { Network, Stream } from '../../lib/host/network.js'
import {
  decodeResponseFrame,
  encodeRequestFrame,
  type Message,
  type RequestInput,
  type ResponseOf,
} from '../../protocol/index.js'
import type { World } from './world.js'

/** The request may have been carried out or not: the connection broke, could not be had, or no answer came in time. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

interface Waiting {
  take(frame: Buffer): void
  fail(error: Error): void
}

/** How the clients of a run ask: over one connection to one broker, or each question where it belongs (`router.ts`). */
export interface Client {
  call<M extends Message>(
    message: M,
    version: number,
    request: RequestInput<M>,
    timeoutMs?: number,
  ): Promise<ResponseOf<M>>
  post<M extends Message>(
    message: M,
    version: number,
    request: RequestInput<M>,
    timeoutMs?: number,
  ): Promise<ResponseOf<M>>
  tell<M extends Message>(message: M, version: number, request: RequestInput<M>): Promise<void>
  stumble(): Promise<void>
  /** So that `post` goes out at once. `about` is the partition it will be about. */
  open(about: { readonly topic: string; readonly partition: number }): Promise<void>
  hangUp(why: string): void
}

export interface RpcOptions {
  readonly faults: Omit<NetworkFaultPlan, 'seed'> | null
  /** False: no connection can be had now. */
  readonly may: () => boolean
}

export class Rpc implements Client {
  readonly #world: World
  readonly #network: Network
  readonly #may: () => boolean
  #stream: Stream | null = null
  #connecting: Promise<Stream> | null = null
  #received: Buffer = Buffer.alloc(0)
  #waiting: Waiting[] = []
  #correlationId = 0

  constructor(
    readonly name: string,
    readonly address: { host: string; port: number },
    options: RpcOptions,
    world: World,
  ) {
    const { faults } = options
    this.#may = options.may
    this.#world = world
    const own = world.network.at(name)
    this.#network =
      faults === null
        ? own
        : new FaultyNetwork({ seed: world.seedOf(`${name} network`), ...faults }, { network: own, clock: world.clock })
  }

  /** @throws (rejects with) NoAnswer */
  async call<M extends Message>(
    message: M,
    version: number,
    request: RequestInput<M>,
    timeoutMs = 3000,
  ): Promise<ResponseOf<M>> {
    await this.#connect()
    return this.post(message, version, request, timeoutMs)
  }

  /** The same on the connection that is open, without a turn in between: several may be under way. */
  post<M extends Message>(
    message: M,
    version: number,
    request: RequestInput<M>,
    timeoutMs = 3000,
  ): Promise<ResponseOf<M>> {
    const correlationId = ++this.#correlationId
    const frame = encodeRequestFrame(message, version, { correlationId, clientId: this.name }, request)
    return new Promise((resolve, reject) => {
      if (this.#stream === null) {
        reject(new NoAnswer('not connected'))
        return
      }
      const timer: Timer = this.#world.clock.setTimer(timeoutMs, () => this.hangUp('no answer in time'))
      this.#waiting.push({
        take: (bytes) => {
          timer.cancel()
          try {
            const answer = decodeResponseFrame(message, version, bytes)
            if (answer.correlationId !== correlationId)
              throw new Error(`answer ${answer.correlationId} to ${correlationId}`)
            resolve(answer.body)
          } catch (error) {
            reject(error)
          }
        },
        fail: (error) => {
          timer.cancel()
          reject(error)
        },
      })
      this.#stream.write([frame])
    })
  }

  /** For acks 0: nobody answers. Resolves when the bytes are on their way. */
  async tell<M extends Message>(message: M, version: number, request: RequestInput<M>): Promise<void> {
    const stream = await this.#connect()
    stream.write([
      encodeRequestFrame(message, version, { correlationId: ++this.#correlationId, clientId: this.name }, request),
    ])
  }

  /** Half a request and then nothing: what a client that is killed leaves. */
  async stumble(): Promise<void> {
    const stream = await this.#connect()
    stream.write([Buffer.from([0, 0, 1, 0, 0, 0, 0, 9])])
    this.hangUp('stumbled')
  }

  /** Connects unless there is a connection. @throws (rejects with) NoAnswer */
  async open(): Promise<void> {
    await this.#connect()
  }

  hangUp(why: string): void {
    const stream = this.#stream
    this.#stream = null
    this.#received = Buffer.alloc(0)
    const waiting = this.#waiting
    this.#waiting = []
    stream?.destroy()
    for (const one of waiting) one.fail(new NoAnswer(why))
  }

  async #connect(): Promise<Stream> {
    if (this.#stream !== null) return this.#stream
    this.#connecting ??= this.#dial().finally(() => (this.#connecting = null))
    return this.#connecting
  }

  async #dial(): Promise<Stream> {
    let stream: Stream
    if (!this.#may()) {
      await this.#world.sleep(20)
      throw new NoAnswer('closed')
    }
    try {
      stream = await this.#network.connect({ ...this.address, timeoutMs: 1000 })
    } catch (error) {
      throw new NoAnswer('no connection', { cause: error })
    }
    const gone = (why: string) => {
      if (this.#stream === stream) this.hangUp(why)
      else stream.destroy()
    }
    stream.attach({
      onData: (view) => this.#stream === stream && this.#take(view),
      onEnd: () => gone('the broker closed'),
      onClose: () => gone('the connection broke'),
      onDrain: () => {},
    })
    this.#stream = stream
    return stream
  }

  #take(view: Buffer): void {
    this.#received = this.#received.length === 0 ? Buffer.from(view) : Buffer.concat([this.#received, view])
    while (this.#received.length >= 4) {
      const end = 4 + this.#received.readInt32BE(0)
      if (this.#received.length < end) return
      const frame = this.#received.subarray(4, end)
      this.#received = this.#received.subarray(end)
      const first = this.#waiting.shift()
      if (first === undefined) throw new Error(`${this.name} got an answer to nothing`)
      first.take(frame)
    }
  }
}
