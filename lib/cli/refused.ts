/** What a broker's refusal means for the person and for the exit code. */
import { ErrorCode, errorMessage, errorName } from '../../protocol/index.js'
import { CommandError } from './session.js'

/** The request itself was wrong, whatever the state of the broker: the same exit code as for a wrong flag. */
const ASKED_WRONGLY: ReadonlySet<number> = new Set([
  ErrorCode.INVALID_CONFIG,
  ErrorCode.INVALID_PARTITIONS,
  ErrorCode.INVALID_REPLICATION_FACTOR,
  ErrorCode.INVALID_REQUEST,
  ErrorCode.INVALID_TOPIC_EXCEPTION,
])

/** The broker's own reason where it gives one, behind Kafka's name for it, which people search for. */
export function refused(code: number, reason: string | null = null): CommandError {
  const text = reason || errorMessage(code) || 'the broker gives no reason'
  const sentence = `${errorName(code)}: ${text}`
  return new CommandError(/[.!?]$/.test(sentence) ? sentence : `${sentence}.`, ASKED_WRONGLY.has(code) ? 2 : 1)
}
