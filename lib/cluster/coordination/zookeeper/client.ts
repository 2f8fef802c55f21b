/**
 * One ZooKeeper session: finds a server of the ensemble, keeps the session alive, comes back after a lost connection, and tells its
 * owner when the session may be, or is, over.
 *
 * - Requests are answered in order. One that was under way when its connection ended fails with CONNECTION_LOSS: it may have been done.
 *   One that was made while there is no connection waits for the next.
 * - Watches fire at most once. After a reconnection and at the session's end every watch fires, changed or not: who watches reads again.
 * - A session ends once: after SESSION_EXPIRED this object is of no more use; make another.
 * - **In doubt.** The server counts the session timeout from the last thing it heard of us. We count on our own monotonic clock from
 *   the *sending* of the last request that was answered, which is earlier. When that time has passed, others may already act as if we
 *   were gone (`onDoubt(true)`), until a server confirms the session (`onDoubt(false)`).
 */
import type { Clock, Timer } from '../../../host/clock.js'
import type { Logger } from '../../../host/logger.js'
import type { Network } from '../../../host/network.js'
import type { Random } from '../../../host/random.js'
import { type ServerAddress, ZooKeeperConnection } from './connection.js'
import { JuteError, type JuteReader } from './jute.js'
import {
  authFrame,
  closeSession,
  exists,
  getChildren,
  getData,
  multi,
  type Operation,
  pingFrame,
  type Request,
  readNotification,
  refusal,
  type Session,
  type Stat,
  single,
  sync,
  Xid,
  ZooKeeperError,
} from './operations.js'

export interface ZooKeeperClientOptions {
  readonly servers: readonly ServerAddress[]
  /** Put in front of every path; '' for none. */
  readonly chroot: string
  readonly sessionTimeoutMs: number
  /** digest `user:password`, sent on every connection. */
  readonly auth?: readonly { readonly scheme: string; readonly credentials: string }[]
}

export interface ZooKeeperClientPorts {
  readonly network: Network
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

export interface SessionListener {
  /** True: on the server the session may have ended by now. False: it has not. */
  onDoubt(inDoubt: boolean): void
  /** The session and its ephemeral nodes are gone, or (AUTH_FAILED) of no more use. */
  onExpired(why: ZooKeeperError): void
}

interface InFlight {
  readonly xid: number
  readonly request: Request<unknown>
  readonly sentAtMs: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
  readonly watch: (() => void) | null
  readonly path: string
}

const BACKOFF_MIN_MS = 50
const BACKOFF_MAX_MS = 1000
/** Requests that may wait for a connection: a broker makes a handful; more is a loop gone wild. */
const WAITING_MAX = 10_000

export class ZooKeeperClient {
  readonly #options: ZooKeeperClientOptions
  readonly #ports: ZooKeeperClientPorts
  readonly #listener: SessionListener
  readonly #watches = new Map<string, Set<() => void>>()
  readonly #servers: ServerAddress[]
  #session: Session | null = null
  #connection: ZooKeeperConnection | null = null
  #connected = false
  #inFlight: InFlight[] = []
  #waiting: InFlight[] = []
  #pings: number[] = []
  #xid = 0
  #lastZxid = 0
  #nextServer = 0
  #failures = 0
  #heardAtMs = 0
  #doubt = false
  #over: ZooKeeperError | null = null
  #tick: Timer | null = null
  #retry: Timer | null = null
  #doubtTimer: Timer | null = null

  constructor(options: ZooKeeperClientOptions, ports: ZooKeeperClientPorts, listener: SessionListener) {
    this.#options = options
    this.#ports = ports
    this.#listener = listener
    this.#servers = shuffled(options.servers, ports.random)
  }

  /** Begins; requests may be made at once. */
  start(): void {
    this.#connect()
  }

  get sessionId(): bigint | null {
    return this.#session?.id ?? null
  }

