import type { Random } from '../../host/random.js'
import type { FetchTarget } from './fetch-types.js'

/** A partition in a session: what the client asked for last and what it was told last. */
export interface CachedPartition {
  target: FetchTarget
  /** As answered last; -1 after an error, so that the partition is told about again when the error has gone. */
  highWatermark: number
  logStartOffset: number
}

export interface FetchSession {
  readonly id: number
  /** A follower's session: it may push out consumers' ones. */
  readonly privileged: boolean
  /** A session speaks ids or names, never both. */
  readonly usesTopicIds: boolean
  /** In the order in which they are served next. Keys: `partitionKey`. */
  readonly partitions: Map<string, CachedPartition>
  /** What the next request has to carry: 1 after the full fetch, wraps from 2147483647 to 1. */
  epoch: number
  readonly createdMs: number
  lastUsedMs: number
}

export interface FetchSessionCacheOptions {
  /** `max.incremental.fetch.session.cache.slots`: without a bound every client that comes and goes would leave a session behind. */
  slots: number
  /**
   * Most partitions over all sessions, about 200 bytes each: a single 100 MB request could otherwise leave millions behind.
   * Beyond it clients are served without a session.
   */
  partitionsMax?: number
  /** A session idle for longer may be taken by anyone, a younger one is safe from its peers: KIP-227's two minutes. */
  evictionMs?: number
}

/**
 * The fetch sessions of this broker (KIP-227, Kafka's FetchSessionCache). When the slots are used up, a newcomer takes the place of
 * (A) a session that has been idle for `evictionMs`, else (B) if it is a follower's, the smallest consumer's session, else
 * (C) the smallest session older than `evictionMs` that is smaller than the newcomer. Otherwise it gets none (id 0).
 */
export class FetchSessionCache {
  readonly #slots: number
  readonly #partitionsMax: number
  readonly #evictionMs: number
  readonly #random: Random
  /** Least recently used first. */
  readonly #sessions = new Map<number, FetchSession>()
  #partitions = 0
  #evictions = 0

  constructor(options: FetchSessionCacheOptions, ports: { random: Random }) {
    this.#slots = options.slots
    this.#partitionsMax = options.partitionsMax ?? 500_000
    this.#evictionMs = options.evictionMs ?? 120_000
    this.#random = ports.random
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Partitions over all sessions. */
  get partitions(): number {
    return this.#partitions
  }

  get evictions(): number {
    return this.#evictions
  }

  get(id: number): FetchSession | undefined {
    return this.#sessions.get(id)
  }

  remove(session: FetchSession): void {
    if (this.#sessions.delete(session.id)) this.#partitions -= session.partitions.size
  }

  /** Marks a session as used now, after `grown` partitions were added to it (removed, when negative). */
  touch(session: FetchSession, grown: number, now: number): void {
    if (!this.#sessions.delete(session.id)) return
    session.lastUsedMs = now
    this.#partitions += grown
    this.#sessions.set(session.id, session)
  }

  /** Whether so many more partitions may be held. */
  hasRoomFor(partitions: number): boolean {
    return this.#partitions + partitions <= this.#partitionsMax
  }

  /** A new session, or null when there is no room for it. */
  create(
    partitions: Map<string, CachedPartition>,
    traits: { privileged: boolean; usesTopicIds: boolean },
    now: number,
  ): FetchSession | null {
    if (this.#slots <= 0 || !this.hasRoomFor(partitions.size)) return null
    if (this.#sessions.size >= this.#slots && !this.#evict(traits.privileged, partitions.size, now)) return null
    const session: FetchSession = {
      id: this.#newId(),
      ...traits,
      partitions,
      epoch: 1,
      createdMs: now,
      lastUsedMs: now,
    }
    this.#sessions.set(session.id, session)
    this.#partitions += partitions.size
    return session
  }

  #evict(privileged: boolean, size: number, now: number): boolean {
    const victim = this.#victim(privileged, size, now)
    if (victim === null) return false
    this.remove(victim)
    this.#evictions++
    return true
  }

  /** Walks the slots (1,000 by default: microseconds), which only a full fetch into a full cache pays for. */
  #victim(privileged: boolean, size: number, now: number): FetchSession | null {
    let worst: FetchSession | null = null
    for (const session of this.#sessions.values()) {
      if (now - session.lastUsedMs > this.#evictionMs) return session // (A) the first is the least recently used
      const open = now - session.createdMs > this.#evictionMs || (privileged && !session.privileged)
      if (open && (worst === null || lessValuable(session, worst))) worst = session
    }
    if (worst === null) return null
    if (privileged !== worst.privileged) return privileged ? worst : null // (B)
    // Not an equal one: among clients that are all alike each newcomer would push out one that is at work.
    return worst.partitions.size < size ? worst : null // (C)
  }

  #newId(): number {
    for (;;) {
      const id = this.#random.integer(2147483647) + 1
      if (id <= 2147483647 && !this.#sessions.has(id)) return id
    }
  }
}

function lessValuable(a: FetchSession, b: FetchSession): boolean {
  return a.privileged === b.privileged ? a.partitions.size < b.partitions.size : !a.privileged
}
