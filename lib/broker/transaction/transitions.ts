/**
 * How a transactional id may change: from one value to the next, without side effects (Kafka's TransactionMetadata.prepare*).
 * Each function throws on a step that is not legal: whoever asks has to know, and a coordinator that is wrong here must not go on.
 */
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID, type TopicPartitions, type Transaction } from './records.js'
import { isValidTransition, type TransactionState } from './states.js'

/** int16's largest epoch is never given to a producer, so that there is always one left to fence it with. */
const EPOCH_MAX = 0x7fff

export function isEpochExhausted(epoch: number): boolean {
  return epoch >= EPOCH_MAX - 1
}

/** From version 2 on every transaction ends with an epoch of its own (KIP-890, TransactionVersion.supportsEpochBump). */
export const supportsEpochBump = (transactionVersion: number): boolean => transactionVersion >= 2

/** A transactional id that nobody has used yet. */
export function newTransaction(producerId: number, timeoutMs: number, now: number): Transaction {
  return {
    producerId,
    previousProducerId: producerId,
    nextProducerId: NO_PRODUCER_ID,
    producerEpoch: 0,
    lastProducerEpoch: NO_PRODUCER_EPOCH,
    timeoutMs,
    state: 'Empty',
    partitions: [],
    startTimestamp: -1,
    lastUpdateTimestamp: now,
    clientTransactionVersion: 0,
  }
}

function moveTo(from: Transaction, state: TransactionState, changes: Partial<Transaction>): Transaction {
  if (!isValidTransition(from.state, state)) throw new Error(`A transaction cannot go from ${from.state} to ${state}.`)
  return { ...from, previousProducerId: from.producerId, state, ...changes }
}

/** InitProducerId with epochs left. `lastProducerEpoch`: what KIP-360 keeps of the epoch that the producer named. */
export function withEpoch(
  from: Transaction,
  epochs: { producerEpoch: number; lastProducerEpoch: number },
  timeoutMs: number,
  now: number,
): Transaction {
  return moveTo(from, 'Empty', { ...epochs, timeoutMs, partitions: [], startTimestamp: -1, lastUpdateTimestamp: now })
}

/** InitProducerId when the epochs of the producer id are used up. */
export function withNewProducerId(
  from: Transaction,
  producerId: number,
  timeoutMs: number,
  keepsLastEpoch: boolean,
  now: number,
): Transaction {
  return moveTo(from, 'Empty', {
    producerId,
    producerEpoch: 0,
    lastProducerEpoch: keepsLastEpoch ? from.producerEpoch : NO_PRODUCER_EPOCH,
    timeoutMs,
    partitions: [],
    startTimestamp: -1,
    lastUpdateTimestamp: now,
  })
}

export function withPartitions(
  from: Transaction,
  added: TopicPartitions,
  clientTransactionVersion: number,
  now: number,
): Transaction {
  return moveTo(from, 'Ongoing', {
    partitions: union(from.partitions, added),
    startTimestamp: from.state === 'Ongoing' ? from.startTimestamp : now,
    lastUpdateTimestamp: now,
    clientTransactionVersion,
  })
}

/** What a client asked to end. `nextProducerId`: see Transaction. */
export function ending(
  from: Transaction,
  commit: boolean,
  clientTransactionVersion: number,
  nextProducerId: number,
  now: number,
): Transaction {
  const bumps = supportsEpochBump(clientTransactionVersion)
  return moveTo(from, commit ? 'PrepareCommit' : 'PrepareAbort', {
    producerEpoch: bumps ? from.producerEpoch + 1 : from.producerEpoch,
    lastProducerEpoch: bumps ? from.producerEpoch : from.lastProducerEpoch,
    nextProducerId,
    // An abort of what has not begun has no start, but needs one.
    startTimestamp: from.state === 'Ongoing' ? from.startTimestamp : now,
    lastUpdateTimestamp: now,
    clientTransactionVersion,
  })
}

/**
 * Ends an open transaction against its producer's will: a newer producer, or the timeout. The old epoch is fenced. From transaction version 2
 * on a producer that names the old epoch (KIP-360) may go on with the new one, unless another has come first; when the new one is the
 * largest, which nobody gets, with `nextProducerId`.
 */
export function fenced(
  from: Transaction,
  transactionVersion: number,
  nextProducerId: number,
  now: number,
): Transaction {
  return moveTo(from, 'PrepareAbort', {
    producerEpoch: Math.min(from.producerEpoch + 1, EPOCH_MAX),
    lastProducerEpoch: supportsEpochBump(transactionVersion) ? from.producerEpoch : NO_PRODUCER_EPOCH,
    nextProducerId,
    lastUpdateTimestamp: now,
    clientTransactionVersion: transactionVersion,
  })
}

/** Every marker is written. */
export function completed(from: Transaction, now: number): Transaction {
  const rotates = supportsEpochBump(from.clientTransactionVersion) && from.nextProducerId !== NO_PRODUCER_ID
  return moveTo(from, from.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort', {
    producerId: rotates ? from.nextProducerId : from.producerId,
    producerEpoch: rotates ? 0 : from.producerEpoch,
    nextProducerId: NO_PRODUCER_ID,
    partitions: [],
    lastUpdateTimestamp: now,
  })
}

export function containsAll(partitions: TopicPartitions, wanted: TopicPartitions): boolean {
  return wanted.every(({ topic, partitionIds }) => partitionIds.every((id) => contains(partitions, topic, id)))
}

export function contains(partitions: TopicPartitions, topic: string, partition: number): boolean {
  for (const each of partitions) if (each.topic === topic && each.partitionIds.includes(partition)) return true
  return false
}

function union(before: TopicPartitions, added: TopicPartitions): TopicPartitions {
  if (before.length === 0 && added.length === 1) return added
  const byTopic = new Map(before.map(({ topic, partitionIds }) => [topic, partitionIds]))
  for (const { topic, partitionIds } of added) {
    const known = byTopic.get(topic)
    byTopic.set(topic, known === undefined ? partitionIds : [...new Set([...known, ...partitionIds])])
  }
  return [...byTopic].map(([topic, partitionIds]) => ({ topic, partitionIds }))
}

export function count(partitions: TopicPartitions): number {
  return partitions.reduce((sum, { partitionIds }) => sum + partitionIds.length, 0)
}
