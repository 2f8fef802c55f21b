/**
 * One client connection: bytes in, frames to the dispatcher, replies out in the order of the requests.
 *
 * Kafka handles one request of a connection at a time, and so do we: while a request waits (a parked fetch, a rebalance),
 * the frames behind it are held back. Rows marked `pipelined` may overtake that rule among themselves; replies still leave
 * in order, each from its reserved slot.
 *
 * Backpressure, from the inside out: a reader that does not drain its replies blocks the next frame; held frames beyond
 * `maxHeldBytes` pause the stream; a paused stream fills the client's window.
 */
import { Framer, ProtocolError } from '../../protocol/index.js'
import type { Clock, Timer } from '../host/clock.js'
import type { Logger } from '../host/logger.js'
import type { Stream } from '../host/network.js'
import { enqueue } from '../host/real-time.js'
import type { ConnectionView } from './context.js'
import { Outbox } from './outbox.js'
import { OwedReplies, type Place } from './owed-replies.js'
import { type FrameDispatcher, type FrameOutcome, Hangup, NO_REPLY, PendingReply, ReplyAfterWrite } from './reply.js'
import type { RequestMemory } from './request-memory.js'

export interface ConnectionOptions {
  readonly id: string
  readonly listenerName: string
  readonly securityProtocol: string
  readonly principal: string
  /** `socket.request.max.bytes` */
  readonly maxFrameBytes: number
  /** Bytes of requests kept while an earlier one waits, before the stream is paused: a pipelining client costs no more than this. */
  readonly maxHeldBytes: number
}

export interface ConnectionPorts {
  readonly stream: Stream
  readonly dispatcher: FrameDispatcher
  readonly logger: Logger
  readonly clock: Clock
  readonly memory: RequestMemory
  /** The server's sweep count: the cheap clock of idleness. */
  readonly currentSweep: () => number
  /** Called after each socket read was worked through, before the replies leave: writes what the read appended, in one go. */
  readonly onReadDone: () => void
  readonly onClosed: (connection: Connection) => void
}

/** How long a closed connection may wait for the peer's own close before it is dropped: a peer that never closes costs no more. */
const LINGER_MS = 1000
/** The same when the broker goes and all has been handed over: `close` of an embedded broker waits for it. */
const DRAIN_LINGER_MS = 50
/** Replies gathered before they are sent although the read is not worked through: bounds what one read can make us owe. */
const MAX_CORKED_BYTES = 1 << 20

export class Connection implements ConnectionView {
  readonly id: string
  readonly listenerName: string
  readonly securityProtocol: string
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  principal: string
  clientSoftwareName = ''
  clientSoftwareVersion = ''
  /** The server's sweep count when the last byte was read or a reply left; connections that stay behind are idle. */
  lastActiveSweep = 0
  closed = false

  readonly #options: ConnectionOptions
  readonly #ports: ConnectionPorts
  readonly #stream: Stream
  readonly #framer: Framer
  readonly #owed = new OwedReplies()
  readonly #closeListeners = new Set<() => void>()
  readonly #out = new Outbox()
  #held: Buffer[] = []
  #heldBytes = 0
  /** Our share of the request memory as last told. */
  #accountedBytes = 0
  /** True while frames of one read are worked through: replies are gathered and leave as one write. */
  #corked = false
  #outputBlocked = false
  /** Waits that `stall` was given. */
  #stalls = 0
  #paused = false
  /** A frame that may not overtake the waiting pipelined ones was held back: nothing starts until they are answered. */
  #gated = false
  /** No further frame is handled: the peer broke the protocol, or the server drains. */
  #deaf = false
  #draining = false
  #peerEnded = false
  #finished = false
  #linger: Timer | null = null

  constructor(options: ConnectionOptions, ports: ConnectionPorts) {
    this.id = options.id
    this.listenerName = options.listenerName
    this.securityProtocol = options.securityProtocol
    this.principal = options.principal
    this.remoteAddress = ports.stream.remoteAddress
    this.remotePort = ports.stream.remotePort
    this.localAddress = ports.stream.localAddress
    this.#options = options
    this.#ports = ports
    this.#stream = ports.stream
    this.#framer = new Framer({ maxFrameBytes: options.maxFrameBytes, onFrame: (frame) => this.#onFrame(frame) })
    this.lastActiveSweep = ports.currentSweep()
    ports.stream.attach({
      onData: (view) => this.#onData(view),
      onEnd: () => this.#onEnd(),
      onDrain: () => this.#onDrain(),
      onClose: (error) => this.#onClosed(error),
    })
  }

