/** `odradek consume`: prints records, one per line, as they come. */
import type { Consumer, KafkaMessage } from 'kafkajs'
import { withCluster } from '../cluster-client.js'
import { registerCodecs } from '../codecs.js'
import type { OutputHost } from '../output.js'
import { PartitionReader } from '../partition-reader.js'
import { recordFormatter } from '../record-format.js'
import { RecordSink } from '../record-sink.js'
import { CommandError, connect } from '../session.js'

/** The client cannot leave while a fetch waits: what the end of the command may take at most. */
const MAX_WAIT_MS = 500
/** How long a group may take to form when there is a --timeout. */
const JOIN_PATIENCE_MS = 10_000

export interface ConsumeOptions {
  readonly fromBeginning: boolean
  /** Null: read without a group, leaving nothing behind. */
  readonly group: string | null
  /** Stop after so many records. */
  readonly max: number | null
  /** Stop when nothing has come for so long. */
  readonly timeoutMs: number | null
  readonly format: string
}

export interface ConsumeIo {
  readonly host: OutputHost
  /** Settles when the person interrupts, or nobody reads the output any more. */
  readonly interrupted: Promise<unknown>
  setTimer(delayMs: number, fire: () => void): { cancel(): void }
}

export async function consume(
  bootstrap: readonly string[],
  topic: string,
  options: ConsumeOptions,
  io: ConsumeIo,
): Promise<void> {
  const { max, timeoutMs, group } = options
  const sink = new RecordSink({ format: recordFormatter(options.format), max, timeoutMs }, io)
  let interrupted = false
  void io.interrupted.then(() => {
    interrupted = true
    sink.stop()
  })
  if (group === null) await readAlone(bootstrap, topic, options.fromBeginning, sink)
  else await readAsMember(bootstrap, topic, group, options.fromBeginning, sink)
  if (max !== null && sink.printed < max) {
    const why = interrupted ? 'it was interrupted' : `nothing came for ${timeoutMs} ms`
    throw new CommandError(`${sink.printed} of ${max} records came before ${why}.`)
  }
}

async function readAlone(bootstrap: readonly string[], topic: string, fromBeginning: boolean, sink: RecordSink) {
  await withCluster(bootstrap, async (cluster) => {
    // A reader that waits in a fetch must not keep the person waiting.
    void sink.ended.then(() => cluster.close())
    sink.start()
    await new PartitionReader(cluster, topic, fromBeginning, sink).run()
  })
}

async function readAsMember(
  bootstrap: readonly string[],
  topic: string,
  groupId: string,
  fromBeginning: boolean,
  sink: RecordSink,
): Promise<void> {
  await withCluster(bootstrap, (cluster) => cluster.topic(topic))
  await registerCodecs()
  const kafka = await connect(bootstrap, { restartOnFailure: async () => false })
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    sessionTimeout: 10_000,
    maxWaitTimeInMs: MAX_WAIT_MS,
  })
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning })
    // Joining takes as long as the broker lets members gather (3 s by Apache Kafka's default): silence counts from then on.
    sink.start(JOIN_PATIENCE_MS)
    consumer.on(consumer.events.GROUP_JOIN, () => sink.start())
    await run(consumer, sink)
  } finally {
    await consumer.disconnect()
  }
}

/** Resolves when the sink has enough; what was printed is committed by then. */
function run(consumer: Consumer, sink: RecordSink): Promise<void> {
  return new Promise((resolve, reject) => {
    let working = false
    const finish = (): void => {
      if (!working) resolve()
    }
    void sink.ended.then(finish)
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) reject(payload.error)
    })
    consumer
      .run({
        eachBatchAutoResolve: false,
        eachBatch: async ({ batch, resolveOffset, uncommittedOffsets, commitOffsetsIfNecessary, heartbeat }) => {
          working = true
          try {
            for (const message of batch.messages) {
              if (!sink.take(recordOf(batch.topic, batch.partition, message))) break
              resolveOffset(message.offset)
            }
            await heartbeat()
            await commitOffsetsIfNecessary(uncommittedOffsets())
          } finally {
            working = false
          }
          if (sink.over) resolve()
        },
      })
      .catch(reject)
  })
}

/** kafkajs gives headers as an object: one value, or an array of them. */
function recordOf(topic: string, partition: number, message: KafkaMessage) {
  const headers = Object.entries(message.headers ?? {}).flatMap(([key, given]) =>
    (Array.isArray(given) ? given : [given]).map((value) => ({
      key,
      value: value === undefined ? null : Buffer.from(value as Buffer),
    })),
  )
  const { offset, timestamp, key, value } = message
  return { topic, partition, offset, timestamp, key, value, headers }
}
