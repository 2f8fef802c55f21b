/**
 * Produce: v3-13 (0-2 are advertised and refused: see api-table)
 *
 * Behaviours
 * - One record batch (magic 2) per partition; each partition fails or succeeds by itself.
 * - A partition named twice is written once, with the later data, and a topic named twice is answered once. Nothing is auto-created.
 * - Internal topics are not to be written by clients: INVALID_TOPIC_EXCEPTION, except to one called `__admin_client`.
 * - acks=0 has no answer; when something fails the connection is closed. acks other than -1, 0, 1: INVALID_REQUIRED_ACKS.
 * - A transactional batch needs the request's transactional id (TRANSACTIONAL_ID_AUTHORIZATION_FAILED), and the coordinator's word that its
 *   partition is in the transaction: INVALID_TXN_STATE without. The coordinator is asked only where nothing of the transaction is open.
 * - On one broker with memory or a quick disk the answer leaves in the turn of the request; a disk's after one write for all requests of a read.
 * - While records can't be moved out of memory as fast as they come, a producer's next request is not read. When moving fails and memory
 *   is far beyond its limit: KAFKA_STORAGE_ERROR.
 * Version notes
 * - v7: zstd (before it UNSUPPORTED_COMPRESSION_TYPE). v8 (KIP-467): which records of a batch were refused.
 * - v10 (KIP-951): the current leader and its address, with NOT_LEADER_OR_FOLLOWER. v11 (KIP-890): TRANSACTION_ABORTABLE where older
 *   versions say INVALID_TXN_STATE. v12 (KIP-890): adds the partition to the transaction by itself. v13 (KIP-516): topic ids instead of names.
 * Deviations (compat/FINDINGS.md)
 * - Null records are answered with INVALID_RECORD; Kafka leaves the request unanswered.
 */
import * as header from '../../../protocol/batch/header.js'
import { ErrorCode, Produce, type RequestOf, type ResponseInput } from '../../../protocol/index.js'
import { type AppendAnswer, failedAppend } from '../../broker/partition/append-types.js'
import type { AppendEntry } from '../../broker/partition/appends.js'
import type { Partition } from '../../broker/partition/partition.js'
import { onlyBatchSize } from '../../log/append-shape.js'
import { codecsNeeded } from '../../log/append-validator.js'
import { CompressionCode, prepareCodec } from '../../log/compression/index.js'
import { isInternalTopic } from '../../metadata/topic-name.js'
import {
  AfterWrite,
  type Awaitable,
  api,
  CLOSE_CONNECTION,
  type HandlerResult,
  NO_RESPONSE,
  type RequestContext,
} from '../context.js'
import type { BrokerServices } from '../services.js'
import { LeaderHints } from './support/leader-hints.js'

type Request = RequestOf<typeof Produce>
type Result = HandlerResult<typeof Produce>
type Response = ResponseInput<typeof Produce>
type TopicResponse = NonNullable<Response['responses']>[number]
type PartitionResponse = NonNullable<TopicResponse['partitionResponses']>[number]
type TopicData = Request['topicData'][number]

/** One partition of the request: where it goes, or why it goes nowhere. */
interface Row {
  readonly topic: TopicData
  readonly index: number
  readonly partition: Partition | null
  records: Buffer | null
  answer: AppendAnswer | null
  transactional: boolean
  /** See AppendEntry. */
  transactionVersion: number
}

/** AdminUtils.ADMIN_CLIENT_ID */
const ADMIN_CLIENT_ID = '__admin_client'

export const produce = api(Produce, '3-13', produceHandler, { advertisedMinVersion: 0, pipelined: true })

type Answer = Awaitable<Result> | AfterWrite<typeof Produce>

function produceHandler(request: Request, context: RequestContext, broker: BrokerServices): Answer {
  const rows = rowsOf(request, context, broker)
  for (const row of rows) {
    const codec = row.partition === null ? null : codecsNeeded(row.records, row.partition.log.config.appendRules)
    if (codec !== null) return afterPreparing(codec, rows, request, context, broker)
  }
  return admitRows(rows, request, context, broker)
}

/** The only wait before the append, once in a process: zstd starts asynchronously. The read buffer does not outlive this turn. */
async function afterPreparing(
  codec: number,
  rows: Row[],
  request: Request,
  context: RequestContext,
  broker: BrokerServices,
): Promise<Result> {
  for (const row of rows) if (row.records !== null) row.records = Buffer.from(row.records)
  await prepareCodec(codec)
  return withoutTurn(admitRows(rows, request, context, broker))
}

/** The turn of the request is over, nobody flushes for it: it waits for the write as for anything else. */
function withoutTurn(answer: Answer): Awaitable<Result> {
  return answer instanceof AfterWrite ? answer.ask() : answer
}

