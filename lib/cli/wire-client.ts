/**
 * One connection that speaks our own protocol layer, for what kafkajs has no call for (the newest ApiVersions, incremental
 * config changes). One request at a time.
 */
import {
  decodeResponseFrame,
  encodeRequestFrame,
  Framer,
  type Message,
  type RequestInput,
  type ResponseOf,
} from '../../protocol/index.js'
import type { Stream } from '../host/network.js'
import { NodeNetwork } from '../host/node-network.js'
import { address } from './values.js'

const CONNECT_TIMEOUT_MS = 3000
/** Larger answers are not expected by any command; a peer that is no Kafka must not fill the memory. */
const MAX_FRAME_BYTES = 64 << 20

const API_VERSIONS_KEY = 18

export class WireClient {
  readonly #stream: Stream
  readonly #framer: Framer
  #correlationId = 0
  #waiting: { resolve: (frame: Buffer) => void; reject: (error: Error) => void } | null = null
  #versions: ReadonlyMap<number, { readonly min: number; readonly max: number }> | null = null

  constructor(stream: Stream) {
    this.#stream = stream
    this.#framer = new Framer({
      maxFrameBytes: MAX_FRAME_BYTES,
      onFrame: (frame) => {
        this.#waiting?.resolve(Buffer.from(frame))
        this.#waiting = null
        return true
      },
    })
    stream.attach({
      onData: (view) => this.#take(view),
      onEnd: () => stream.end(),
      onClose: (error) => this.#fail(error ?? new Error('the broker closed the connection')),
      onDrain: () => {},
    })
  }

  /** Sends one request at the highest version that both sides know. */
  async request<M extends Message>(message: M, value: RequestInput<M>, version?: number): Promise<ResponseOf<M>> {
    const chosen = version ?? (await this.#versionFor(message))
    const correlationId = ++this.#correlationId
    const frame = await new Promise<Buffer>((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#stream.write([encodeRequestFrame(message, chosen, { correlationId, clientId: 'odradek-cli' }, value)])
    })
    return decodeResponseFrame(message, chosen, frame, { trailing: 'ignore' }).body
  }

  /** What the broker says it serves, by API key. */
  async versions(): Promise<ReadonlyMap<number, { readonly min: number; readonly max: number }>> {
    if (this.#versions) return this.#versions
    const { ApiVersions } = await import('../../protocol/index.js')
    const answer = await this.request(ApiVersions, { clientSoftwareName: 'odradek-cli', clientSoftwareVersion: '0' }, 3)
    this.#versions = new Map(answer.apiKeys.map((one) => [one.apiKey, { min: one.minVersion, max: one.maxVersion }]))
    return this.#versions
  }

  close(): void {
    this.#stream.destroy()
  }

  async #versionFor(message: Message): Promise<number> {
    if (message.key === API_VERSIONS_KEY) return 3
    const range = (await this.versions()).get(message.key)
    const version = Math.min(range?.max ?? -1, message.stableVersions.high)
    if (range === undefined || version < Math.max(range.min, message.stableVersions.low)) {
      throw new Error(`the broker does not serve ${message.name} in a version that this program knows`)
    }
    return version
  }

  #take(view: Buffer): void {
    try {
      this.#framer.push(view)
    } catch (error) {
      this.#fail(error as Error)
      this.#stream.destroy()
    }
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error)
    this.#waiting = null
  }
}

/** Connects to the first address that answers. */
export async function withBroker<T>(
  bootstrap: readonly string[],
  work: (client: WireClient) => Promise<T>,
): Promise<T> {
  const network = new NodeNetwork()
  let lastError: unknown
  for (const one of bootstrap) {
    const { host, port } = address(one)
    let stream: Stream
    try {
      stream = await network.connect({ host, port, timeoutMs: CONNECT_TIMEOUT_MS })
    } catch (error) {
      lastError = error
      continue
    }
    const client = new WireClient(stream)
    try {
      return await work(client)
    } finally {
      client.close()
    }
  }
  throw lastError
}
