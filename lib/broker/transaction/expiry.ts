import { fenceAndAbort } from './end.js'
import { isEnding } from './states.js'
import type { Turn } from './turn.js'

/** Aborts transactions that have been open for longer than their producer asked for; the producer is fenced. */
export function abortTimedOut(turn: Turn): void {
  turn.out.divisible = true
  for (const entry of turn.context.entries.values()) {
    const { state, startTimestamp, timeoutMs } = entry.value
    if (state === 'Ongoing' && startTimestamp + timeoutMs < turn.now) fenceAndAbort(turn, entry)
  }
}

/** Forgets transactional ids that nobody has used for `transactional.id.expiration.ms`. */
export function expireIds(turn: Turn): void {
  turn.out.divisible = true
  const oldest = turn.now - turn.context.config.expirationMs
  for (const { transactionalId, value } of turn.context.entries.values()) {
    if (value.state === 'Ongoing' || isEnding(value.state)) continue
    if (value.lastUpdateTimestamp <= oldest) turn.write(transactionalId, null)
  }
}