/** Asks the transaction coordinator for the batches that begin a transaction in their partition, if there are any. */
function admitRows(rows: Row[], request: Request, context: RequestContext, broker: BrokerServices): Answer {
  const beginning = rowsToAdmit(rows, context.apiVersion, broker)
  if (beginning.length === 0) return appendRows(rows, request, context, broker)
  const codes = broker.produceGate.admit({
    transactionalId: request.transactionalId!,
    producerId: header.producerId(beginning[0]!.records!),
    producerEpoch: header.producerEpoch(beginning[0]!.records!),
    partitions: beginning.map((row) => row.partition!),
    baseSequences: beginning.map((row) => header.baseSequence(row.records!)),
    requestVersion: context.apiVersion,
  })
  const go = (errorCodes: readonly ErrorCode[]): Answer => {
    beginning.forEach((row, i) => {
      if (errorCodes[i] === ErrorCode.NONE) row.transactionVersion = context.apiVersion >= 12 ? 2 : 0
      else row.answer = notAdmitted(errorCodes[i]!)
    })
    return appendRows(rows, request, context, broker)
  }
  if (!(codes instanceof Promise)) return go(codes)
  for (const row of rows) if (row.records !== null) row.records = Buffer.from(row.records)
  // A request behind this one may need no asking, or a shorter one: it must not be appended first.
  const appending = codes.then((errorCodes) => [withoutTurn(go(errorCodes))] as const)
  const appended = () => undefined
  context.connection.stall(appending.then(appended, appended))
  return appending.then(([result]) => result)
}

/** With a sentence where Kafka has one: for the codes that it has chosen in place of the coordinator's. */
function notAdmitted(errorCode: ErrorCode): AppendAnswer {
  const errorMessage = NOT_ADMITTED.get(errorCode)
  return errorMessage === undefined ? failedAppend(errorCode) : { ...failedAppend(errorCode), errorMessage }
}

const NOT_ADMITTED: ReadonlyMap<ErrorCode, string> = new Map([
  [ErrorCode.INVALID_TXN_STATE, 'The partition is not in the transaction.'],
  [ErrorCode.NOT_ENOUGH_REPLICAS, 'The coordinator cannot say yet whether the partition is in the transaction.'],
])

/** One request, one producer: INVALID_PRODUCER_ID_MAPPING for all of it otherwise (ReplicaManager.handleProduceAppend). */
function rowsToAdmit(rows: readonly Row[], version: number, broker: BrokerServices): Row[] {
  const transactional = rows.filter((row) => row.transactional && row.answer === null)
  if (transactional.length === 0) return transactional
  const first = transactional[0]!.records!
  const producer = { producerId: header.producerId(first), producerEpoch: header.producerEpoch(first) }
  for (const { records } of transactional) {
    if (
      header.producerId(records!) === producer.producerId &&
      header.producerEpoch(records!) === producer.producerEpoch
    ) {
      continue
    }
    const errorMessage = 'The transactional batches of a request must come from one producer.'
    for (const row of rows) row.answer = { ...failedAppend(ErrorCode.INVALID_PRODUCER_ID_MAPPING), errorMessage }
    return []
  }
  return transactional.filter((row) => {
    const outdated = broker.produceGate.isOutdated(row.partition!, producer, version)
    if (outdated) row.answer = failedAppend(ErrorCode.INVALID_PRODUCER_EPOCH)
    return !outdated && broker.produceGate.asks(row.partition!, producer, version)
  })
}

function appendRows(
  rows: Row[],
  { acks, timeoutMs }: Request,
  context: RequestContext,
  broker: BrokerServices,
): Answer {
  const open: Row[] = []
  const entries: AppendEntry[] = []
  for (const row of rows) {
    if (row.answer !== null || row.partition === null) continue
    open.push(row)
    entries.push({
      partition: row.partition,
      records: row.records!,
      ...(row.transactionVersion === 0 ? {} : { transactionVersion: row.transactionVersion }),
    })
  }
  const relief = broker.memory.relief()
  if (relief !== null) context.connection.stall(relief)
  const answers = broker.replicas.appends.append(entries, acks, timeoutMs, (gone) => context.connection.onClose(gone))
  if (typeof answers !== 'function') return respond(rows, open, answers, acks, context, broker)
  return new AfterWrite(() => {
    const written = answers()
    if (!(written instanceof Promise)) return respond(rows, open, written, acks, context, broker)
    return written.then((late) => (late === null ? CLOSE_CONNECTION : respond(rows, open, late, acks, context, broker)))
  })
}

function respond(
  rows: readonly Row[],
  open: readonly Row[],
  answers: readonly AppendAnswer[],
  acks: number,
  context: RequestContext,
  broker: BrokerServices,
): Result {
  for (let i = 0; i < open.length; i++) open[i]!.answer = answers[i]!
  if (acks === 0) {
    return rows.every((row) => row.answer!.errorCode === ErrorCode.NONE) ? NO_RESPONSE : CLOSE_CONNECTION
  }
  const hints = new LeaderHints(broker, context)
  const responses: TopicResponse[] = []
  const answered = new Map<string, PartitionResponse[]>()
  let partitionResponses: PartitionResponse[] | undefined
  let topic: TopicData | null = null
  for (const row of rows) {
    if (row.topic !== topic) {
      topic = row.topic
      const key = topic.name === '' ? topic.topicId : topic.name
      partitionResponses = answered.get(key)
      if (partitionResponses === undefined) {
        partitionResponses = []
        answered.set(key, partitionResponses)
        responses.push({ name: topic.name, topicId: topic.topicId, partitionResponses })
      }
    }
    partitionResponses!.push(partitionResponse(row, context.apiVersion, hints))
  }
  return { responses, throttleTimeMs: 0, nodeEndpoints: hints.endpoints }
}

