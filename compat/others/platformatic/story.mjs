// The core story with @platformatic/kafka, which sends flexible versions only. Usage: node story.mjs BOOTSTRAP NAME
import assert from 'node:assert/strict'
import {
  Admin,
  Consumer,
  MessagesStreamModes,
  Producer,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka'

const [bootstrap, name] = process.argv.slice(2)
const topic = `${name}-topic`
const groupId = `${name}-group`
const base = { clientId: name, bootstrapBrokers: bootstrap.split(',') }
const say = (what) => console.log(`ok ${what}`)
const total = 60

const admin = new Admin(base)
await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 })
// A leader may learn of its partition a moment after the metadata did; a produce in between would be sent twice.
const probe = new Consumer({ ...base, groupId: `${name}-probe`, retries: 100, retryDelay: 20 })
await probe.listOffsets({ topics: [topic] })
await probe.close(true)
say('created a topic of 3 partitions')

const producer = new Producer({ ...base, serializers: stringSerializers })
const numbers = Array.from({ length: total }, (_, i) => i)
const perCodec = 12
for (const [i, compression] of ['none', 'gzip', 'snappy', 'lz4', 'zstd'].entries()) {
  const messages = numbers
    .slice(i * perCodec, (i + 1) * perCodec)
    .map((n) => ({ topic, key: `k${n}`, value: `v${n}`, headers: { codec: compression } }))
  try {
    await producer.send({ messages, acks: -1, compression })
  } catch (error) {
    // Zstandard needs a newer Node, and LZ4 a package of its own: what the client cannot do is no fault of the broker.
    const causes = [error, ...(error.errors ?? [])]
    if (!causes.some((cause) => cause.code === 'PLT_KFK_UNSUPPORTED_COMPRESSION')) throw error
    await producer.send({ messages, acks: -1 })
  }
}
await producer.close()
say(`produced ${total} keyed records`)

async function consume(count, check) {
  const consumer = new Consumer({
    ...base,
    groupId,
    deserializers: stringDeserializers,
    sessionTimeout: 10_000,
    rebalanceTimeout: 10_000,
    heartbeatInterval: 500,
    maxWaitTime: 100,
  })
  const stream = await consumer.consume({
    topics: [topic],
    autocommit: false,
    mode: MessagesStreamModes.COMMITTED,
    fallbackMode: 'earliest',
  })
  const seen = []
  for await (const message of stream) {
    assert.equal(message.value, `v${message.key.slice(1)}`)
    seen.push(message)
    await message.commit()
    if (seen.length === count) break
  }
  await check?.()
  await consumer.close(true)
  return seen
}

const first = await consume(25, async () => {
  const groups = await admin.describeGroups({ groups: [groupId] })
  assert.equal(groups.get(groupId).state, 'STABLE')
  assert.equal((await admin.listGroups()).has(groupId), true)
})
say('consumed 25 in a group and committed')
const rest = await consume(total - 25)
const keys = [...first, ...rest].map((message) => message.key)
const where = (message) => `${message.partition}/${message.offset}`
const again = rest.map(where).filter((place) => first.map(where).includes(place))
assert.deepEqual(again, [], 'records came twice')
assert.equal(new Set(keys).size, total, 'a record did not come')
say('resumed from the committed offsets and saw only the rest')

const metadata = await admin.metadata({ topics: [topic] })
assert.equal(metadata.topics.get(topic).partitionsCount, 3)
await admin.deleteGroups({ groups: [groupId] })
await admin.deleteTopics({ topics: [topic] })
say('deleted the group and the topic')
await admin.close()
