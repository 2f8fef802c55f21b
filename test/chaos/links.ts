/**
 * A TCP proxy in front of one address, which can cut off who comes through it. Between brokers it knows the callers by the client id of their
 * first request, so that one direction between two brokers can fail and no other.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'

/** `cut`: connections break and new ones do too. `silent`: nothing arrives; what was sent does so later. */
export type LinkState = 'open' | 'cut' | 'silent'

interface Pair {
  readonly client: Socket
  upstream: Socket | null
  caller: string | null
  /** What came before the caller was known, or while the link was silent. */
  held: Buffer[]
}

/** Client ids are "broker-101". */
const API_HEADER_BYTES = 14

export class Link {
  readonly port: number
  readonly #server: Server
  readonly #target: number
  readonly #callerOf: (first: Buffer) => string | null
  readonly #states = new Map<string, LinkState>()
  readonly #pairs = new Set<Pair>()

  private constructor(server: Server, target: number, callerOf: (first: Buffer) => string | null) {
    this.#server = server
    this.#target = target
    this.#callerOf = callerOf
    this.port = (server.address() as { port: number }).port
    server.on('connection', (client) => this.#accept(client))
  }

  /** In front of a port of this machine. `callerOf` gets what has come so far: null while that does not say who it is. */
  static async to(target: number, callerOf: (first: Buffer) => string | null): Promise<Link> {
    const server = createServer({ noDelay: true })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    return new Link(server, target, callerOf)
  }

  /** For this caller; null: for all. */
  set(caller: string | null, state: LinkState): void {
    if (caller === null) this.#states.clear()
    this.#states.set(caller ?? '', state)
    for (const pair of this.#pairs) if (pair.caller !== null) this.#enforce(pair)
  }

  close(): void {
    this.#server.close()
    for (const pair of this.#pairs) this.#end(pair)
  }

  #stateFor(caller: string): LinkState {
    return this.#states.get(caller) ?? this.#states.get('') ?? 'open'
  }

  #accept(client: Socket): void {
    const pair: Pair = { client, upstream: null, caller: null, held: [] }
    this.#pairs.add(pair)
    client.on('error', () => {})
    client.on('close', () => this.#end(pair))
    client.on('data', (bytes) => {
      if (pair.upstream !== null) {
        forward(bytes, client, pair.upstream)
        return
      }
      pair.held.push(bytes)
      pair.caller ??= this.#callerOf(Buffer.concat(pair.held))
      if (pair.caller !== null) this.#enforce(pair)
    })
  }

  #enforce(pair: Pair): void {
    const state = this.#stateFor(pair.caller!)
    if (state === 'cut') this.#end(pair)
    else if (state === 'silent') for (const socket of [pair.client, pair.upstream]) socket?.pause()
    else {
      pair.upstream ??= this.#connect(pair)
      for (const socket of [pair.client, pair.upstream]) socket.resume()
    }
  }

  #connect(pair: Pair): Socket {
    const upstream = connect({ host: '127.0.0.1', port: this.#target, noDelay: true })
    upstream.on('error', () => {})
    upstream.on('close', () => this.#end(pair))
    upstream.on('data', (bytes) => forward(bytes, upstream, pair.client))
    for (const bytes of pair.held.splice(0)) upstream.write(bytes)
    return upstream
  }

  #end(pair: Pair): void {
    this.#pairs.delete(pair)
    pair.client.destroy()
    pair.upstream?.destroy()
  }
}

/** A slow reader slows the writer down. */
function forward(bytes: Buffer, from: Socket, to: Socket): void {
  if (to.write(bytes)) return
  from.pause()
  to.once('drain', () => from.resume())
}

/** The client id in the header of a connection's first request. */
export function clientIdOf(first: Buffer): string | null {
  if (first.length < API_HEADER_BYTES) return null
  const length = first.readInt16BE(12)
  if (first.length < API_HEADER_BYTES + length) return null
  return first.toString('utf8', API_HEADER_BYTES, API_HEADER_BYTES + Math.max(length, 0))
}