function partitionResponse({ topic, index, answer }: Row, version: number, hints: LeaderHints): PartitionResponse {
  const { errorCode, baseOffset, logAppendTimeMs, logStartOffset, recordErrors, errorMessage } = answer!
  if (errorCode === ErrorCode.NONE) return { index, errorCode, baseOffset, logAppendTimeMs, logStartOffset }
  const moved = version >= 10 && errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER
  const at = { topic: topic.name, topicId: topic.topicId, partition: index }
  return {
    index,
    errorCode,
    baseOffset,
    logAppendTimeMs,
    logStartOffset: hidesLogStart(errorCode) ? -1 : logStartOffset,
    recordErrors: [...recordErrors],
    // As Kafka: a sentence where single records are to blame, or the bytes never reached the log; clients have their own for each code.
    errorMessage: recordErrors.length > 0 || logStartOffset === -1 ? errorMessage : null,
    ...(moved ? { currentLeader: hints.leaderOf(at) } : {}),
  }
}

/** Errors after which Kafka does not look at the log (ReplicaManager.appendToLocalLog). */
function hidesLogStart(errorCode: ErrorCode): boolean {
  return (
    errorCode === ErrorCode.MESSAGE_TOO_LARGE ||
    errorCode === ErrorCode.CORRUPT_MESSAGE ||
    errorCode === ErrorCode.KAFKA_STORAGE_ERROR
  )
}

/** Finds the partitions and judges what needs no log. In the order of the request, each partition once. */
function rowsOf(request: Request, context: RequestContext, broker: BrokerServices): Row[] {
  const { topicData, transactionalId } = request
  const rows: Row[] = []
  const seen = new Map<Partition, Row>()
  const absent = new Set<string>()
  let anonymous = false
  for (const topic of topicData) {
    for (const { index, records } of topic.partitionData) {
      const transactional = isTransactional(records)
      anonymous ||= transactional && transactionalId === null
      const found =
        context.apiVersion >= 13
          ? broker.replicas.findById(topic.topicId, index)
          : broker.replicas.find(topic.name, index)
      if (typeof found === 'number') {
        const name = `${topic.name} ${topic.topicId} ${index}`
        if (absent.has(name)) continue
        absent.add(name)
        const answer = failedAppend(found)
        rows.push({ topic, index, partition: null, records: null, answer, transactional: false, transactionVersion: 0 })
        continue
      }
      const answer = refusal(found, records, context) ?? withoutMemory(broker)
      const earlier = seen.get(found)
      if (earlier !== undefined) {
        earlier.records = records
        earlier.answer = answer
        earlier.transactional = transactional
        continue
      }
      const row: Row = { topic, index, partition: found, records, answer, transactional, transactionVersion: 0 }
      seen.set(found, row)
      rows.push(row)
    }
  }
  // Kafka asks first of all whether the request may use its transactional id: without one it may not, as a whole.
  if (anonymous) for (const row of rows) row.answer = failedAppend(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
  return rows
}

function withoutMemory({ memory }: BrokerServices): AppendAnswer | null {
  const errorMessage = memory.refusal
  return errorMessage === null ? null : { ...failedAppend(ErrorCode.KAFKA_STORAGE_ERROR), errorMessage }
}

/** What the outline of the records and the version forbid (ProduceRequest.validateRecords); all else is the log's business. */
function refusal(partition: Partition, records: Buffer | null, context: RequestContext): AppendAnswer | null {
  const { apiVersion: version, clientId } = context
  // What the coordinators write there is their memory: nobody else may (ReplicaManager.appendRecordsToLeader), but administrators.
  if (isInternalTopic(partition.topic) && clientId !== ADMIN_CLIENT_ID) {
    return failedAppend(ErrorCode.INVALID_TOPIC_EXCEPTION)
  }
  const outline = onlyBatchSize(records)
  if (typeof outline !== 'number') {
    // Kafka passes on the words of its CorruptRecordException and of nothing else here.
    const errorMessage = outline.errorCode === ErrorCode.CORRUPT_MESSAGE ? outline.message : null
    return { ...failedAppend(outline.errorCode), errorMessage }
  }
  if (outline < header.HEADER_BYTES || version >= 7) return null
  const isZstd = header.compressionCode(records!) === CompressionCode.zstd
  return isZstd ? failedAppend(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE) : null
}

function isTransactional(records: Buffer | null): boolean {
  return records !== null && records.length >= header.HEADER_BYTES && header.isTransactional(records)
}
