/**
 * DeleteRecords: v0-2
 *
 * Behaviours
 * - Moves the log start up to the offset (-1: the high watermark) and answers with the new low watermark. Below it already: nothing happens.
 * - In a data directory the new starts are noted before the answer leaves. Kafka notes them within a minute; a crash before that
 *   brings the records back.
 * - Beyond the high watermark, or negative: OFFSET_OUT_OF_RANGE. Topics without `delete` in their cleanup policy: POLICY_VIOLATION.
 * - Internal topics that are there: INVALID_TOPIC_EXCEPTION. A partition named twice is done once, with the later offset.
 * Version notes
 * - v2: flexible.
 */
import { DeleteRecords, ErrorCode, type RequestOf, type ResponseInput } from '../../../protocol/index.js'
import type { Partition } from '../../broker/partition/partition.js'
import type { DeleteRecordsAnswer } from '../../broker/purgatory/delayed-delete-records.js'
import { isInternalTopic } from '../../metadata/topic-name.js'
import { type Awaitable, api, CLOSE_CONNECTION, type HandlerResult, type RequestContext } from '../context.js'
import type { BrokerServices } from '../services.js'

type Request = RequestOf<typeof DeleteRecords>
type Response = ResponseInput<typeof DeleteRecords>

interface Row {
  readonly topic: string
  readonly partitionIndex: number
  readonly partition: Partition | null
  offset: number
  answer: DeleteRecordsAnswer
}

export const deleteRecords = api(DeleteRecords, '0-2', deleteRecordsHandler)

function deleteRecordsHandler(
  request: Request,
  context: RequestContext,
  broker: BrokerServices,
): Awaitable<HandlerResult<typeof DeleteRecords>> {
  const rows = [...rowsOf(request, broker).values()]
  const open = rows.filter((row) => row.partition !== null)
  const entries = open.map(({ partition, offset }) => ({ partition: partition!, offset }))
  const answers = broker.replicas.deletions.deleteRecords(entries, request.timeoutMs, (gone) =>
    context.connection.onClose(gone),
  )
  const finish = (done: readonly DeleteRecordsAnswer[]): Response => {
    open.forEach((row, index) => {
      row.answer = done[index]!
    })
    return respond(rows)
  }
  const noted = (done: readonly DeleteRecordsAnswer[]): Awaitable<Response> => {
    const last = broker.logs.isDurable ? noteStarts(done, broker) : done
    return last instanceof Promise ? last.then(finish) : finish(last)
  }
  return answers instanceof Promise
    ? answers.then((late) => (late === null ? CLOSE_CONNECTION : noted(late)))
    : noted(answers)
}

/** What was deleted must not come back after a crash: the new starts are on the disk before the answer leaves. */
async function noteStarts(
  done: readonly DeleteRecordsAnswer[],
  broker: BrokerServices,
): Promise<readonly DeleteRecordsAnswer[]> {
  if (done.every(({ errorCode }) => errorCode !== ErrorCode.NONE)) return done
  try {
    await broker.logs.checkpointLogStarts()
    return done
  } catch (error) {
    broker.logger.error(`Where logs start could not be noted: ${String(error)}`)
    return done.map((answer) =>
      answer.errorCode === ErrorCode.NONE ? { ...answer, errorCode: ErrorCode.KAFKA_STORAGE_ERROR } : answer,
    )
  }
}

function rowsOf(request: Request, broker: BrokerServices): Map<string, Row> {
  const rows = new Map<string, Row>()
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex, offset } of partitions) {
      const key = `${name}:${partitionIndex}`
      const earlier = rows.get(key)
      if (earlier !== undefined) {
        earlier.offset = offset
        continue
      }
      const isProtected =
        isInternalTopic(name) && broker.image().topicsByName.get(name)?.partitions[partitionIndex] !== undefined
      const found = isProtected ? ErrorCode.INVALID_TOPIC_EXCEPTION : broker.replicas.find(name, partitionIndex)
      const errorCode = typeof found === 'number' ? found : ErrorCode.NONE
      const partition = typeof found === 'number' ? null : found
      rows.set(key, { topic: name, partitionIndex, partition, offset, answer: { errorCode, lowWatermark: -1 } })
    }
  }
  return rows
}

function respond(rows: readonly Row[]): Response {
  const topics = new Map<string, { partitionIndex: number; lowWatermark: number; errorCode: ErrorCode }[]>()
  for (const { topic, partitionIndex, answer } of rows) {
    const partitions = topics.get(topic) ?? []
    topics.set(topic, partitions)
    partitions.push({ partitionIndex, ...answer })
  }
  return { throttleTimeMs: 0, topics: Array.from(topics, ([name, partitions]) => ({ name, partitions })) }
}
