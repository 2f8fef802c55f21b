import type { Clock } from './clock.js'
import { MemoryConnection, type MemoryEnd, type Wire } from './memory-stream.js'
import type { ListenOptions, Network, NetworkError, NetworkServer, Stream } from './network.js'
import { endpoint, networkFault } from './network-error.js'

export interface MemoryNetworkOptions {
  /** Milliseconds that bytes travel from one host to another; 0 = they arrive in the next turn. */
  latencyMs?: number | ((from: string, to: string) => number)
}

export interface MemoryNetworkPorts {
  clock: Clock
}

/** What a connection attempt waits for when nothing answers and nobody said how long: that of Linux. */
const CONNECT_TIMEOUT_MS = 127_000
const FIRST_FREE_PORT = 32_768
const PORT_MAX = 65_535
const WILDCARDS = new Set(['', '0.0.0.0', '::'])
const LOOPBACKS = new Set(['localhost', '127.0.0.1', '::1'])

interface Listening {
  host: string
  port: number
  accept(stream: Stream): void
}

/**
 * A network inside one process: hosts with names, ports, streams that keep their order, latency, partitions. On a
 * virtual clock every run is the same. As TCP does, it never loses bytes out of the middle of a stream: a partition
 * makes them wait, and those who wait too long give up by themselves.
 */
export class MemoryNetwork implements Network, Wire {
  readonly clock: Clock
  readonly #latency: (from: string, to: string) => number
  readonly #listening = new Map<string, Listening>()
  readonly #cuts = new Set<string>()
  readonly #connections = new Set<MemoryConnection>()
  #nextPort = FIRST_FREE_PORT

  constructor(options: MemoryNetworkOptions, ports: MemoryNetworkPorts) {
    const { latencyMs = 0 } = options
    this.clock = ports.clock
    this.#latency = typeof latencyMs === 'function' ? latencyMs : () => latencyMs
  }

  /** The network as the host of that name has it. The network itself is that of host 127.0.0.1. */
  at(host: string): Network {
    return {
      listen: (options, onStream) => this.#listen(host, options, onStream),
      connect: (options) => this.#connect(host, options),
    }
  }

  listen(options: ListenOptions, onStream: (stream: Stream) => void): Promise<NetworkServer> {
    return this.#listen('127.0.0.1', options, onStream)
  }

  connect(options: { host: string; port: number; timeoutMs?: number }): Promise<Stream> {
    return this.#connect('127.0.0.1', options)
  }

  /** Nothing gets from one host to the other any more; `oneWay` leaves the way back. */
  cut(from: string, to: string, options: { oneWay?: boolean } = {}): void {
    this.#cuts.add(`${from}>${to}`)
    if (options.oneWay !== true) this.#cuts.add(`${to}>${from}`)
  }

  /** Mends one pair of hosts, or everything. What waited goes on its way. */
  heal(from?: string, to?: string): void {
    if (from === undefined || to === undefined) this.#cuts.clear()
    this.#cuts.delete(`${from}>${to}`)
    this.#cuts.delete(`${to}>${from}`)
    for (const connection of this.#connections) connection.kick()
  }

  /** The host is gone without a word: its ends of all connections die, the others notice only what they try themselves. */
  crash(host: string): void {
    for (const [key, listening] of this.#listening) if (listening.host === host) this.#listening.delete(key)
    for (const connection of this.#connections) connection.crash(host)
  }

  reaches(from: string, to: string): boolean {
    return !this.#cuts.has(`${from}>${to}`)
  }

  latencyMs(from: string, to: string): number {
    return this.#latency(from, to)
  }

  /** Called by a connection of which both ends have closed. */
  forget(connection: MemoryConnection): void {
    this.#connections.delete(connection)
  }

  /** Connections of which at least one end is open. */
  get connections(): number {
    return this.#connections.size
  }

  async #listen(own: string, options: ListenOptions, onStream: (stream: Stream) => void): Promise<NetworkServer> {
    const what = `Cannot listen on ${endpoint(options.host, options.port)}`
    if (!Number.isInteger(options.port) || options.port < 0 || options.port > PORT_MAX) {
      throw networkFault('ERR_SOCKET_BAD_PORT', what)
    }
    const port = options.port === 0 ? this.#freePort(own) : options.port
    const key = `${own}:${port}`
    if (this.#listening.has(key)) throw networkFault('EADDRINUSE', what)
    const listening: Listening = { host: own, port, accept: onStream }
    this.#listening.set(key, listening)
    return {
      host: WILDCARDS.has(options.host) ? '0.0.0.0' : options.host,
      port,
      close: async () => {
        if (this.#listening.get(key) === listening) this.#listening.delete(key)
      },
    }
  }

  #connect(own: string, options: { host: string; port: number; timeoutMs?: number }): Promise<Stream> {
    const { port, timeoutMs = CONNECT_TIMEOUT_MS } = options
    const host = LOOPBACKS.has(options.host) ? own : options.host
    const what = `Cannot connect to ${endpoint(options.host, port)}`
    return new Promise((resolve, reject) => {
      const refuse = (error: NetworkError) => reject(error)
      const tripMs = this.#latency(own, host) + this.#latency(host, own)
      if (tripMs > timeoutMs) {
        this.clock.setTimer(timeoutMs, () => refuse(networkFault('ETIMEDOUT', what)))
        return
      }
      this.clock.setTimer(tripMs, () => {
        if (!this.reaches(own, host) || !this.reaches(host, own)) {
          this.clock.setTimer(timeoutMs - tripMs, () => refuse(networkFault('ETIMEDOUT', what)))
          return
        }
        const listening = this.#listening.get(`${host}:${port}`)
        if (listening === undefined) {
          refuse(networkFault('ECONNREFUSED', what))
          return
        }
        const client: MemoryEnd = { host: own, port: this.#freePort(own) }
        const connection = new MemoryConnection(this, client, { host, port })
        this.#connections.add(connection)
        listening.accept(connection.server)
        resolve(connection.client)
      })
    })
  }

  #freePort(host: string): number {
    for (let tries = 0; tries < PORT_MAX - FIRST_FREE_PORT; tries += 1) {
      const port = this.#nextPort
      this.#nextPort = port === PORT_MAX ? FIRST_FREE_PORT : port + 1
      if (!this.#listening.has(`${host}:${port}`)) return port
    }
    throw networkFault('EADDRINUSE', `Cannot find a free port on ${host}`)
  }
}