  /** Bytes kept in memory for this connection: half a frame, held frames, replies that have not left. */
  get bufferedBytes(): number {
    return this.#heldBytes + this.#framer.pendingBytes + this.#stream.bufferedBytes
  }

  /** A request of this connection waits for its answer, or an answer for its reader. */
  get busy(): boolean {
    return !this.#owed.isEmpty || this.#outputBlocked || this.#stalls > 0
  }

  onClose(listener: () => void): () => void {
    if (this.closed) {
      listener()
      return () => {}
    }
    this.#closeListeners.add(listener)
    return () => this.#closeListeners.delete(listener)
  }

  stall(until: Promise<void>): void {
    this.#stalls += 1
    void until.then(() => {
      this.#stalls -= 1
      if (!this.closed) this.#release()
    })
  }

  /** Drops the connection now; what waits is forgotten. */
  destroy(): void {
    if (!this.closed) this.#stream.destroy()
  }

  /** Takes no further request, sends what is owed, closes. */
  drain(): void {
    this.#deaf = true
    this.#draining = true
    this.#held = []
    this.#heldBytes = 0
    if (this.#owed.isEmpty) this.#finish()
  }

  #onData(view: Buffer): void {
    this.lastActiveSweep = this.#ports.currentSweep()
    if (this.#deaf) return
    if (this.#held.length > 0 || this.#blocked()) this.#hold(view)
    else this.#work(view)
    this.#balance()
  }

  /** Tells the request memory what we keep, and stops or starts reading accordingly. */
  #balance(): void {
    const { memory } = this.#ports
    const partialBytes = this.#framer.pendingBytes
    const bytes = this.closed ? 0 : this.#heldBytes + partialBytes
    if (bytes !== this.#accountedBytes) {
      const before = this.#accountedBytes
      this.#accountedBytes = bytes
      memory.change(before, bytes)
    }
    if (this.closed) return
    const starved = memory.full && partialBytes === 0
    if (starved) memory.wait(this)
    const pause = !this.#finished && (starved || this.#heldBytes >= this.#options.maxHeldBytes)
    if (pause === this.#paused) return
    this.#paused = pause
    if (pause) this.#stream.pause()
    else this.#stream.resume()
  }

  reconsider(): void {
    if (!this.closed) this.#balance()
  }

  /** A client that half-closes still gets the answers that it has asked for, as from Kafka. */
  #onEnd(): void {
    this.#peerEnded = true
    this.#finishIfAnswered()
  }

  #onDrain(): void {
    this.#outputBlocked = false
    this.lastActiveSweep = this.#ports.currentSweep()
    this.#release()
  }

  #onClosed(error: Error | null): void {
    if (this.closed) return
    this.closed = true
    this.#deaf = true
    this.#linger?.cancel()
    this.#held = []
    this.#heldBytes = 0
    this.#out.clear()
    this.#framer.stop()
    this.#ports.memory.forget(this)
    this.#balance()
    if (error) this.#ports.logger.debug(`Connection ${this.id} broke: ${error.message}`)
    for (const listener of this.#closeListeners) listener()
    this.#closeListeners.clear()
    this.#ports.onClosed(this)
  }

  /** Works through the whole frames of `view`; keeps the rest when a frame has to wait. */
  #work(view: Buffer): void {
    this.#corked = true
    let consumed = view.length
    try {
      consumed = this.#framer.push(view)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#deaf = true
      this.#answer(new Hangup(error.message))
    }
    this.#write()
    this.#corked = false
    this.#flush()
    if (consumed < view.length && !this.#deaf) this.#hold(view.subarray(consumed))
    if (this.#draining && this.#owed.isEmpty) this.#finish()
  }

  /** False stops the framer after this frame. */
  #onFrame(frame: Buffer): boolean {
    if (this.#mustWait(frame)) {
      this.#gated = true
      this.#holdFrame(frame)
      return false
    }
    const reply = this.#ports.dispatcher.dispatch(frame, this)
    if (reply instanceof ReplyAfterWrite) this.#owed.putAfterWrite(reply)
    else if (reply instanceof PendingReply) this.#park(this.#owed.reserve(reply.pipelinedKey), reply)
    else this.#answer(reply)
    return !this.#deaf && !this.#blocked()
  }