  /** Monotonic time until which the session is certainly alive on the server; 0 before the first connection. */
  get aliveUntilMs(): number {
    return this.#session === null ? 0 : this.#heardAtMs + this.#session.timeoutMs
  }

  create(path: string, operation: Omit<Extract<Operation, { op: 'create' }>, 'op' | 'path'>): Promise<void> {
    return this.#ask(single({ op: 'create', path: this.#absolute(path), ...operation })).then(() => {})
  }

  delete(path: string, version = -1): Promise<void> {
    return this.#ask(single({ op: 'delete', path: this.#absolute(path), version })).then(() => {})
  }

  set(path: string, data: Buffer, version = -1): Promise<Stat> {
    return this.#ask(single({ op: 'set', path: this.#absolute(path), data, version })) as Promise<Stat>
  }

  /** Null when there is no such node; the watch then hears of its creation. */
  async exists(path: string, watch: (() => void) | null = null): Promise<Stat | null> {
    const absolute = this.#absolute(path)
    return orNull(this.#ask(exists(absolute, watch !== null), watch, absolute))
  }

  /** Null when there is no such node (and no watch is left then). */
  async get(path: string, watch: (() => void) | null = null): Promise<{ data: Buffer; stat: Stat } | null> {
    const absolute = this.#absolute(path)
    return orNull(this.#ask(getData(absolute, watch !== null), watch, absolute))
  }

  /** Names, sorted; null when there is no such node. */
  async children(path: string, watch: (() => void) | null = null): Promise<string[] | null> {
    const absolute = this.#absolute(path)
    const found = await orNull(this.#ask(getChildren(absolute, watch !== null), watch, absolute))
    return found === null ? null : found.children.sort()
  }

  /** All or nothing. @throws ZooKeeperError whose `operation` is the index of the one that was refused */
  async multi(operations: readonly Operation[]): Promise<void> {
    await this.#ask(multi(operations.map((operation) => ({ ...operation, path: this.#absolute(operation.path) }))))
  }

  /** Afterwards reads see everything that was written before this was called, by whomever. */
  async sync(path: string): Promise<void> {
    await this.#ask(sync(this.#absolute(path)))
  }

  /** Ends the session when a server can be told; forgets it in any case. */
  async close(): Promise<void> {
    if (this.#over !== null) return
    if (this.#connected) {
      // The answer does not matter: the connection is dropped next, and a session that nobody keeps alive expires.
      await this.#ask(closeSession()).catch((error: unknown) => {
        this.#ports.logger.debug(`The ZooKeeper session was not closed in order: ${String(error)}`)
      })
    }
    this.#end(new ZooKeeperError('CLOSED', 'The ZooKeeper client is closed.'))
  }

  #absolute(path: string): string {
    const { chroot } = this.#options
    return chroot === '' ? path : path === '/' ? chroot : chroot + path
  }

  #ask<T>(request: Request<T>, watch: (() => void) | null = null, path = ''): Promise<T> {
    if (this.#over !== null) return Promise.reject(this.#over)
    return new Promise<T>((resolve, reject) => {
      const asked = { request, resolve: resolve as (value: unknown) => void, reject, watch, path }
      if (this.#connected) this.#send(asked)
      else if (this.#waiting.length < WAITING_MAX) this.#waiting.push({ ...asked, xid: 0, sentAtMs: 0 })
      else reject(new ZooKeeperError('CONNECTION_LOSS', `Too many requests wait for ZooKeeper to ${request.what}.`))
    })
  }

  #send(asked: Omit<InFlight, 'xid' | 'sentAtMs'>): void {
    this.#xid = this.#xid === 0x7fffffff ? 1 : this.#xid + 1
    const xid = this.#xid
    this.#inFlight.push({ ...asked, xid, sentAtMs: this.#ports.clock.monotonic() })
    this.#connection!.send(asked.request.encode(xid))
  }

  #connect(): void {
    const { sessionTimeoutMs, servers } = this.#options
    const { network, clock } = this.#ports
    const server = this.#servers[this.#nextServer++ % this.#servers.length]!
    // Every server gets its turn before the session runs out.
    const timeoutMs = Math.max(200, Math.floor(sessionTimeoutMs / (servers.length + 1)))
    const began = clock.monotonic()
    const connection: ZooKeeperConnection = new ZooKeeperConnection({
      onConnected: (session) => this.#onConnected(session, began),
      onReply: (reply) => this.#onReply(reply),
      onClosed: (reason) => this.#onClosed(connection, server, reason),
    })
    this.#connection = connection
    this.#tick = clock.setTimer(timeoutMs, () => connection.close(`no answer within ${timeoutMs} ms`))
    const handshake = { session: this.#session, timeoutMs: sessionTimeoutMs, lastZxid: this.#lastZxid }
    void connection.open(network, server, timeoutMs, handshake)
  }

  #onConnected(session: Session | null, sentAtMs: number): void {
    this.#tick?.cancel()
    if (session === null) {
      this.#expire(new ZooKeeperError('SESSION_EXPIRED', 'The ZooKeeper session has expired.'))
      return
    }
    this.#session = session
    this.#connected = true
    this.#failures = 0
    this.#heard(sentAtMs)
    for (const { scheme, credentials } of this.#options.auth ?? [])
      this.#connection!.send(authFrame(scheme, credentials))
    for (const asked of this.#waiting.splice(0)) this.#send(asked)
    this.#fireWatches()
    this.#keepAlive()
  }

  /** What changed while nobody listened is found by reading again. */
  #fireWatches(): void {
    const watches = [...this.#watches.values()].flatMap((set) => [...set])
    this.#watches.clear()
    for (const watch of watches) watch()
  }

  /** Pings when it has been quiet for a third of the timeout; gives the connection up when nothing comes for two thirds. */
  #keepAlive(): void {
    const { clock } = this.#ports
    const third = this.#session!.timeoutMs / 3
    this.#tick = clock.setTimer(third / 2, () => {
      if (!this.#connected) return
      const oldest = Math.min(
        this.#pings[0] ?? Number.POSITIVE_INFINITY,
        this.#inFlight[0]?.sentAtMs ?? Number.POSITIVE_INFINITY,
      )
      const now = clock.monotonic()
      if (now - oldest > 2 * third) {
        this.#connection?.close(`no answer within ${Math.round(2 * third)} ms`)
        return
      }
      if (this.#pings.length === 0) {
        this.#pings.push(now)
        this.#connection!.send(pingFrame)
      }
      this.#keepAlive()
    })
  }

  #onReply({ xid, zxid, error, body }: { xid: number; zxid: number; error: number; body: JuteReader }): void {
    if (xid === Xid.NOTIFICATION) {
      this.#onNotification(body)
      return
    }
    if (xid === Xid.AUTH) {
      if (error === 0) return
      this.#expire(new ZooKeeperError('AUTH_FAILED', 'ZooKeeper does not accept the credentials.'))
      return
    }
    if (xid === Xid.PING) {
      const sentAtMs = this.#pings.shift()
      if (sentAtMs !== undefined) this.#heard(sentAtMs)
      return
    }
    const asked = this.#inFlight.shift()
    if (asked === undefined || asked.xid !== xid) {
      if (asked !== undefined) this.#inFlight.unshift(asked)
      throw new JuteError(`an answer to request ${xid}, which is not the next one`)
    }
    if (zxid > 0) this.#lastZxid = zxid
    this.#heard(asked.sentAtMs)
    this.#settle(asked, error, body)
  }

