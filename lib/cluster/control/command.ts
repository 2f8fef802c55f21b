import { ErrorCode } from '../../../protocol/errors.js'
import type { Random } from '../../host/random.js'
import type { BrokerConfig } from '../../metadata/broker-config.js'
import type { Image } from '../../metadata/image.js'
import type { MetadataRecord } from '../../metadata/records.js'

/** What a decision may look at besides the image and the command. */
export interface ControlContext {
  /** Settings of the controller: defaults of new topics, limits. */
  readonly config: BrokerConfig
  readonly random: Random
}

/** Pure outcome of a command: what to append, and what to answer once that is in the image. */
export interface Decision<Results> {
  readonly records: readonly MetadataRecord[]
  readonly results: Results
}

export type Decide<Results> = (image: Image, context: ControlContext) => Decision<Results>

export interface Outcome {
  readonly errorCode: ErrorCode
  /** A sentence for the client, null when there is no error. */
  readonly errorMessage: string | null
}

export const DONE: Outcome = { errorCode: ErrorCode.NONE, errorMessage: null }

export function refused(errorCode: ErrorCode, errorMessage: string | null): Outcome {
  return { errorCode, errorMessage }
}

/**
 * A request may not make more partitions than this (Kafka: ReplicationControlManager, KAFKA-17870): one request becomes one batch of
 * metadata records, and a batch of that size already stalls everybody for a while.
 */
export const PARTITIONS_PER_REQUEST_MAX = 10_000

/** The names (or other keys) that occur more than once. */
export function duplicates<T>(values: Iterable<T>): Set<T> {
  const seen = new Set<T>()
  const twice = new Set<T>()
  for (const value of values) {
    if (seen.has(value)) twice.add(value)
    seen.add(value)
  }
  return twice
}
