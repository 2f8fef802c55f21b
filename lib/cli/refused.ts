/** What a broker's refusal means for the person and for the exit code. */
import { ErrorCode, errorName } from '../../protocol/index.js'
import { CommandError } from './session.js'

/** The request itself was wrong, whatever the state of the broker: the same exit code as for a wrong flag. */
const ASKED_WRONGLY: ReadonlySet<number> = new Set([
  ErrorCode.INVALID_CONFIG,
  ErrorCode.INVALID_PARTITIONS,
  ErrorCode.INVALID_REPLICATION_FACTOR,
  ErrorCode.INVALID_REQUEST,
  ErrorCode.INVALID_TOPIC_EXCEPTION,
])

/** The broker's own sentence, with the error's name where it gave none. */
export function refused(code: number, message: string | null): CommandError {
  const sentence = message || `The broker answered ${errorName(code)} and gave no reason.`
  return new CommandError(sentence, ASKED_WRONGLY.has(code) ? 2 : 1)
}
