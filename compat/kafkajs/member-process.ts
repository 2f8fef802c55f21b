/**
 * A consumer as a program, to be killed: `node member-process.js BOOTSTRAP TOPIC GROUP`. Prints a JSON line for every
 * join ({"joined":[partitions]}) and every record ({"received":value}).
 */
import { Kafka, logLevel } from 'kafkajs'

const [bootstrap, topic, groupId] = process.argv.slice(2)
if (!bootstrap || !topic || !groupId) throw new Error('usage: member-process.js BOOTSTRAP TOPIC GROUP')

const say = (event: object) => process.stdout.write(`${JSON.stringify(event)}\n`)

const kafka = new Kafka({ clientId: 'victim', brokers: bootstrap.split(','), logLevel: logLevel.NOTHING })
const consumer = kafka.consumer({
  groupId,
  sessionTimeout: 6000,
  rebalanceTimeout: 6000,
  heartbeatInterval: 100,
  maxWaitTimeInMs: 50,
})
consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => say({ joined: payload.memberAssignment[topic] ?? [] }))
await consumer.connect()
await consumer.subscribe({ topics: [topic], fromBeginning: true })
await consumer.run({
  autoCommitThreshold: 1,
  eachMessage: async ({ message }) => {
    say({ received: message.value?.toString() ?? '' })
  },
})
