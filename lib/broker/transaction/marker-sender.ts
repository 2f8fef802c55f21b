import { ErrorCode } from '../../../protocol/errors.js'
import type { Logger } from '../../host/logger.js'
import type { TransactionMarker } from '../coordinator/contract.js'
import { GROUP_TOPIC } from '../coordinator/locate.js'
import { type Answer, all, then } from '../group/answer.js'
import type { Partition } from '../partition/partition.js'
import type { TopicPartitions } from './records.js'

/** Writes markers into partitions, wherever their leaders are. */
export interface MarkerSender {
  /**
   * One code per partition, in their order: NONE when the marker is committed there, or nobody needs it any more. Anything else is
   * tried again.
   */
  write(marker: TransactionMarker, partitions: TopicPartitions): Answer<readonly ErrorCode[]>
}

export interface LocalMarkersPorts {
  readonly logger: Logger
  /** The partition, or why it is not here. */
  find(topic: string, partition: number): Partition | ErrorCode
  append(partitions: readonly Partition[], marker: TransactionMarker): Answer<readonly ErrorCode[]>
  /** Markers of `__consumer_offsets` are the group coordinator's to write: it applies them too. */
  completeOffsets(partition: number, marker: TransactionMarker): Answer<ErrorCode>
}

/** Markers for partitions that this broker leads. */
export class LocalMarkers implements MarkerSender {
  readonly #ports: LocalMarkersPorts

  constructor(ports: LocalMarkersPorts) {
    this.#ports = ports
  }

  write(marker: TransactionMarker, partitions: TopicPartitions): Answer<readonly ErrorCode[]> {
    return then(this.writeHere(marker, partitions), (errorCodes) =>
      errorCodes.map((code) => markerOutcome(code, marker, this.#ports.logger)),
    )
  }

  /** What WriteTxnMarkers answers: the codes as they are. */
  writeHere(marker: TransactionMarker, partitions: TopicPartitions): Answer<readonly ErrorCode[]> {
    const [first] = partitions
    // The common case, without the lists: one partition.
    if (partitions.length === 1 && first!.partitionIds.length === 1) {
      return then(this.#writeOne(first!.topic, first!.partitionIds[0]!, marker), (code) => [code])
    }
    const answers: Answer<ErrorCode>[] = []
    const here: Partition[] = []
    const places: number[] = []
    for (const { topic, partitionIds } of partitions) {
      for (const id of partitionIds) {
        const found = this.#ports.find(topic, id)
        if (typeof found === 'number' || topic === GROUP_TOPIC) {
          answers.push(typeof found === 'number' ? found : this.#ports.completeOffsets(id, marker))
          continue
        }
        places.push(answers.length)
        answers.push(ErrorCode.NONE)
        here.push(found)
      }
    }
    return then(this.#ports.append(here, marker), (codes) => {
      for (let i = 0; i < places.length; i++) answers[places[i]!] = codes[i]!
      return all(answers)
    })
  }

  #writeOne(topic: string, id: number, marker: TransactionMarker): Answer<ErrorCode> {
    // Also before the group coordinator is asked: AddOffsetsToTxn names partitions of a topic that is made by FindCoordinator.
    const found = this.#ports.find(topic, id)
    if (typeof found === 'number') return found
    if (topic === GROUP_TOPIC) return this.#ports.completeOffsets(id, marker)
    return then(this.#ports.append([found], marker), ([code]) => code!)
  }
}

/**
 * What a coordinator makes of the code of one partition:
 * A. the topic is gone, and its records with it: nothing to end
 * B. the log knows a later epoch of this producer: its transaction there has ended without us, as an administrator may have it end
 * C. anything else is tried again, also TRANSACTION_COORDINATOR_FENCED, which ends when this coordinator hears that it is not one any more
 */
export function markerOutcome(
  errorCode: ErrorCode,
  { producerId, producerEpoch }: TransactionMarker,
  logger: Logger,
): ErrorCode {
  if (errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return ErrorCode.NONE // A
  if (errorCode !== ErrorCode.INVALID_PRODUCER_EPOCH) return errorCode // C
  logger.warn(
    `A partition has records of producer ${producerId} that are newer than the transaction of epoch ${producerEpoch}, which needs no marker there.`,
  )
  return ErrorCode.NONE // B
}
