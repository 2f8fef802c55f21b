/** Questions to one broker, put together while an answer is out: what comes meanwhile goes as one request. */
import { type Peer, PeerLost } from '../peer.js'

export interface BatchesPorts<Q, A> {
  /** A connection that nothing else is asked over: an answer that waits for replicas holds up whatever comes behind it. */
  readonly peer: Peer
  /** One answer per question, in their order. */
  send(peer: Peer, questions: readonly Q[]): Promise<readonly A[]>
}

/** Questions in one request. More wait for the next one. */
const BATCH_MAX = 500
/** Questions to one broker that may wait. Whoever comes beyond it hears that the broker is lost, and comes again. */
const WAITING_MAX = 50_000

interface Waiting<Q, A> {
  readonly question: Q
  resolve(answer: A): void
  reject(error: unknown): void
}

export class Batches<Q, A> {
  readonly #ports: BatchesPorts<Q, A>
  #waiting: Waiting<Q, A>[] = []
  #asking = false

  constructor(ports: BatchesPorts<Q, A>) {
    this.#ports = ports
  }

  /** @throws PeerLost: nobody knows whether it was done */
  ask(question: Q): Promise<A> {
    if (this.#waiting.length >= WAITING_MAX) {
      return Promise.reject(new PeerLost(`${WAITING_MAX} requests to the broker wait already.`))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject })
      if (!this.#asking) void this.#run()
    })
  }

  close(): void {
    this.#ports.peer.close()
  }

  async #run(): Promise<void> {
    this.#asking = true
    // What is asked in the rest of this turn goes along.
    await null
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MAX)
      try {
        const answers = await this.#ports.send(
          this.#ports.peer,
          batch.map(({ question }) => question),
        )
        for (const [index, { resolve }] of batch.entries()) resolve(answers[index]!)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#asking = false
  }
}

/** One `Batches` per broker, made when something is asked of it. */
export class BatchesByBroker<Q, A> {
  readonly #open: (brokerId: number) => Batches<Q, A>
  readonly #byBroker = new Map<number, Batches<Q, A>>()

  constructor(open: (brokerId: number) => Batches<Q, A>) {
    this.#open = open
  }

  to(brokerId: number): Batches<Q, A> {
    let batches = this.#byBroker.get(brokerId)
    if (batches === undefined) this.#byBroker.set(brokerId, (batches = this.#open(brokerId)))
    return batches
  }

  /** Brokers that are not in the cluster any more are forgotten. */
  retain(isMember: (brokerId: number) => boolean): void {
    for (const [brokerId, batches] of this.#byBroker) {
      if (isMember(brokerId)) continue
      batches.close()
      this.#byBroker.delete(brokerId)
    }
  }

  close(): void {
    this.retain(() => false)
  }
}
