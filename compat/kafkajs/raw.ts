/**
 * kafkajs's own encoders and decoders over a socket of ours: for requests that kafkajs can encode but its consumer never
 * sends (group instance ids).
 */
import { createRequire } from 'node:module'
import { connect, type Socket } from 'node:net'
import { currentTarget } from '../fixture.js'

const require = createRequire(import.meta.url)

interface EncodableRequest {
  readonly apiKey: number
  readonly apiVersion: number
  encode(): Promise<unknown>
}

type RequestFactory = (args: Record<string, unknown>) => EncodableRequest
interface ResponseCodec {
  decode(body: Buffer): Promise<Record<string, unknown>>
}

const createFrame = require('kafkajs/src/protocol/request') as (args: {
  correlationId: number
  clientId: string
  request: EncodableRequest
}) => Promise<{ buffer: Buffer }>

/** One connection; one request at a time. */
export class RawConnection {
  private correlationId = 0

  private constructor(private readonly socket: Socket) {}

  /** Connects to the first bootstrap address, or to the given one. */
  static open(address: string = currentTarget().brokers[0]!): Promise<RawConnection> {
    const at = address.lastIndexOf(':')
    return new Promise((resolve, reject) => {
      const socket = connect({ host: address.slice(0, at), port: Number(address.slice(at + 1)) })
      socket.once('error', reject)
      socket.once('connect', () => resolve(new RawConnection(socket)))
    })
  }

  /**
   * Sends a request in kafkajs's encoding of the version and resolves with its decoding of the answer. `api` is the
   * folder in kafkajs's sources (`joinGroup`).
   */
  async call(api: string, version: number, args: Record<string, unknown>): Promise<Record<string, unknown>> {
    const folder = `kafkajs/src/protocol/requests/${api}/v${version}`
    const request = (require(`${folder}/request`) as RequestFactory)(args)
    const codec = require(`${folder}/response`) as ResponseCodec
    this.correlationId += 1
    const { buffer } = await createFrame({ correlationId: this.correlationId, clientId: 'raw', request })
    this.socket.write(buffer)
    const frame = await this.nextFrame()
    if (frame.readInt32BE(0) !== this.correlationId) throw new Error('the answer belongs to another request')
    return codec.decode(frame.subarray(4))
  }

  /** A client that vanishes: no goodbye. */
  async disconnect(): Promise<void> {
    this.socket.destroy()
  }

  private nextFrame(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let bytes = Buffer.alloc(0)
      const onData = (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk])
        if (bytes.length < 4 || bytes.length < 4 + bytes.readInt32BE(0)) return
        finish()
        resolve(bytes.subarray(4))
      }
      const onClose = () => {
        finish()
        reject(new Error('the broker closed the connection'))
      }
      const finish = () => {
        this.socket.off('data', onData)
        this.socket.off('close', onClose)
      }
      this.socket.on('data', onData)
      this.socket.on('close', onClose)
    })
  }
}
