import { ErrorCode } from '../../../protocol/errors.js'
import { FetchPlanner } from './fetch-planner.js'
import { type FetchReader, isHeldBack } from './fetch-position.js'
import { type FetchAnswer, type FetchTarget, failedFetch, hasToHear } from './fetch-types.js'
import { Partition } from './partition.js'

/** A Fetch without its session: what to read, for whom, and when it is enough. */
export interface FetchParams extends FetchReader {
  /** In the order in which the byte limit is shared. */
  readonly targets: readonly FetchTarget[]
  /** 0 or below: answers at once. */
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
}

const NOWHERE: readonly number[] = []

export type PartitionFinder = (target: FetchTarget) => Partition | ErrorCode

/** The partitions of one fetch, found once, read as often as it takes. */
export class FetchPass {
  readonly params: FetchParams
  readonly #find: PartitionFinder
  readonly #found: (Partition | ErrorCode)[]
  /** Made when somebody asks: most fetches are answered at once. */
  #indexes: Map<object, number[]> | null = null

  constructor(params: FetchParams, find: PartitionFinder) {
    this.params = params
    this.#find = find
    this.#found = params.targets.map(find)
  }

  /** What may wake this fetch. */
  get partitions(): Partition[] {
    return this.#found.filter((one) => one instanceof Partition)
  }

  /**
   * Looks without reading. 'something': the partition that has changed holds records this reader may see. 'urgent': it has an error
   * or a diverging epoch, of which the client must hear at once. Costs the same however many partitions the fetch has.
   */
  glance(changed: object): 'nothing' | 'something' | 'urgent' {
    const { targets } = this.params
    let seen: 'nothing' | 'something' = 'nothing'
    for (const index of this.#indexesOf(changed)) {
      const partition = this.#found[index]!
      if (typeof partition === 'number') continue
      const { errorCode, divergingEpoch, upperBound } = partition.position(targets[index]!, this.params)
      if (errorCode !== ErrorCode.NONE || divergingEpoch !== null) return 'urgent'
      if (targets[index]!.fetchOffset < upperBound && !isHeldBack(partition, this.params)) seen = 'something'
    }
    return seen
  }

  /**
   * Whether a follower does not know yet how far its partitions (or the one that has changed) are committed, or where they begin: it should hear
   * of it soon.
   */
  isBehind(changed?: object): boolean {
    if (this.params.replicaId < 0) return false
    const { targets } = this.params
    const isBehindAt = (index: number): boolean => {
      const partition = this.#found[index]
      if (!(partition instanceof Partition && partition.isLeader)) return false
      return hasToHear(targets[index]!, partition.highWatermark, partition.log.logStartOffset)
    }
    if (changed !== undefined) return this.#indexesOf(changed).some(isBehindAt)
    return targets.some((_target, index) => isBehindAt(index))
  }

  /** Where a partition stands among the targets: more than once when it is named more than once. */
  #indexesOf(partition: object): readonly number[] {
    if (this.#indexes === null) {
      this.#indexes = new Map()
      for (const [index, found] of this.#found.entries()) {
        if (typeof found === 'number') continue
        const known = this.#indexes.get(found)
        if (known === undefined) this.#indexes.set(found, [index])
        else known.push(index)
      }
    }
    return this.#indexes.get(partition) ?? NOWHERE
  }

  /**
   * As `read`, for a fetch that has waited: `before` is what it read then, without a record in it, and stands for every partition that has not
   * changed since. A follower has a thousand partitions waiting, of which one has news.
   */
  readAgain(
    before: readonly FetchAnswer[],
    changed: ReadonlySet<object>,
  ): readonly FetchAnswer[] | Promise<readonly FetchAnswer[]> {
    if (changed.size === 0) return before
    // The first of the partitions with records yields a batch at least: their order counts.
    const indexes = [...changed].flatMap((partition) => this.#indexesOf(partition)).sort((a, b) => a - b)
    return this.#readInto([...before], new FetchPlanner(this.params.maxBytes), indexes)
  }

  /** Reads all partitions, within the limits. A promise when a medium has to be waited for. */
  read(): FetchAnswer[] | Promise<FetchAnswer[]> {
    return this.#readInto([], new FetchPlanner(this.params.maxBytes))
  }

  /** Puts into `answers` what the targets at `indexes`, or all of them, read; goes on from place `start` of these. */
  #readInto(
    answers: FetchAnswer[],
    planner: FetchPlanner,
    indexes: readonly number[] | null = null,
    start = 0,
  ): FetchAnswer[] | Promise<FetchAnswer[]> {
    const count = (indexes ?? this.params.targets).length
    for (let at = start; at < count; at++) {
      const index = indexes === null ? at : indexes[at]!
      const answer = this.#readOne(index, planner)
      if (answer instanceof Promise) {
        return answer.then((late) => {
          planner.took(late.sizeInBytes)
          answers[index] = late
          return this.#readInto(answers, planner, indexes, at + 1)
        })
      }
      planner.took(answer.sizeInBytes)
      answers[index] = answer
    }
    return answers
  }

  #readOne(index: number, planner: FetchPlanner): FetchAnswer | Promise<FetchAnswer> {
    const target = this.params.targets[index]!
    let partition = this.#found[index]!
    // Deleted while we waited: asked again, the finder knows the right error for names and for ids.
    if (typeof partition !== 'number' && partition.role.kind === 'gone')
      partition = this.#found[index] = this.#find(target)
    if (typeof partition === 'number') return notHere(target, partition)
    return partition.read(target, this.params, {
      maxBytes: planner.share(target.partitionMaxBytes),
      minOneMessage: planner.minOneMessage,
    })
  }

  /**
   * Whether the answers may leave without waiting any longer. Any error of a log or divergence does. What the metadata does not have
   * hurries nobody while there is another partition to wait for (KafkaApis sorts it out before it asks for records).
   */
  isEnough(answers: readonly FetchAnswer[]): boolean {
    let bytes = 0
    let unknown = 0
    for (const answer of answers) {
      if (isUnknown(answer.errorCode)) unknown++
      else if (answer.errorCode !== ErrorCode.NONE || answer.divergingEpoch !== null) return true
      if (answer.preferredReadReplica >= 0) return true
      bytes += answer.sizeInBytes
    }
    return unknown === answers.length || bytes >= Math.min(this.params.minBytes, this.params.maxBytes)
  }
}

/** As Kafka: what the metadata does not have is answered before any log is asked, with an empty list instead of null. */
function notHere(target: FetchTarget, errorCode: ErrorCode): FetchAnswer {
  const answer = failedFetch(target, errorCode)
  return isUnknown(errorCode) ? { ...answer, abortedTransactions: [] } : answer
}

function isUnknown(errorCode: ErrorCode): boolean {
  return errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION || errorCode === ErrorCode.UNKNOWN_TOPIC_ID
}
