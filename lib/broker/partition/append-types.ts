import type { ErrorCode } from '../../../protocol/errors.js'
import type { AppendInfo } from '../../log/contract.js'

/** What one partition of a Produce request answers. Field names are Kafka's. */
export type AppendAnswer = Pick<
  AppendInfo,
  'errorCode' | 'errorMessage' | 'baseOffset' | 'logAppendTimeMs' | 'logStartOffset' | 'recordErrors'
>

const NO_RECORD_ERRORS: AppendAnswer['recordErrors'] = []

/** Nothing was appended and there is nothing to say about single records. */
export const failedAppend = (errorCode: ErrorCode, logStartOffset = -1): AppendAnswer => ({
  errorCode,
  errorMessage: null,
  baseOffset: -1,
  logAppendTimeMs: -1,
  logStartOffset,
  recordErrors: NO_RECORD_ERRORS,
})
