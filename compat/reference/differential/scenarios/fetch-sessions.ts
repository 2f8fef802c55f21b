import { Fetch, Produce } from '../../../../protocol/index.js'
import { batch } from '../batches.js'
import { perVersion, type Scene } from '../scenario.js'
import { fetchOf } from './fetch.js'
import { produceTo } from './produce.js'

const versions = [7, 11, 12, 13, 18]

type Topic = Awaited<ReturnType<Scene['setUpTopic']>>

async function session(c: Scene, v: number, id: number, epoch: number, wanted: readonly (readonly [Topic, object])[]) {
  const answer = await c.send(Fetch, v, { ...fetchOf(v, wanted), sessionId: id, sessionEpoch: epoch })
  return answer?.sessionId ?? 0
}

const write = (c: Scene, topic: Topic, value: string) => c.quiet(Produce, 7, produceTo(7, topic, batch([value])))

perVersion('Fetch session {v}: full, then only what is new', versions, async (c, v) => {
  const [a, b] = [await c.setUpTopic(), await c.setUpTopic()]
  await write(c, a, 'first')
  const id = await session(c, v, 0, 0, [
    [a, {}],
    [b, {}],
  ])
  await session(c, v, id, 1, [])
  await session(c, v, id, 2, [[a, { fetchOffset: 1 }]])
  await session(c, v, id, 3, [])
  await write(c, b, 'second')
  await session(c, v, id, 4, [])
  await session(c, v, id, 5, [[b, { fetchOffset: 1 }]])
})

perVersion('Fetch session {v}: a wrong epoch and an unknown session', versions, async (c, v) => {
  const topic = await c.setUpTopic()
  await write(c, topic, 'x')
  const id = await session(c, v, 0, 0, [[topic, {}]])
  await session(c, v, id, 5, [])
  await session(c, v, id, 1, [])
  await session(c, v, id === 12345 ? 54321 : 12345, 1, [])
})

perVersion('Fetch session {v}: closed by epoch -1', versions, async (c, v) => {
  const topic = await c.setUpTopic()
  const id = await session(c, v, 0, 0, [[topic, {}]])
  await session(c, v, id, -1, [[topic, {}]])
  await session(c, v, id, 1, [])
})

perVersion('Fetch session {v}: none is made for epoch -1', versions, async (c, v) => {
  const topic = await c.setUpTopic()
  await session(c, v, 0, -1, [[topic, {}]])
})

perVersion('Fetch session {v}: a new one closes the old', versions, async (c, v) => {
  const topic = await c.setUpTopic()
  const id = await session(c, v, 0, 0, [[topic, {}]])
  const other = await session(c, v, id, 0, [[topic, {}]])
  c.note('another session', other !== id)
  await session(c, v, id, 1, [])
})

perVersion('Fetch session {v}: forgotten partitions', versions, async (c, v) => {
  const [a, b] = [await c.setUpTopic(), await c.setUpTopic()]
  await write(c, a, 'a')
  await write(c, b, 'b')
  const id = await session(c, v, 0, 0, [
    [a, {}],
    [b, {}],
  ])
  const forgotten = v >= 13 ? { topicId: a.id, partitions: [0] } : { topic: a.name, partitions: [0] }
  const forgets = { ...fetchOf(v, []), sessionId: id, sessionEpoch: 1, forgottenTopicsData: [forgotten] }
  await c.send(Fetch, v, forgets)
  await session(c, v, id, 2, [])
})

perVersion('Fetch session {v}: partitions with errors come every time', versions, async (c, v) => {
  const topic = await c.setUpTopic()
  const id = await session(c, v, 0, 0, [[topic, { partition: 4 }]])
  await session(c, v, id, 1, [])
})

perVersion('Fetch session {v}: a partition that joins later', versions, async (c, v) => {
  const [a, b] = [await c.setUpTopic(), await c.setUpTopic()]
  const id = await session(c, v, 0, 0, [[a, {}]])
  await write(c, b, 'late')
  await session(c, v, id, 1, [[b, {}]])
})
