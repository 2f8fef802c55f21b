/**
 * What a handler sees of the request that it answers, and the few things it may answer with.
 *
 * A handler turns a decoded request into a response value. It decides nothing: the state machines of the lower levels do.
 * It answers synchronously whenever it can; a Promise is for what has to wait (a parked fetch, a rebalance, a disk).
 */
import type { Message, RequestOf, ResponseInput } from '../../protocol/index.js'
import type { BrokerServices } from './services.js'

export type Awaitable<T> = T | Promise<T>

export interface RequestContext {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly connection: ConnectionView
  /** The undecoded body: a view of the read buffer, gone when the handler first waits. */
  readonly body: Buffer
  /** Bytes of the request frame, header included. */
  readonly requestBytes: number
}

/** What a request may know of the connection that it came through. */
export interface ConnectionView {
  /** Unique within the process, e.g. for fetch sessions and log lines. */
  readonly id: string
  readonly listenerName: string
  readonly securityProtocol: string
  readonly remoteAddress: string
  readonly remotePort: number
  /** The address the client reached us at: what a wildcard listener advertises. */
  readonly localAddress: string
  /** `User:ANONYMOUS` without authentication. */
  readonly principal: string
  /** The broker that the client asked, where the request was forwarded; else absent: this one. */
  readonly receiverId?: number
  /** Set by ApiVersions v3+; shown in metrics and logs. */
  clientSoftwareName: string
  clientSoftwareVersion: string
  readonly closed: boolean
  /** No further request is read before `until` resolves: its sender is faster than we are. */
  stall(until: Promise<void>): void
  /** Calls back once when the connection is gone; returns how to unsubscribe. Parked operations cancel themselves with it. */
  onClose(listener: () => void): () => void
}

/** The request gets no response at all (Produce with acks=0). */
export const NO_RESPONSE = Symbol('no response')
/** The connection is closed without an answer, as Kafka does where the protocol has no room for an error. */
export const CLOSE_CONNECTION = Symbol('close connection')

/** A response body that has been encoded for this API version before: cached Metadata and ApiVersions. */
export class EncodedBody {
  constructor(readonly bytes: Buffer) {}
}

/** A response whose bytes are borrowed: `release` gives them back when they have been sent. */
export class LentResponse<M extends Message> {
  constructor(
    readonly response: ResponseInput<M>,
    readonly release: () => void,
  ) {}
}

export type HandlerResult<M extends Message> =
  | ResponseInput<M>
  | LentResponse<M>
  | EncodedBody
  | typeof NO_RESPONSE
  | typeof CLOSE_CONNECTION

/** A result that is known once what was appended in this turn has been written: asked for after that, still in this turn. */
export class AfterWrite<M extends Message> {
  constructor(readonly ask: () => Awaitable<HandlerResult<M>>) {}
}

export type Handler<M extends Message> = (
  request: RequestOf<M>,
  context: RequestContext,
  broker: BrokerServices,
) => Awaitable<HandlerResult<M>> | AfterWrite<M>

/** One served API: a row of the API table. */
export interface ApiRow<M extends Message = Message> {
  readonly message: M
  /** Lowest and highest version served. */
  readonly minVersion: number
  readonly maxVersion: number
  /** What ApiVersions shows as the minimum when it differs (Produce: KAFKA-18659). */
  readonly advertisedMinVersion?: number
  /** Requests of this API may be started while earlier ones of the same API on the connection still wait. Replies stay in order. */
  readonly pipelined?: boolean
  /** Looks at the undecoded body first: an answer here saves decoding (cached Metadata). */
  readonly shortcut?: (context: RequestContext, broker: BrokerServices) => EncodedBody | null
  readonly handle: Handler<M>
}

/** Makes a row of the API table with the handler's types checked against its message. `versions` is "min-max". */
export function api<M extends Message>(
  message: M,
  versions: string,
  handle: Handler<M>,
  extras: Partial<Pick<ApiRow<M>, 'advertisedMinVersion' | 'pipelined' | 'shortcut'>> = {},
): ApiRow<M> {
  const [minVersion, maxVersion] = versions.split('-').map(Number)
  if (minVersion === undefined || maxVersion === undefined || !(minVersion <= maxVersion)) {
    throw new Error(`${message.name}: "${versions}" is not a version range like 0-4`)
  }
  return { message, minVersion, maxVersion, handle, ...extras }
}
