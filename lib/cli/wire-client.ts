/** One connection that speaks our own protocol layer, for what kafkajs has no call for. Answers come in the order of requests. */
import {
  ApiVersions,
  decodeResponseFrame,
  ErrorCode,
  encodeRequestFrame,
  Framer,
  type Message,
  type RequestInput,
  type ResponseOf,
} from '../../protocol/index.js'
import type { Clock, Timer } from '../host/clock.js'
import type { Stream } from '../host/network.js'
import { VERSION } from './version.js'

/** A broker that takes connections and answers nothing must not hold the command for ever. */
const REQUEST_TIMEOUT_MS = 30_000
/** Larger answers are not expected by any command; a peer that is no Kafka must not fill the memory. */
const MAX_FRAME_BYTES = 128 << 20

const API_VERSIONS_KEY = 18

export interface VersionRange {
  readonly min: number
  readonly max: number
}

/** The connection is of no more use: refused, broken, closed, silent. Trying again may help. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
}

interface Waiter {
  readonly timer: Timer
  resolve(frame: Buffer): void
  reject(error: Error): void
}

export class WireClient {
  readonly #stream: Stream
  readonly #clock: Clock
  readonly #framer: Framer
  #correlationId = 0
  readonly #waiting: Waiter[] = []
  #lost: Error | null = null
  #versions: ReadonlyMap<number, VersionRange> | null = null

  constructor(stream: Stream, ports: { clock: Clock }) {
    this.#stream = stream
    this.#clock = ports.clock
    this.#framer = new Framer({
      maxFrameBytes: MAX_FRAME_BYTES,
      onFrame: (frame) => {
        const waiter = this.#waiting.shift()
        waiter?.timer.cancel()
        // The frame is a view that the stream uses again.
        waiter?.resolve(Buffer.from(frame))
        return true
      },
    })
    stream.attach({
      onData: (view) => this.#onData(view),
      onEnd: () => stream.end(),
      onClose: (error) => this.#fail(error?.message ?? 'the broker closed the connection'),
      onDrain: () => {},
    })
  }

  get lost(): boolean {
    return this.#lost !== null
  }

  /** Sends one request at the highest version that both sides know, and not above `highest`. @throws ConnectionLost, ProtocolError */
  async request<M extends Message>(
    message: M,
    value: RequestInput<M>,
    options: { highest?: number } = {},
  ): Promise<ResponseOf<M>> {
    const version = await this.#versionFor(message, options.highest ?? Number.POSITIVE_INFINITY)
    return this.#exchange(message, version, value)
  }

  /** What the broker says it serves, by API key. */
  async versions(): Promise<ReadonlyMap<number, VersionRange>> {
    if (this.#versions) return this.#versions
    const frame = await this.#send(ApiVersions, 3, identity)
    // KIP-511: a broker that does not know version 3 answers in version 0, an error code first, and goes on.
    const known = frame.length >= 6 && frame.readInt16BE(4) !== ErrorCode.UNSUPPORTED_VERSION
    const answer = known
      ? decodeResponseFrame(ApiVersions, 3, frame, { trailing: 'ignore' }).body
      : await this.#exchange(ApiVersions, 0, {})
    this.#versions = new Map(answer.apiKeys.map((one) => [one.apiKey, { min: one.minVersion, max: one.maxVersion }]))
    return this.#versions
  }

  close(): void {
    this.#stream.destroy()
  }

  async #exchange<M extends Message>(message: M, version: number, value: RequestInput<M>): Promise<ResponseOf<M>> {
    const frame = await this.#send(message, version, value)
    return decodeResponseFrame(message, version, frame, { trailing: 'ignore' }).body
  }

  #send<M extends Message>(message: M, version: number, value: RequestInput<M>): Promise<Buffer> {
    if (this.#lost) return Promise.reject(this.#lost)
    const correlationId = ++this.#correlationId
    return new Promise<Buffer>((resolve, reject) => {
      const timer = this.#clock.setTimer(REQUEST_TIMEOUT_MS, () => {
        this.#fail(`no answer to ${message.name} came within ${REQUEST_TIMEOUT_MS / 1000} s`)
        this.close()
      })
      this.#waiting.push({ timer, resolve, reject })
      this.#stream.write([encodeRequestFrame(message, version, { correlationId, clientId: 'odradek-cli' }, value)])
    })
  }

  async #versionFor(message: Message, highest: number): Promise<number> {
    if (message.key === API_VERSIONS_KEY) return 3
    const range = (await this.versions()).get(message.key)
    const version = Math.min(range?.max ?? -1, message.stableVersions.high, highest)
    if (range === undefined || version < Math.max(range.min, message.stableVersions.low)) {
      throw new Error(`The broker does not serve ${message.name} in a version that this program knows.`)
    }
    return version
  }

  #onData(view: Buffer): void {
    try {
      this.#framer.push(view)
    } catch {
      this.#fail('what answers there does not speak the Kafka protocol')
      this.close()
    }
  }

  #fail(reason: string): void {
    this.#lost ??= new ConnectionLost(reason)
    for (const waiter of this.#waiting.splice(0)) {
      waiter.timer.cancel()
      waiter.reject(this.#lost)
    }
  }
}

const identity = { clientSoftwareName: 'odradek-cli', clientSoftwareVersion: VERSION }
