/**
 * From a frame to its reply: header, API table, decode, handler, encode. Synchronous from end to end when the handler is.
 */
import {
  ApiVersions,
  decode,
  decodeRequestHeader,
  encodeResponseFrame,
  type Message,
  ProtocolError,
  type RequestOf,
  type ResponseInput,
  responseHeaderVersion,
} from '../../protocol/index.js'
import type { Clock } from '../host/clock.js'
import type { Logger } from '../host/logger.js'
import type { ApiTable } from './api-table.js'
import {
  type Connection,
  type FrameDispatcher,
  type FrameOutcome,
  type FrameReply,
  Hangup,
  NO_REPLY,
  PendingReply,
} from './connection.js'
import {
  type ApiRow,
  type Awaitable,
  CLOSE_CONNECTION,
  EncodedBody,
  type HandlerResult,
  NO_RESPONSE,
  type RequestContext,
} from './context.js'
import { unsupportedApiVersions } from './handlers/18-api-versions.js'
import type { BrokerServices } from './services.js'

/** API key, version and correlation id: less than this is no request. */
const SMALLEST_REQUEST = 8
/** Below this a reply leaves as one piece: one small copy is cheaper than a longer writev. */
const JOIN_BELOW_BYTES = 4096

/** Sees every request and reply; the metrics implement it. */
export interface RequestObserver {
  begin(apiKey: number, requestBytes: number): number
  end(apiKey: number, startedAt: number, responseBytes: number): void
  failed(apiKey: number): void
}

export interface DispatcherPorts {
  readonly table: ApiTable
  readonly broker: BrokerServices
  readonly clock: Clock
  readonly logger: Logger
  readonly observer: RequestObserver
}

export class Dispatcher implements FrameDispatcher {
  readonly #ports: DispatcherPorts

  constructor(ports: DispatcherPorts) {
    this.#ports = ports
  }

  apiKeyOf(frame: Buffer): number {
    return frame.length >= 2 ? frame.readInt16BE(0) : -1
  }

  dispatch(frame: Buffer, connection: Connection): FrameReply {
    if (frame.length < SMALLEST_REQUEST) return new Hangup(`a request of ${frame.length} bytes has no whole header`)
    const apiKey = frame.readInt16BE(0)
    const apiVersion = frame.readInt16BE(2)
    const row = this.#ports.table.row(apiKey)
    if (row === undefined) return new Hangup(`API key ${apiKey} is not served here`)
    if (apiVersion < row.minVersion || apiVersion > row.maxVersion) return this.#unsupported(row, apiVersion, frame)
    return this.#handle(row, apiVersion, frame, connection)
  }

  /** Only ApiVersions has an answer for a version that is not served: in v0, which every client can read. */
  #unsupported(row: ApiRow, apiVersion: number, frame: Buffer): FrameReply {
    if (row.message.key !== ApiVersions.key) {
      return new Hangup(
        `${row.message.name} version ${apiVersion} is not served (${row.minVersion}-${row.maxVersion} are)`,
      )
    }
    return encodeResponseFrame(ApiVersions, 0, frame.readInt32BE(4), unsupportedApiVersions(row))
  }

  #handle(row: ApiRow, apiVersion: number, frame: Buffer, connection: Connection): FrameReply {
    const { broker, observer, logger } = this.#ports
    const { key } = row.message
    const startedAt = observer.begin(key, frame.length)
    let correlationId = 0
    let result: Awaitable<HandlerResult<Message>>
    try {
      const header = decodeRequestHeader(frame)
      correlationId = header.correlationId
      const context: RequestContext = {
        apiKey: key,
        apiVersion,
        correlationId,
        clientId: header.clientId,
        connection,
        body: frame.subarray(header.bodyOffset),
        requestBytes: frame.length,
      }
      result =
        row.shortcut?.(context, broker) ??
        row.handle(
          decode(row.message, 'request', apiVersion, context.body, { trailing: 'ignore' }) as RequestOf<Message>,
          context,
          broker,
        )
    } catch (error) {
      observer.failed(key)
      if (error instanceof ProtocolError)
        return new Hangup(`${row.message.name} v${apiVersion} cannot be read: ${error.message}`)
      logger.error(
        `${row.message.name} v${apiVersion} failed inside the broker: ${(error as Error).stack ?? String(error)}`,
      )
      return new Hangup(`${row.message.name} failed inside the broker`)
    }
    if (!(result instanceof Promise)) return this.#encode(row, apiVersion, correlationId, result, startedAt)
    return new PendingReply(
      result.then(
        (value) => this.#encode(row, apiVersion, correlationId, value, startedAt),
        (error: unknown) => {
          observer.failed(key)
          throw error
        },
      ),
      row.pipelined === true ? key : -1,
    )
  }

  #encode(
    row: ApiRow,
    version: number,
    correlationId: number,
    result: HandlerResult<Message>,
    startedAt: number,
  ): FrameOutcome {
    const { observer } = this.#ports
    const { key } = row.message
    if (result === NO_RESPONSE || result === CLOSE_CONNECTION) {
      observer.end(key, startedAt, 0)
      return result === NO_RESPONSE ? NO_REPLY : new Hangup(`${row.message.name} has no answer for this error`)
    }
    const pieces =
      result instanceof EncodedBody
        ? frameBody(row, version, correlationId, result.bytes)
        : encodeResponseFrame(row.message, version, correlationId, result as ResponseInput<Message>)
    let bytes = 0
    for (const piece of pieces) bytes += piece.length
    observer.end(key, startedAt, bytes)
    return pieces
  }
}

/** Size, response header and a body that is ready. */
function frameBody(row: ApiRow, version: number, correlationId: number, body: Buffer): Buffer[] {
  const tagged = responseHeaderVersion(row.message, version) >= 1
  const headBytes = tagged ? 9 : 8
  const joined = body.length < JOIN_BELOW_BYTES
  const head = Buffer.allocUnsafe(headBytes + (joined ? body.length : 0))
  head.writeInt32BE(headBytes - 4 + body.length, 0)
  head.writeInt32BE(correlationId, 4)
  if (tagged) head[8] = 0
  if (!joined) return [head, body]
  body.copy(head, headBytes)
  return [head]
}
