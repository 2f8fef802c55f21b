/** Transaction records as Kafka's bytes: key = int16 record type + transactional id, value = int16 version + body. */
import {
  decodeRecordKey,
  decodeRecordValue,
  encodeRecordKey,
  encodeRecordValue,
  recordTypeOf,
} from '../../../protocol/stored/framing.js'
import { TransactionLogRecord } from '../../../protocol/stored/transaction-state.js'
import type { KeyValueRecord, RecordCodec } from '../coordinator/contract.js'
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID, type Transaction, type TransactionRecord } from './records.js'
import { transactionStates } from './states.js'

export const transactionRecordCodec: RecordCodec<TransactionRecord> = {
  encode({ transactionalId, value, version }: TransactionRecord): KeyValueRecord {
    return {
      key: encodeRecordKey(TransactionLogRecord, { transactionalId }),
      value: value === null ? null : encodeValue(value, version),
    }
  },

  decode(key: Buffer, value: Buffer | null): TransactionRecord | null {
    if (recordTypeOf(key) !== TransactionLogRecord.type) return null
    const { transactionalId } = decodeRecordKey(TransactionLogRecord, key)
    if (value === null) return { transactionalId, value: null, version: 0 }
    const stored = decodeRecordValue(TransactionLogRecord, value)
    return { transactionalId, value: decodeValue(stored.value), version: stored.version === 0 ? 0 : 1 }
  },
}

function encodeValue(value: Transaction, version: 0 | 1): Buffer {
  const { previousProducerId, nextProducerId, clientTransactionVersion } = value
  return encodeRecordValue(TransactionLogRecord, version, {
    producerId: value.producerId,
    producerEpoch: value.producerEpoch,
    transactionTimeoutMs: value.timeoutMs,
    transactionStatus: transactionStates.indexOf(value.state),
    transactionPartitions: value.state === 'Empty' ? null : mutable(value),
    transactionLastUpdateTimestampMs: value.lastUpdateTimestamp,
    transactionStartTimestampMs: value.startTimestamp,
    ...(version === 0 ? {} : { previousProducerId, nextProducerId, clientTransactionVersion }),
  })
}

/** The schema's types are not readonly; nothing is written to them. */
function mutable({ partitions }: Transaction): { topic: string; partitionIds: number[] }[] {
  return partitions as { topic: string; partitionIds: number[] }[]
}

type Stored = ReturnType<typeof decodeRecordValue<typeof TransactionLogRecord>>['value']

function decodeValue(stored: Stored): Transaction {
  const state = transactionStates[stored.transactionStatus]
  if (state === undefined) throw new Error(`A transaction record has the unknown state ${stored.transactionStatus}.`)
  return {
    producerId: stored.producerId,
    previousProducerId: stored.previousProducerId ?? NO_PRODUCER_ID,
    nextProducerId: stored.nextProducerId ?? NO_PRODUCER_ID,
    producerEpoch: stored.producerEpoch,
    lastProducerEpoch: NO_PRODUCER_EPOCH,
    timeoutMs: stored.transactionTimeoutMs,
    state,
    partitions: stored.transactionPartitions ?? [],
    startTimestamp: stored.transactionStartTimestampMs,
    lastUpdateTimestamp: stored.transactionLastUpdateTimestampMs,
    clientTransactionVersion: stored.clientTransactionVersion ?? 0,
  }
}