  #settle(asked: InFlight, error: number, body: JuteReader): void {
    const { request, watch, path } = asked
    // A watch is set by a read that succeeded, and by looking for a node that is not there.
    if (watch !== null && (error === 0 || request.what.startsWith('look for'))) this.#watch(path, watch)
    // A multi that was refused tells in its body which operation was.
    const isMulti = error !== 0 && body.remaining > 0
    if (error !== 0 && !isMulti) {
      asked.reject(refusal(error, request.what))
      return
    }
    try {
      asked.resolve(request.decode(body))
    } catch (failure) {
      asked.reject(failure as Error)
      if (failure instanceof JuteError) throw failure
    }
  }

  #watch(path: string, watch: () => void): void {
    let watches = this.#watches.get(path)
    if (watches === undefined) this.#watches.set(path, (watches = new Set()))
    watches.add(watch)
  }

  #onNotification(body: JuteReader): void {
    const { path } = readNotification(body)
    const watches = this.#watches.get(path)
    if (watches === undefined) return
    this.#watches.delete(path)
    for (const watch of watches) watch()
  }

  #heard(sentAtMs: number): void {
    const { clock } = this.#ports
    this.#heardAtMs = Math.max(this.#heardAtMs, sentAtMs)
    if (this.#doubt) {
      this.#doubt = false
      this.#listener.onDoubt(false)
    }
    this.#doubtTimer ??= clock.setTimer(Math.max(0, this.aliveUntilMs - clock.monotonic()), () => this.#checkDoubt())
  }

  #checkDoubt(): void {
    const { clock } = this.#ports
    this.#doubtTimer = null
    if (this.#over !== null) return
    const left = this.aliveUntilMs - clock.monotonic()
    if (left > 0) {
      this.#doubtTimer = clock.setTimer(left, () => this.#checkDoubt())
      return
    }
    this.#doubt = true
    this.#listener.onDoubt(true)
  }

  #onClosed(connection: ZooKeeperConnection, server: ServerAddress, reason: string): void {
    if (connection !== this.#connection || this.#over !== null) return
    const wasConnected = this.#connected
    this.#connected = false
    this.#tick?.cancel()
    this.#pings = []
    for (const { request, reject } of this.#inFlight.splice(0)) {
      reject(
        new ZooKeeperError('CONNECTION_LOSS', `The connection to ZooKeeper ended before it could ${request.what}.`),
      )
    }
    const where = `${server.host}:${server.port}`
    // One line when it begins, and then seldom: an ensemble that is down for an hour must not fill the log.
    if (wasConnected || this.#failures === 0)
      this.#ports.logger.warn(`ZooKeeper at ${where} is not reachable: ${reason}`)
    else if (this.#failures % 60 === 0) {
      this.#ports.logger.warn(`Still no ZooKeeper server reachable (last tried ${where}: ${reason}).`)
    }
    this.#failures++
    const backoff = Math.min(
      BACKOFF_MAX_MS,
      BACKOFF_MIN_MS * 2 ** Math.min(10, Math.floor(this.#failures / this.#servers.length)),
    )
    const jitter = this.#ports.random.integer(BACKOFF_MIN_MS)
    this.#retry = this.#ports.clock.setTimer(wasConnected ? jitter : backoff + jitter, () => this.#connect())
  }

  #expire(why: ZooKeeperError): void {
    this.#end(why)
    this.#listener.onExpired(why)
  }

  #end(error: ZooKeeperError): void {
    if (this.#over !== null) return
    this.#over = error
    this.#connected = false
    for (const timer of [this.#tick, this.#retry, this.#doubtTimer]) timer?.cancel()
    this.#connection?.close(error.message)
    for (const { reject } of [...this.#inFlight.splice(0), ...this.#waiting.splice(0)]) reject(error)
    this.#fireWatches()
  }
}

async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof ZooKeeperError && error.code === 'NO_NODE') return null
    throw error
  }
}

/** Clients begin at different servers, so that an ensemble shares the load. */
function shuffled<T>(values: readonly T[], random: Random): T[] {
  const left = [...values]
  const mixed: T[] = []
  while (left.length > 0) mixed.push(left.splice(random.integer(left.length), 1)[0]!)
  return mixed
}
