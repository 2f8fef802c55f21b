/** `odradek consume`: prints records, one per line, as they come. */
import type { Consumer, Kafka } from 'kafkajs'
import { registerCodecs } from '../codecs.js'
import type { OutputHost } from '../output.js'
import { recordFormatter } from '../record-format.js'
import { CommandError, connect, errorType } from '../session.js'

/** The client cannot leave while a fetch waits: what the end of the command may take at most. */
const MAX_WAIT_MS = 500
/** How long a group may take to form when there is a --timeout. */
const JOIN_PATIENCE_MS = 10_000

export interface ConsumeOptions {
  readonly fromBeginning: boolean
  /** Null: read without a group of one's own, leaving nothing behind. */
  readonly group: string | null
  /** Stop after so many records. */
  readonly max: number | null
  /** Stop when nothing has come for so long. */
  readonly timeoutMs: number | null
  readonly format: string
}

export interface ConsumeIo {
  readonly host: OutputHost
  /** Settles when the person interrupts. */
  readonly interrupted: Promise<void>
  /** A fresh id for the throw-away group. */
  uuid(): string
  setTimer(delayMs: number, fire: () => void): { cancel(): void }
}

export async function consume(
  bootstrap: readonly string[],
  topic: string,
  options: ConsumeOptions,
  io: ConsumeIo,
): Promise<void> {
  await registerCodecs()
  const kafka = await connect(bootstrap)
  const groupId = options.group ?? `odradek-cli-${io.uuid()}`
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    sessionTimeout: 10_000,
    maxWaitTimeInMs: MAX_WAIT_MS,
  })
  await consumer.connect()
  let printed = 0
  try {
    await consumer.subscribe({ topic, fromBeginning: options.fromBeginning })
    printed = await run(consumer, options, io)
  } catch (error) {
    if (errorType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
    throw new CommandError(`There is no topic ${topic}.`, 1, { cause: error })
  } finally {
    await consumer.disconnect()
    if (options.group === null) await forget(kafka, groupId)
  }
  if (options.max !== null && printed < options.max) {
    throw new CommandError(`${printed} of ${options.max} records came before the time was up.`)
  }
}

/** Resolves with the number of records printed. */
function run(consumer: Consumer, options: ConsumeOptions, io: ConsumeIo): Promise<number> {
  const format = recordFormatter(options.format)
  return new Promise((resolve, reject) => {
    let printed = 0
    let over = false
    let timer: { cancel(): void } | null = null
    const finish = (settle: () => void): void => {
      if (over) return
      over = true
      timer?.cancel()
      settle()
    }
    const startTimer = (delayMs: number): void => {
      timer?.cancel()
      if (options.timeoutMs !== null && !over) timer = io.setTimer(delayMs, () => finish(() => resolve(printed)))
    }
    const restartTimer = (): void => startTimer(options.timeoutMs ?? 0)
    void io.interrupted.then(() => finish(() => resolve(printed)))
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) finish(() => reject(payload.error))
    })
    // Joining a group takes as long as the broker lets members gather (3 s by Apache Kafka's default): silence counts from then on.
    startTimer(Math.max(options.timeoutMs ?? 0, JOIN_PATIENCE_MS))
    consumer.on(consumer.events.GROUP_JOIN, restartTimer)
    consumer
      .run({
        autoCommit: options.group !== null,
        eachBatchAutoResolve: false,
        eachBatch: async ({ batch, resolveOffset, uncommittedOffsets, commitOffsetsIfNecessary, heartbeat }) => {
          for (const message of batch.messages) {
            if (over) break
            const { offset, timestamp, key, value, headers } = message
            io.host.out(
              `${format({ topic: batch.topic, partition: batch.partition, offset, timestamp, key, value, headers: headers ?? {} })}\n`,
            )
            resolveOffset(offset)
            printed++
            restartTimer()
            if (options.max !== null && printed >= options.max) break
          }
          await heartbeat()
          if (options.group !== null) await commitOffsetsIfNecessary(uncommittedOffsets())
          if (options.max !== null && printed >= options.max) finish(() => resolve(printed))
        },
      })
      .catch((error: unknown) => finish(() => reject(error as Error)))
  })
}

/** The throw-away group has no offsets; the broker would forget it anyway, so a failure here is not the command's. */
async function forget(kafka: Kafka, groupId: string): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    await admin.deleteGroups([groupId])
  } catch (error) {
    if ((error as Error).name !== 'KafkaJSDeleteGroupsError') throw error
  } finally {
    await admin.disconnect()
  }
}
