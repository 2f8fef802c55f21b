/** One connection that speaks our own protocol layer, for what kafkajs has no call for. Answers come in the order of requests. */
import {
  ApiVersions,
  decodeResponseFrame,
  ErrorCode,
  encodeRequestFrame,
  type Message,
  type RequestInput,
  type ResponseOf,
} from '../../protocol/index.js'
import { RequestPipe } from '../cluster/request-pipe.js'
import type { Clock } from '../host/clock.js'
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

export class WireClient {
  readonly #pipe: RequestPipe
  #correlationId = 0
  #lost = false
  #versions: ReadonlyMap<number, VersionRange> | null = null

  constructor(stream: Stream, ports: { clock: Clock }) {
    this.#pipe = new RequestPipe(stream, {
      clock: ports.clock,
      maxFrameBytes: MAX_FRAME_BYTES,
      failure: (reason) => new ConnectionLost(reason),
      onEnd: () => {
        this.#lost = true
      },
    })
  }

  get lost(): boolean {
    return this.#lost
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
    // KIP-511: a broker that does not know version 3 answers in version 0, an error code first, and goes on.
    const read = (frame: Buffer) =>
      frame.length >= 6 && frame.readInt16BE(4) === ErrorCode.UNSUPPORTED_VERSION
        ? null
        : decodeResponseFrame(ApiVersions, 3, frame, { trailing: 'ignore' }).body
    const answer = (await this.#send(ApiVersions, 3, identity, read)) ?? (await this.#exchange(ApiVersions, 0, {}))
    this.#versions = new Map(answer.apiKeys.map((one) => [one.apiKey, { min: one.minVersion, max: one.maxVersion }]))
    return this.#versions
  }

  close(): void {
    this.#pipe.end('the connection was closed here')
  }

  #exchange<M extends Message>(message: M, version: number, value: RequestInput<M>): Promise<ResponseOf<M>> {
    // A copy: what is read is kept, and the frame is a view that is gone then.
    const read = (frame: Buffer) =>
      decodeResponseFrame(message, version, Buffer.from(frame), { trailing: 'ignore' }).body
    return this.#send(message, version, value, read)
  }

  #send<M extends Message, T>(
    message: M,
    version: number,
    value: RequestInput<M>,
    read: (frame: Buffer) => T,
  ): Promise<T> {
    const header = { correlationId: ++this.#correlationId, clientId: 'odradek-cli' }
    return this.#pipe.send(encodeRequestFrame(message, version, header, value), REQUEST_TIMEOUT_MS, read)
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
}

const identity = { clientSoftwareName: 'odradek-cli', clientSoftwareVersion: VERSION }
