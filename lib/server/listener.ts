/**
 * Accepts streams for the named listeners and keeps count of the connections: how many, from where, how long idle.
 */
import type { Clock, Timer } from '../host/clock.js'
import type { Logger } from '../host/logger.js'
import type { Network, NetworkServer, Stream } from '../host/network.js'
import { Connection } from './connection.js'
import type { ListenerSpec } from './listeners.js'
import type { FrameDispatcher } from './reply.js'
import { RequestMemory } from './request-memory.js'

export interface ConnectionLimits {
  /** `socket.request.max.bytes`: a longer frame closes the connection before its bytes are kept. */
  readonly maxFrameBytes: number
  /** `max.connections`: what the process's descriptors and memory can bear. */
  readonly maxConnections: () => number
  /** `max.connections.per.ip` with `max.connections.per.ip.overrides`: one client cannot take every place. */
  readonly maxConnectionsPerAddress: (address: string) => number
  /** `connections.max.idle.ms`: a vanished client frees its place. */
  readonly maxIdleMs: number
  /** Bytes of pipelined requests kept while an earlier one waits. */
  readonly maxHeldBytes: number
  /** `queued.max.request.bytes`: requests kept in memory by all connections together; -1 for no limit. */
  readonly maxQueuedRequestBytes: number
  /** `socket.listen.backlog.size`: connections that the system keeps before they are accepted; undefined for the network's own. */
  readonly backlog?: number | undefined
}

export interface AcceptorPorts {
  readonly network: Network
  readonly clock: Clock
  readonly logger: Logger
  readonly dispatcher: FrameDispatcher
  readonly onReadDone: () => void
}

export interface BoundListener {
  readonly spec: ListenerSpec
  readonly host: string
  readonly port: number
}

/** How many sweeps fit into the idle time: a connection is closed at most a fifth late. */
const SWEEPS_PER_IDLE = 5

export class Acceptor {
  readonly #limits: ConnectionLimits
  readonly #ports: AcceptorPorts
  readonly #servers: NetworkServer[] = []
  readonly #memory: RequestMemory
  readonly #connections = new Set<Connection>()
  readonly #perAddress = new Map<string, number>()
  #nextId = 0
  #sweep = 0
  #sweepTimer: Timer | null = null
  #closing = false
  #stopped: Promise<unknown> = Promise.resolve()
  #refused = 0

  constructor(limits: ConnectionLimits, ports: AcceptorPorts) {
    this.#limits = limits
    this.#ports = ports
    this.#memory = new RequestMemory(limits.maxQueuedRequestBytes)
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections
  }

  /** Connections turned away since the start: by a limit of ours, or because the system could not accept them. */
  get refusedConnections(): number {
    return this.#refused
  }

  /** Binds one listener. Rejects with the network's error when the address cannot be had. */
  async listen(spec: ListenerSpec, serving: () => boolean): Promise<BoundListener> {
    const { backlog } = this.#limits
    const server = await this.#ports.network.listen(
      {
        host: spec.host,
        port: spec.port,
        ...(backlog === undefined ? {} : { backlog }),
        onError: (error) => this.#reportRefusal(`${error.message} (listener ${spec.name}).`),
      },
      (stream) => {
        if (serving()) this.accept(stream, spec)
        else stream.destroy()
      },
    )
    this.#servers.push(server)
    return { spec, host: server.host, port: server.port }
  }

  /** Takes over a stream, from a listener or handed in by the embedding program. */
  accept(stream: Stream, spec: Pick<ListenerSpec, 'name' | 'securityProtocol'>): void {
    const refusal = this.#refusal(stream.remoteAddress)
    if (this.#closing || refusal !== null) {
      if (refusal !== null) this.#reportRefusal(refusal)
      stream.destroy()
      return
    }
    this.#count(stream.remoteAddress, 1)
    const connection = new Connection(
      {
        id: `${stream.localAddress}:${stream.localPort}-${stream.remoteAddress}:${stream.remotePort}-${this.#nextId++}`,
        listenerName: spec.name,
        securityProtocol: spec.securityProtocol,
        principal: 'User:ANONYMOUS',
        maxFrameBytes: this.#limits.maxFrameBytes,
        maxHeldBytes: this.#limits.maxHeldBytes,
      },
      {
        stream,
        dispatcher: this.#ports.dispatcher,
        logger: this.#ports.logger,
        clock: this.#ports.clock,
        memory: this.#memory,
        currentSweep: this.#currentSweep,
        onReadDone: this.#ports.onReadDone,
        onClosed: this.#onClosed,
      },
    )
    this.#connections.add(connection)
    this.#scheduleSweep()
  }

  /** Takes no new connection and no new request; what waits may still be answered. */
  drain(): void {
    if (this.#closing) return
    this.#closing = true
    this.#sweepTimer?.cancel()
    this.#stopped = Promise.all(this.#servers.map((server) => server.close()))
    for (const connection of [...this.#connections]) connection.drain()
  }

  /** Drains, lets the connections end for up to `graceMs`, then drops what is left. Resolves when the ports are free. */
  async close(graceMs: number): Promise<void> {
    this.drain()
    if (this.#connections.size > 0 && graceMs > 0) await this.#emptyWithin(graceMs)
    for (const connection of [...this.#connections]) connection.destroy()
    await this.#stopped
  }

  readonly #currentSweep = (): number => this.#sweep

  readonly #onClosed = (connection: Connection): void => {
    if (!this.#connections.delete(connection)) return
    this.#count(connection.remoteAddress, -1)
    if (this.#connections.size === 0) {
      this.#sweepTimer?.cancel()
      this.#sweepTimer = null
      this.#whenEmpty?.()
    }
  }

  #whenEmpty: (() => void) | null = null

  #emptyWithin(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#ports.clock.setTimer(graceMs, resolve)
      this.#whenEmpty = () => {
        timer.cancel()
        resolve()
      }
    })
  }

  #refusal(address: string): string | null {
    if (this.#connections.size >= this.#limits.maxConnections()) {
      return `Refused a connection from ${address}: ${this.#connections.size} are open (max.connections).`
    }
    const most = this.#limits.maxConnectionsPerAddress(address)
    if ((this.#perAddress.get(address) ?? 0) >= most) {
      return `Refused a connection from ${address}: it has ${most} open (max.connections.per.ip).`
    }
    return null
  }

  /** The first refusal and then every thousandth is worth a line; a storm of them must not fill the log. */
  #reportRefusal(sentence: string): void {
    if (this.#refused++ % 1000 === 0) this.#ports.logger.warn(sentence)
  }

  #count(address: string, change: number): void {
    const count = (this.#perAddress.get(address) ?? 0) + change
    if (count === 0) this.#perAddress.delete(address)
    else this.#perAddress.set(address, count)
  }

  /** The sweep runs only while there are connections: an idle broker has no timer. */
  #scheduleSweep(): void {
    if (this.#sweepTimer !== null || this.#closing || this.#limits.maxIdleMs <= 0) return
    this.#sweepTimer = this.#ports.clock.setTimer(this.#limits.maxIdleMs / SWEEPS_PER_IDLE, () => {
      this.#sweepTimer = null
      this.#sweep++
      for (const connection of [...this.#connections]) {
        const idle = this.#sweep - connection.lastActiveSweep > SWEEPS_PER_IDLE
        if (idle && !connection.busy) connection.drain()
      }
      if (this.#connections.size > 0) this.#scheduleSweep()
    })
  }
}
