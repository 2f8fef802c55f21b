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
import { PEER_LISTENER } from '../cluster/peers.js'
import type { Logger } from '../host/logger.js'
import type { ApiTable } from './api-table.js'
import {
  AfterWrite,
  type ApiRow,
  type Awaitable,
  CLOSE_CONNECTION,
  type ConnectionView,
  EncodedBody,
  type HandlerResult,
  LentResponse,
  NO_RESPONSE,
  type RequestContext,
} from './context.js'
import { type Forwarder, forwardedKeys, saysNotController } from './forwarding.js'
import { unsupportedApiVersions } from './handlers/18-api-versions.js'
import {
  type FrameDispatcher,
  type FrameOutcome,
  type FrameReply,
  Hangup,
  LentReply,
  NO_REPLY,
  outcomeOf,
  PendingReply,
  ReplyAfterWrite,
} from './reply.js'
import type { BrokerServices } from './services.js'

/** API key, version and correlation id: less than this is no request. */
const SMALLEST_REQUEST = 8
/** Below this a reply leaves as one piece: one small copy is cheaper than a longer writev. */
const JOIN_BELOW_BYTES = 4096

/** Counts requests; lib/metrics implements it. Times are what its own clock says. */
export interface RequestObserver {
  /** A whole request has come. What it returns is given back below. */
  begin(apiKey: number, requestBytes: number): number
  /** The handler has returned, with an answer or a promise of one. */
  handled(apiKey: number, startedAtMs: number): void
  /** The answer, of so many bytes, goes to the socket. */
  end(apiKey: number, startedAtMs: number, responseBytes: number): void
  failed(apiKey: number): void
  /** A request of an API or version that is not served. */
  recordUnknown(): void
}

/** Whoever loses the connection looks for another broker; NOT_CONTROLLER would be an answer. */
const STOPPING = new Hangup('the broker is stopping')

/** A request that only the controller may decide; the frame is in memory of its own. */
interface Forwardable {
  readonly row: ApiRow
  readonly version: number
  readonly frame: Buffer
  readonly connection: ConnectionView
  /** Until when a controller is looked for. */
  readonly deadlineMs: number
}

export interface DispatcherPorts {
  readonly table: ApiTable
  /** What only other brokers may ask. */
  readonly peerTable: ApiTable
  readonly broker: BrokerServices
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

  dispatch(frame: Buffer, connection: ConnectionView): FrameReply {
    if (frame.length < SMALLEST_REQUEST) return new Hangup(`a request of ${frame.length} bytes has no whole header`)
    const apiKey = frame.readInt16BE(0)
    const apiVersion = frame.readInt16BE(2)
    const isPeer = connection.listenerName === PEER_LISTENER
    const row = this.#ports.table.row(apiKey) ?? (isPeer ? this.#ports.peerTable.row(apiKey) : undefined)
    if (row === undefined) {
      this.#ports.observer.recordUnknown()
      return new Hangup(`API key ${apiKey} is not served here`)
    }
    if (apiVersion < row.minVersion || apiVersion > row.maxVersion) return this.#unsupported(row, apiVersion, frame)
    const { forwarder } = this.#ports.broker
    if (forwarder !== null && !isPeer && forwardedKeys.has(apiKey)) {
      const asked = {
        row,
        version: apiVersion,
        frame: Buffer.from(frame),
        connection,
        deadlineMs: forwarder.deadlineMs,
      }
      const outcome = forwarder.isLocal ? this.#decide(forwarder, asked) : this.#forward(forwarder, asked)
      return new PendingReply(outcome, -1)
    }
    return this.#handle(row, apiVersion, frame, connection)
  }

  /** Serves a request that came inside an Envelope; null when there is no answer to give. `frame` is in memory of its own. */
  async serve(frame: Buffer, connection: ConnectionView): Promise<Buffer | null> {
    const row = this.#ports.table.row(frame.readInt16BE(0))
    const apiVersion = frame.readInt16BE(2)
    if (row === undefined || apiVersion < row.minVersion || apiVersion > row.maxVersion) return null
    const outcome = await outcomeOf(this.#handle(row, apiVersion, frame, connection))
    // Nothing that is forwarded lends memory, stays silent or hangs up.
    return Array.isArray(outcome) ? Buffer.concat(outcome as readonly Buffer[]).subarray(4) : null
  }

  /**
   * This broker is the controller. Should it lose the lease before it has decided, the next one is asked: brokers of Kafka's never answer a client
   * NOT_CONTROLLER, and Java's admin client takes it for the end of an AlterConfigs.
   */
  async #decide(forwarder: Forwarder, asked: Forwardable): Promise<FrameOutcome> {
    const { row, version, frame, connection, deadlineMs } = asked
    const outcome = await outcomeOf(this.#handle(row, version, frame, connection))
    const isRefused = Array.isArray(outcome) && saysNotController(frame, Buffer.concat(outcome).subarray(4))
    if (!isRefused || connection.closed) return outcome
    if (await forwarder.again(deadlineMs)) return this.#forward(forwarder, asked)
    return forwarder.isClosed ? STOPPING : outcome
  }

  async #forward(forwarder: Forwarder, asked: Forwardable): Promise<FrameOutcome> {
    const { observer } = this.#ports
    const { row, version, frame, connection } = asked
    const startedAtMs = observer.begin(row.message.key, frame.length)
    try {
      const answer = await forwarder.forward(frame, connection)
      if (answer !== null) {
        observer.end(row.message.key, startedAtMs, answer.length)
        return [answer]
      }
    } catch (error) {
      return this.#failed(row, version, error)
    }
    // Nobody is left here to ask, or nobody is the controller, which is the answer, or this broker is by now.
    if (forwarder.isClosed) return STOPPING
    if (forwarder.isLocal) return this.#decide(forwarder, asked)
    return outcomeOf(this.#handle(row, version, frame, connection))
  }

  /** Only ApiVersions has an answer for a version that is not served: in v0, which every client can read. */
  #unsupported(row: ApiRow, apiVersion: number, frame: Buffer): FrameReply {
    if (row.message.key !== ApiVersions.key) {
      return new Hangup(
        `${row.message.name} version ${apiVersion} is not served (${row.minVersion}-${row.maxVersion} are)`,
      )
    }
    this.#ports.observer.recordUnknown()
    return encodeResponseFrame(ApiVersions, 0, frame.readInt32BE(4), unsupportedApiVersions(row))
  }

