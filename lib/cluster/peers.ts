/** Connections to the other brokers of the cluster, by broker id. */
import type { Clock } from '../host/clock.js'
import { type Network, NetworkError, type Stream } from '../host/network.js'
import type { Image } from '../metadata/image.js'
import { Peer } from './peer.js'

/** The listener through which brokers reach each other. Clients are never told of it (Kafka's controller.listener.names). */
export const PEER_LISTENER = 'CONTROLLER'

export interface PeersPorts {
  readonly clock: Clock
  readonly network: Network
  image(): Image
}

const CONNECT_TIMEOUT_MS = 3000

export class Peers {
  readonly #options: { readonly brokerId: number; readonly requestTimeoutMs: number }
  readonly #ports: PeersPorts
  readonly #shared = new Map<string, Peer>()
  readonly #open = new Set<Peer>()
  #isolated = false
  #closed = false

  constructor(options: { readonly brokerId: number; readonly requestTimeoutMs: number }, ports: PeersPorts) {
    this.#options = options
    this.#ports = ports
  }

  /**
   * The connection to a broker for questions of one kind. A broker answers the questions of a connection one after the other: what another one
   * waits for, as a forwarded request waits for heartbeats, must not be behind it.
   */
  to(brokerId: number, kind: 'short' | 'heartbeats' | 'forwarded'): Peer {
    const key = `${kind}:${brokerId}`
    let peer = this.#shared.get(key)
    if (peer === undefined) this.#shared.set(key, (peer = this.open(brokerId)))
    return peer
  }

  /** One more connection, closed by whoever asked for it. */
  open(brokerId: number): Peer {
    const { requestTimeoutMs } = this.#options
    const name = `broker ${brokerId}`
    const clientId = `broker-${this.#options.brokerId}`
    const peer: Peer = new Peer(
      { name, clientId, requestTimeoutMs },
      {
        clock: this.#ports.clock,
        connect: () => this.#connect(brokerId),
        onClosed: () => this.#open.delete(peer),
      },
    )
    this.#open.add(peer)
    if (this.#closed) peer.close()
    return peer
  }

  /** Whoever waits for the controller asks on for a while, and gets no connection any more: nobody would be left to end it. */
  close(): void {
    this.#closed = true
    for (const peer of this.#shared.values()) peer.close()
    this.#shared.clear()
  }

  get isIsolated(): boolean {
    return this.#isolated
  }

  /** For tests: while set, no connection is made, and those that are open break. */
  setIsolated(isolated: boolean): void {
    this.#isolated = isolated
    if (isolated) for (const peer of this.#open) peer.drop('this broker is cut off from the others')
  }

  /** The address is looked up for every attempt: a broker that comes back may have another. */
  async #connect(brokerId: number): Promise<Stream> {
    const endpoint = this.#ports.image().brokers.get(brokerId)?.endpoints.get(PEER_LISTENER)
    if (endpoint === undefined) {
      throw new NetworkError('ENOTFOUND', `Broker ${brokerId} is not registered with a port for brokers.`)
    }
    const { host, port } = endpoint
    const stream = await this.#ports.network.connect({ host, port, timeoutMs: CONNECT_TIMEOUT_MS })
    if (this.#isolated) {
      stream.destroy()
      throw new NetworkError('EHOSTUNREACH', 'This broker is cut off from the others.')
    }
    return stream
  }
}
