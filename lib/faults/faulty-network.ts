/**
 * A network that fails as real ones do, by a seed. Wraps any other, and each stream that goes through it.
 *
 * Fault model:
 * - **Splits**: what was written at once arrives in pieces of any size. What was written in pieces may arrive joined
 *   anyway: streams have no messages.
 * - **Delays**: bytes, and the end that follows them, arrive later; their order stays.
 * - **Resets**: at any arrival or write the connection breaks; both ends hear of it, and bytes on the way are lost.
 * - **Half-open**: from some arrival on nothing comes or goes, and nobody says so. Only the owner's own timeout ends it.
 * - **Refusals**: connecting fails.
 *
 * Not in the model: changed, lost, repeated or reordered bytes inside a living stream. TCP does not do that.
 * Partitions between hosts are `MemoryNetwork.cut`.
 */
import { Buffer } from 'node:buffer'
import type { Clock, Timer } from '../host/clock.js'
import type { ListenOptions, Network, NetworkServer, Stream, StreamHandlers } from '../host/network.js'
import { endpoint, networkFault } from '../host/network-error.js'
import { Dice } from './dice.js'

export interface NetworkFaultPlan {
  seed: number
  /** Chances from 0 to 1, each 0 by default. */
  splitChance?: number
  delayChance?: number
  delayMaxMs?: number
  resetChance?: number
  halfOpenChance?: number
  refuseChance?: number
}

export class FaultyNetwork implements Network {
  readonly dice: Dice
  readonly plan: Required<NetworkFaultPlan>
  readonly clock: Clock
  /** Without faults until armed again. */
  armed = true
  readonly #inner: Network

  constructor(plan: NetworkFaultPlan, ports: { network: Network; clock: Clock }) {
    this.#inner = ports.network
    this.clock = ports.clock
    this.plan = {
      splitChance: 0,
      delayChance: 0,
      delayMaxMs: 20,
      resetChance: 0,
      halfOpenChance: 0,
      refuseChance: 0,
      ...plan,
    }
    this.dice = new Dice(plan.seed)
  }

  listen(options: ListenOptions, onStream: (stream: Stream) => void): Promise<NetworkServer> {
    return this.#inner.listen(options, (stream) => onStream(this.wrap(stream)))
  }

  async connect(options: { host: string; port: number; timeoutMs?: number }): Promise<Stream> {
    if (this.happens(this.plan.refuseChance)) {
      throw networkFault('ECONNREFUSED', `Cannot connect to ${endpoint(options.host, options.port)}`)
    }
    return this.wrap(await this.#inner.connect(options))
  }

  /** A stream with this network's faults. */
  wrap(stream: Stream): Stream {
    return new FaultyStream(stream, this)
  }

  happens(chance: number): boolean {
    return this.armed && this.dice.happens(chance)
  }
}

/** An arrival; null is the end. */
type Arrival = Buffer | null

class FaultyStream implements Stream {
  readonly #inner: Stream
  readonly #network: FaultyNetwork
  #handlers: StreamHandlers | null = null
  /** Delayed or split arrivals, in order. Empty on the fast way. */
  readonly #waiting: Arrival[] = []
  #timer: Timer | null = null
  #paused = false
  #silent = false
  #closed = false
  #closesAfter = false

  constructor(inner: Stream, network: FaultyNetwork) {
    this.#inner = inner
    this.#network = network
  }

  get remoteAddress(): string {
    return this.#inner.remoteAddress
  }
  get remotePort(): number {
    return this.#inner.remotePort
  }
  get localAddress(): string {
    return this.#inner.localAddress
  }
  get localPort(): number {
    return this.#inner.localPort
  }
  get bufferedBytes(): number {
    return this.#inner.bufferedBytes
  }

  attach(handlers: StreamHandlers): void {
    this.#handlers = handlers
    this.#inner.attach({
      onData: (view) => this.#arrive(view),
      onEnd: () => this.#arrive(null),
      onClose: (error) => this.#innerClosed(error),
      onDrain: () => {
        if (!this.#silent && !this.#closed) handlers.onDrain()
      },
    })
  }

  write(pieces: readonly Buffer[], onSent?: () => void): boolean {
    if (this.#closed) return false
    if (this.#network.happens(this.#network.plan.resetChance)) {
      // Not within this call: an owner that is told of the end while it still writes is a trap of its own. But nothing that is
      // written until then may arrive: a stream has no holes.
      this.#silent = true
      this.#network.clock.setTimer(0, () => this.#break())
      return false
    }
    return this.#silent ? true : this.#inner.write(pieces, onSent)
  }

  pause(): void {
    this.#paused = true
    this.#inner.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#waiting.length > 0) this.#later(0)
    else if (!this.#closed) this.#inner.resume()
  }

  end(): void {
    if (!this.#silent) this.#inner.end()
  }

  destroy(): void {
    this.#waiting.length = 0
    this.#inner.destroy()
  }

  #arrive(arrival: Arrival): void {
    if (this.#silent || this.#closed) return
    const { plan, dice } = this.#network
    if (this.#network.happens(plan.resetChance)) {
      this.#break()
      return
    }
    if (this.#network.happens(plan.halfOpenChance)) {
      this.#silent = true
      this.#waiting.length = 0
      return
    }
    const delayMs = this.#network.happens(plan.delayChance) ? dice.between(1, plan.delayMaxMs) : 0
    if (this.#waiting.length === 0 && delayMs === 0 && !this.#splits(arrival)) {
      this.#hand(arrival)
      return
    }
    // The view is only lent: what waits is copied.
    this.#waiting.push(...this.#pieces(arrival === null ? null : Buffer.from(arrival)))
    this.#later(delayMs)
  }

  #splits(arrival: Arrival): boolean {
    return arrival !== null && arrival.length > 1 && this.#network.happens(this.#network.plan.splitChance)
  }

  #pieces(arrival: Arrival): Arrival[] {
    const pieces: Arrival[] = []
    let rest = arrival
    while (rest !== null && this.#splits(rest)) {
      const count = this.#network.dice.between(1, rest.length - 1)
      pieces.push(rest.subarray(0, count))
      rest = rest.subarray(count)
    }
    pieces.push(rest)
    return pieces
  }

  #later(delayMs: number): void {
    this.#timer ??= this.#network.clock.setTimer(delayMs, () => {
      this.#timer = null
      if (this.#paused || this.#closed) return
      const next = this.#waiting.shift()
      if (next !== undefined) this.#hand(next)
      if (this.#waiting.length > 0) this.#later(0)
      else if (this.#closesAfter) this.#close(null)
      else if (!this.#paused && !this.#closed) this.#inner.resume()
    })
  }

  #hand(arrival: Arrival): void {
    if (arrival === null) this.#handlers?.onEnd()
    else this.#handlers?.onData(arrival)
  }

  #break(): void {
    if (this.#closed) return
    this.#inner.destroy()
    const peer = endpoint(this.remoteAddress, this.remotePort)
    this.#close(networkFault('ECONNRESET', `The connection to ${peer} broke`))
  }

  #innerClosed(error: Error | null): void {
    // A normal end after which delayed bytes still wait comes after them.
    if (error === null && this.#waiting.length > 0) this.#closesAfter = true
    else this.#close(error)
  }

  #close(error: Error | null): void {
    if (this.#closed) return
    this.#closed = true
    this.#timer?.cancel()
    this.#waiting.length = 0
    this.#handlers?.onClose(error)
  }
}