  #handle(row: ApiRow, apiVersion: number, frame: Buffer, connection: ConnectionView): FrameReply {
    const { broker, observer } = this.#ports
    const startedAtMs = observer.begin(row.message.key, frame.length)
    try {
      const header = decodeRequestHeader(frame)
      const context: RequestContext = {
        apiKey: row.message.key,
        apiVersion,
        correlationId: header.correlationId,
        clientId: header.clientId,
        connection,
        body: frame.subarray(header.bodyOffset),
        requestBytes: frame.length,
      }
      const result: Awaitable<HandlerResult<Message>> | AfterWrite<Message> =
        row.shortcut?.(context, broker) ??
        row.handle(
          decode(row.message, 'request', apiVersion, frame, {
            trailing: 'ignore',
            offset: header.bodyOffset,
          }) as RequestOf<Message>,
          context,
          broker,
        )
      observer.handled(row.message.key, startedAtMs)
      if (!(result instanceof AfterWrite)) return this.#conclude(row, context, result, startedAtMs)
      return new ReplyAfterWrite(() => this.#ask(row, context, result, startedAtMs), pipelinedKey(row))
    } catch (error) {
      return this.#failed(row, apiVersion, error)
    }
  }

  #ask(row: ApiRow, context: RequestContext, { ask }: AfterWrite<Message>, startedAtMs: number) {
    try {
      return this.#conclude(row, context, ask(), startedAtMs)
    } catch (error) {
      return this.#failed(row, context.apiVersion, error)
    }
  }

  #conclude(
    row: ApiRow,
    context: RequestContext,
    result: Awaitable<HandlerResult<Message>>,
    startedAtMs: number,
  ): FrameOutcome | PendingReply {
    if (!(result instanceof Promise)) return this.#finish(row, context, result, startedAtMs)
    const outcome = result.then(
      (value) => this.#finish(row, context, value, startedAtMs),
      (error: unknown) => this.#failed(row, context.apiVersion, error),
    )
    return new PendingReply(outcome, pipelinedKey(row))
  }

  /** A body that cannot be read, or a fault of ours: the protocol has no answer for either, and the process goes on. */
  #failed(row: ApiRow, apiVersion: number, error: unknown): Hangup {
    const { observer, logger } = this.#ports
    const what = `${row.message.name} v${apiVersion}`
    observer.failed(row.message.key)
    if (error instanceof ProtocolError) return new Hangup(`${what} cannot be read: ${error.message}`)
    logger.error(`${what} failed inside the broker: ${error instanceof Error ? error.stack : String(error)}`)
    return new Hangup(`${what} failed inside the broker`)
  }

  #finish(row: ApiRow, context: RequestContext, result: HandlerResult<Message>, startedAtMs: number): FrameOutcome {
    const outcome = encodeResult(row, context, result)
    let bytes = 0
    const pieces = outcome instanceof LentReply ? outcome.pieces : outcome
    if (Array.isArray(pieces)) for (const piece of pieces) bytes += piece.length
    this.#ports.observer.end(row.message.key, startedAtMs, bytes)
    return outcome
  }
}

const pipelinedKey = (row: ApiRow): number => (row.pipelined === true ? row.message.key : -1)

function encodeResult(row: ApiRow, context: RequestContext, result: HandlerResult<Message>): FrameOutcome {
  if (result === NO_RESPONSE) return NO_REPLY
  if (result === CLOSE_CONNECTION) return new Hangup(`${row.message.name} has no answer for this error`)
  const { apiVersion, correlationId } = context
  if (result instanceof LentResponse) {
    return new LentReply(encodeResponseFrame(row.message, apiVersion, correlationId, result.response), result.release)
  }
  return result instanceof EncodedBody
    ? frameBody(row, apiVersion, correlationId, result.bytes)
    : encodeResponseFrame(row.message, apiVersion, correlationId, result as ResponseInput<Message>)
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
