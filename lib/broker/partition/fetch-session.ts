import { ErrorCode } from '../../../protocol/errors.js'
import type { CachedPartition, FetchSession, FetchSessionCache } from './fetch-session-cache.js'
import { type FetchAnswer, type FetchTarget, hasToHear } from './fetch-types.js'

/** Session epochs with a meaning of their own (KIP-227). */
export const INITIAL_EPOCH = 0
export const FINAL_EPOCH = -1
export const NO_SESSION = 0

/** The session part of a Fetch request. Versions below 7 have none: id 0, epoch -1. */
export interface FetchSessionRequest {
  readonly sessionId: number
  readonly sessionEpoch: number
  /** v13+. */
  readonly usesTopicIds: boolean
  readonly isFromFollower: boolean
  readonly targets: readonly FetchTarget[]
  readonly forgotten: readonly { readonly topic: string; readonly topicId: string; readonly partition: number }[]
}

/** What the session leaves of the answers. With an error: no partitions at all, session id 0. */
export interface FetchSessionResponse {
  readonly errorCode: ErrorCode
  readonly sessionId: number
  readonly answers: readonly FetchAnswer[]
}

/** One request in the light of its session: which partitions to read, and what of the answers to send. */
export interface FetchContext {
  /** In the order in which they are served. */
  readonly targets: readonly FetchTarget[]
  /** Called once, when the answers are there; for a fetch that waits this may be much later. */
  respond(answers: readonly FetchAnswer[], now: number): FetchSessionResponse
}

export function partitionKey(at: { topic: string; topicId: string; partition: number }, usesTopicIds: boolean): string {
  return `${usesTopicIds ? at.topicId : at.topic}:${at.partition}`
}

/**
 * Turns (session id, epoch, changes) into the partitions to read (KIP-227). The cases:
 *
 * - A: epoch -1: no session; one that is named ends.
 * - B: epoch 0: a full fetch; a session that is named ends, a new one begins if the cache has room.
 * - C: unknown id -> FETCH_SESSION_ID_NOT_FOUND.
 * - D: not the expected epoch -> INVALID_FETCH_SESSION_EPOCH; the session stays as it is.
 * - E: ids in a session of names or the reverse -> FETCH_SESSION_TOPIC_ID_ERROR (KIP-516); the session stays.
 * - F: nothing is left in the session -> it ends, the (empty) answer has id 0.
 * - G: an incremental fetch.
 */
export function openFetchContext(
  cache: FetchSessionCache,
  request: FetchSessionRequest,
  now: number,
): FetchContext | ErrorCode {
  const named = request.sessionId === NO_SESSION ? undefined : cache.get(request.sessionId)
  if (request.sessionEpoch === FINAL_EPOCH || request.sessionEpoch === INITIAL_EPOCH) {
    if (named !== undefined) cache.remove(named)
    if (request.sessionEpoch === FINAL_EPOCH) return new SessionlessContext(request.targets) // A
    return new FullContext(cache, request) // B
  }
  if (named === undefined) return ErrorCode.FETCH_SESSION_ID_NOT_FOUND // C
  if (named.epoch !== request.sessionEpoch) return ErrorCode.INVALID_FETCH_SESSION_EPOCH // D
  if (named.usesTopicIds !== request.usesTopicIds) return ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR // E
  // The client starts again with a full fetch, which then gets no session.
  if (!cache.hasRoomFor(request.targets.length)) {
    cache.remove(named)
    return ErrorCode.FETCH_SESSION_ID_NOT_FOUND
  }
  const grown = updateSession(named, request)
  if (named.partitions.size === 0) {
    cache.touch(named, grown, now)
    cache.remove(named)
    return new SessionlessContext([]) // F
  }
  named.epoch = named.epoch === 2147483647 ? 1 : named.epoch + 1
  cache.touch(named, grown, now)
  return new IncrementalContext(named) // G
}

