/**
 * What ties one life of a broker to the others, as a session with a service elsewhere does: when the process dies the others learn of it
 * after a while, and a dead process asks for nothing and hears of nothing any more.
 */
import type {
  AppendResult,
  Coordination,
  CoordinationListener,
  MemberInfo,
} from '../../lib/cluster/coordination/coordination.js'
import type { Timer } from '../../lib/host/clock.js'
import type { MetadataRecord } from '../../lib/metadata/records.js'
import type { World } from './world.js'

export class Session implements Coordination {
  readonly tellsAllAtOnce = true
  readonly aliveUntilMs = Number.POSITIVE_INFINITY
  readonly #inner: Coordination
  readonly #world: World
  #dead = false
  #expiry: Timer | null = null
  #ended: Promise<void> | null = null

  constructor(inner: Coordination, world: World) {
    this.#inner = inner
    this.#world = world
  }

  /** The process is gone; `afterMs` later the others know. */
  die(afterMs: number): void {
    if (this.#dead) return
    this.#dead = true
    if (this.#ended === null) this.#expiry = this.#world.clock.setTimer(afterMs, () => void this.end())
  }

  /** The others know. Idempotent. */
  end(): Promise<void> {
    this.#dead = true
    this.#expiry?.cancel()
    this.#ended ??= this.#inner.close()
    return this.#ended
  }

  start(listener: CoordinationListener): Promise<void> {
    return this.#asked(() => this.#inner.start(this.#whileAlive(listener)))
  }
  register(member: MemberInfo): Promise<{ brokerEpoch: number }> {
    return this.#asked(() => this.#inner.register(member))
  }
  campaign(): void {
    if (!this.#dead) this.#inner.campaign()
  }
  resign(): void {
    if (!this.#dead) this.#inner.resign()
  }
  append(records: readonly MetadataRecord[], controllerEpoch: number): Promise<AppendResult> {
    return this.#asked(() => this.#inner.append(records, controllerEpoch))
  }
  close(): Promise<void> {
    return this.#dead ? Promise.resolve() : this.end()
  }

  #asked<T>(ask: () => Promise<T>): Promise<T> {
    return this.#dead ? new Promise(() => {}) : ask()
  }

  #whileAlive(listener: CoordinationListener): CoordinationListener {
    const alive = (tell: () => void): void => {
      if (!this.#dead) tell()
    }
    return {
      onSnapshot: (records, offset) => alive(() => listener.onSnapshot(records, offset)),
      onRecords: (records, baseOffset) => alive(() => listener.onRecords(records, baseOffset)),
      onController: (lease) => alive(() => listener.onController(lease)),
      onMembers: (members) => alive(() => listener.onMembers(members)),
      onDoubt: (inDoubt) => alive(() => listener.onDoubt(inDoubt)),
      onExpelled: () => alive(() => listener.onExpelled()),
    }
  }
}
