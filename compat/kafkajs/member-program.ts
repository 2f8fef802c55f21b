/**
 * A consumer as a program, to be killed: `node member-program.js BOOTSTRAP TOPIC GROUP`. Prints a JSON line for every
 * join ({"joined":[partitions]}) and every record ({"received":value,"partition":n,"offset":"n"}). It ends by itself when its consumer is beyond
 * help (it has crashed for good, or never leaves its turn, as kafkajs 2.2.4's now and then when brokers come and go), and when its standard input does.
 */
import { Kafka, logLevel } from 'kafkajs'
import { watchLoop } from '../../test/support/loop-watchdog.js'

const [bootstrap, topic, groupId] = process.argv.slice(2)
if (!bootstrap || !topic || !groupId) throw new Error('usage: member-program.js BOOTSTRAP TOPIC GROUP')

const say = (event: object) => process.stdout.write(`${JSON.stringify(event)}\n`)

watchLoop(5000)
// Whoever started us is gone.
process.stdin.on('end', () => process.exit(0)).resume()
const kafka = new Kafka({
  clientId: 'member',
  brokers: bootstrap.split(','),
  logLevel: logLevel.NOTHING,
  requestTimeout: 5000,
  retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 40 },
})
const consumer = kafka.consumer({
  groupId,
  sessionTimeout: 6000,
  rebalanceTimeout: 6000,
  heartbeatInterval: 100,
  maxWaitTimeInMs: 50,
})
consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => say({ joined: payload.memberAssignment[topic] ?? [] }))
consumer.on(consumer.events.CRASH, ({ payload }) => {
  if (!payload.restart) process.exit(1)
})
await consumer.connect()
await consumer.subscribe({ topics: [topic], fromBeginning: true })
await consumer.run({
  autoCommitThreshold: 1,
  eachMessage: async ({ partition, message }) => {
    say({ received: message.value?.toString() ?? '', partition, offset: message.offset })
  },
})