/** Takes over what the request adds, moves and forgets. Returns by how many partitions the session has grown. */
function updateSession(session: FetchSession, request: FetchSessionRequest): number {
  const before = session.partitions.size
  for (const target of request.targets) {
    const key = partitionKey(target, session.usesTopicIds)
    const cached = session.partitions.get(key)
    if (cached === undefined) session.partitions.set(key, { target, highWatermark: -1, logStartOffset: -1 })
    else cached.target = target
  }
  for (const forgotten of request.forgotten) session.partitions.delete(partitionKey(forgotten, session.usesTopicIds))
  return session.partitions.size - before
}

class SessionlessContext implements FetchContext {
  constructor(readonly targets: readonly FetchTarget[]) {}

  respond(answers: readonly FetchAnswer[]): FetchSessionResponse {
    return { errorCode: ErrorCode.NONE, sessionId: NO_SESSION, answers }
  }
}

class FullContext implements FetchContext {
  readonly #cache: FetchSessionCache
  readonly #request: FetchSessionRequest

  constructor(cache: FetchSessionCache, request: FetchSessionRequest) {
    this.#cache = cache
    this.#request = request
  }

  get targets(): readonly FetchTarget[] {
    return this.#request.targets
  }

  respond(answers: readonly FetchAnswer[], now: number): FetchSessionResponse {
    const { usesTopicIds, isFromFollower } = this.#request
    const partitions = new Map<string, CachedPartition>()
    for (const answer of answers) {
      partitions.set(partitionKey(answer.target, usesTopicIds), { target: answer.target, ...toldBy(answer) })
    }
    const session = this.#cache.create(partitions, { privileged: isFromFollower, usesTopicIds }, now)
    return { errorCode: ErrorCode.NONE, sessionId: session?.id ?? NO_SESSION, answers }
  }
}

class IncrementalContext implements FetchContext {
  readonly targets: readonly FetchTarget[]
  readonly #session: FetchSession
  readonly #expectedEpoch: number

  constructor(session: FetchSession) {
    this.#session = session
    this.#expectedEpoch = session.epoch
    this.targets = Array.from(session.partitions.values(), (cached) => cached.target)
  }

  respond(answers: readonly FetchAnswer[]): FetchSessionResponse {
    // While this request waited, another one has used the session.
    if (this.#session.epoch !== this.#expectedEpoch) {
      return { errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId: NO_SESSION, answers: [] }
    }
    const told = answers.filter((answer) => this.#tell(answer))
    return { errorCode: ErrorCode.NONE, sessionId: this.#session.id, answers: told }
  }

  /** Whether the client has to hear of this partition: it has records, an error, or something has changed since it was told. */
  #tell(answer: FetchAnswer): boolean {
    const { partitions, usesTopicIds } = this.#session
    const key = partitionKey(answer.target, usesTopicIds)
    const cached = partitions.get(key)
    if (cached === undefined) return true
    const changed =
      cached.highWatermark !== answer.highWatermark ||
      cached.logStartOffset !== answer.logStartOffset ||
      hasToHear(cached.target, answer.highWatermark, answer.logStartOffset)
    Object.assign(cached, toldBy(answer))
    if (answer.sizeInBytes > 0) {
      // Served now, last in the row next time: a busy partition cannot starve those behind it (KIP-227).
      partitions.delete(key)
      partitions.set(key, cached)
      return true
    }
    return (
      changed ||
      answer.preferredReadReplica >= 0 ||
      answer.errorCode !== ErrorCode.NONE ||
      answer.divergingEpoch !== null
    )
  }
}

/** A follower that hears of another history cuts its log and looks at nothing else: the rest has to be said again. */
function toldBy(answer: FetchAnswer): { highWatermark: number; logStartOffset: number } {
  const { divergingEpoch, highWatermark, logStartOffset } = answer
  return divergingEpoch === null ? { highWatermark, logStartOffset } : { highWatermark: -1, logStartOffset: -1 }
}
