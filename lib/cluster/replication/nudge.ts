/** A fetch for nothing: makes a leader answer what waits there for this follower (see `Fetches.fetch`). */
import { Fetch } from '../../../protocol/index.js'
import type { Clock, Timer } from '../../host/clock.js'
import { type Peer, PeerLost } from '../peer.js'

const VERSION = 18
const AGAIN_MS = 20

/**
 * When a follower nudges. While a request waits at the leader, nothing else can be asked for: what this broker has come to follow meanwhile, after a
 * change of leader say, would wait as long. Said again until the answer is there, for it may arrive before what it is about.
 */
export class Nudges {
  readonly #clock: Clock
  readonly #nudge: () => void
  readonly #planned = new Set<Timer>()
  #asking = false
  #closed = false
  #timer: Timer | null = null

  constructor(clock: Clock, nudge: () => void) {
    this.#clock = clock
    this.#nudge = nudge
  }

  /** A request waits at the leader from now on. */
  begin(): void {
    this.#asking = true
  }

  /** It waits no more. */
  end(): void {
    this.#asking = false
    this.#timer?.cancel()
    this.#timer = null
  }

  /** There is more to ask for. */
  now(delayMs = 0): void {
    if (this.#closed || !this.#asking || this.#timer !== null) return
    this.#timer = this.#clock.setTimer(delayMs, () => {
      this.#timer = null
      if (!this.#asking) return
      this.#nudge()
      this.now(AGAIN_MS)
    })
  }

  /** There will be more to ask for, if it is still so then. */
  after(delayMs: number, isStill: () => boolean): void {
    if (this.#closed) return
    const timer = this.#clock.setTimer(delayMs, () => {
      this.#planned.delete(timer)
      if (isStill()) this.now()
    })
    this.#planned.add(timer)
  }

  close(): void {
    this.#closed = true
    this.end()
    for (const timer of this.#planned) timer.cancel()
    this.#planned.clear()
  }
}

/** Over another connection than the one that waits. Resolves also when the leader does not answer: the fetch that waits hears of that. */
export async function nudge(peer: Peer, replicaId: number, replicaEpoch: number): Promise<void> {
  try {
    await peer.request(Fetch, VERSION, {
      replicaState: { replicaId, replicaEpoch },
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 0,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [],
      forgottenTopicsData: [],
      rackId: '',
    })
  } catch (error) {
    if (!(error instanceof PeerLost)) throw error
  }
}