  /** What waits for the write alone does not keep others waiting: the write is made then. */
  #mustWait(frame: Buffer): boolean {
    if (this.#owed.isEmpty) return false
    const apiKey = this.#ports.dispatcher.apiKeyOf(frame)
    if (!this.#owed.letStart(apiKey) && this.#owed.hasUnwritten) this.#write()
    return !this.#owed.letStart(apiKey)
  }

  /** Writes what this read has appended so far, and settles what waited for that alone. */
  #write(): void {
    this.#ports.onReadDone()
    if (!this.#owed.hasUnwritten) return
    this.#owed.askWritten((place, reply) => this.#park(place, reply))
    this.#settleInOrder()
  }

  #park(place: Place, reply: PendingReply): void {
    reply.outcome.then(
      (outcome) => this.#fill(place, outcome),
      (error: unknown) => {
        this.#ports.logger.error(`A request of connection ${this.id} failed: ${describe(error)}`)
        this.#fill(place, new Hangup('a request failed inside the broker'))
      },
    )
  }

  /** An outcome that is known at once takes its turn behind those that wait. */
  #answer(outcome: FrameOutcome): void {
    if (this.#owed.hasUnwritten) this.#write()
    if (this.#owed.isEmpty) this.#settle(outcome)
    else this.#owed.put(outcome)
  }

  #fill(place: Place, outcome: FrameOutcome): void {
    if (this.closed) return
    place.outcome = outcome
    this.lastActiveSweep = this.#ports.currentSweep()
    this.#settleInOrder()
    this.#flushWithOthers()
    if (this.#owed.isEmpty) this.#gated = false
    if (this.#deaf && this.#owed.isEmpty) this.#finish()
    else this.#release()
  }

  #settleInOrder(): void {
    while (!this.#finished) {
      const outcome = this.#owed.take()
      if (outcome === undefined) return
      this.#settle(outcome)
    }
  }

  #settle(outcome: FrameOutcome): void {
    if (outcome === NO_REPLY) return
    if (outcome instanceof Hangup) {
      this.#hangUp(outcome.reason)
      return
    }
    this.#out.add(outcome)
    if (this.#corked && this.#out.bytes >= MAX_CORKED_BYTES) this.#flushEarly()
  }

  #flush(): void {
    if (this.#out.isEmpty || this.#corked || this.closed) return
    const { pieces, onSent } = this.#out.take()
    if (!this.#stream.write(pieces, onSent)) this.#outputBlocked = true
  }

  /** A read full of small requests for large answers must notice a reader that is too slow. */
  #flushEarly(): void {
    this.#corked = false
    this.#ports.onReadDone()
    this.#flush()
    this.#corked = true
  }

  /** No frame may start: the peer does not read its replies, we are behind, or a waiting request lets nothing overtake it. */
  #blocked(): boolean {
    if (this.#outputBlocked || this.#gated || this.#stalls > 0) return true
    return this.#owed.lockOut
  }

  #hold(view: Buffer): void {
    this.#held.push(Buffer.from(view))
    this.#heldBytes += view.length
  }

  /** Puts a frame that the framer has given out already back in front of what is held. */
  #holdFrame(frame: Buffer): void {
    const copy = Buffer.allocUnsafe(frame.length + 4)
    copy.writeInt32BE(frame.length, 0)
    frame.copy(copy, 4)
    this.#held.unshift(copy)
    this.#heldBytes += copy.length
  }

  /** Goes on with what was held back, in the order it came. */
  #release(): void {
    while (this.#held.length > 0 && !this.#blocked() && !this.#deaf) {
      const [view, ...later] = this.#held
      this.#held = []
      this.#heldBytes -= view!.length
      this.#work(view!)
      this.#held.push(...later)
    }
    this.#balance()
    this.#finishIfAnswered()
  }

  /** What was waited for was often one write: the answers to all of its requests come in this turn, and leave together. */
  #flushWithOthers(): void {
    if (this.#owed.isEmpty || this.#out.bytes >= MAX_CORKED_BYTES) this.#flush()
    else enqueue(() => this.#flush())
  }

  #finishIfAnswered(): void {
    if (this.#peerEnded && this.#held.length === 0 && this.#owed.isEmpty) this.#finish()
  }

  /** Sends what is owed from before the offence, then closes. */
  #hangUp(reason: string): void {
    this.#ports.logger.info(`Closing connection ${this.id} from ${this.remoteAddress}:${this.remotePort}: ${reason}`)
    this.#deaf = true
    this.#held = []
    this.#heldBytes = 0
    this.#corked = false
    this.#finish()
  }

  #finish(): void {
    if (this.#finished || this.closed) return
    this.#deaf = true
    this.#flush()
    this.#finished = true
    this.#stream.end()
    // Reading goes on, without looking: only so do we see the peer's close.
    this.#balance()
    const lingerMs = this.#draining && this.#stream.bufferedBytes === 0 ? DRAIN_LINGER_MS : LINGER_MS
    this.#linger = this.#ports.clock.setTimer(lingerMs, () => this.destroy())
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
