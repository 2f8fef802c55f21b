import { ListOffsets, Produce } from '../../../../protocol/index.js'
import { baseTimestamp, batch } from '../batches.js'
import { perVersion, type Scene, versionsOf } from '../scenario.js'
import { produceTo } from './produce.js'

interface Asked {
  partitionIndex?: number
  timestamp?: number
  currentLeaderEpoch?: number
}

async function list(c: Scene, v: number, name: string, asked: readonly Asked[], isolationLevel = 0): Promise<void> {
  const partitions = asked.map((one) => ({ partitionIndex: 0, timestamp: -1, ...one }))
  const isolation = v >= 2 ? { isolationLevel } : {}
  await c.send(ListOffsets, v, { replicaId: -1, ...isolation, topics: [{ name, partitions }] })
}

async function timed(c: Scene): Promise<string> {
  const topic = await c.setUpTopic({ partitions: 2 })
  for (const [values, at] of [
    [['a', 'b'], 0],
    [['c'], 1000],
    [['d', 'e', 'f'], 500],
  ] as const) {
    await c.quiet(Produce, 7, produceTo(7, topic, batch(values, { baseTimestamp: baseTimestamp + at })))
  }
  return topic.name
}

const versions = versionsOf(ListOffsets)

perVersion('ListOffsets {v}: latest and earliest', versions, async (c, v) => {
  const name = await timed(c)
  for (const timestamp of [-1, -2]) await list(c, v, name, [{ timestamp }])
  await list(c, v, name, [{ partitionIndex: 1 }])
})

perVersion('ListOffsets {v}: special timestamps', versions, async (c, v) => {
  const name = await timed(c)
  for (const timestamp of [-3, -4, -5, -6, -7, -100]) await list(c, v, name, [{ timestamp }])
  await list(c, v, name, [{ partitionIndex: 1, timestamp: -3 }])
})

perVersion('ListOffsets {v}: by time', versions, async (c, v) => {
  const name = await timed(c)
  for (const after of [-1, 0, 1, 2, 500, 501, 502, 503, 999, 1000, 1001]) {
    await list(c, v, name, [{ timestamp: baseTimestamp + after }])
  }
  await list(c, v, name, [{ timestamp: 0 }])
  await list(c, v, name, [{ partitionIndex: 1, timestamp: 0 }])
})

perVersion('ListOffsets {v}: unknown topic and partition', versions, async (c, v) => {
  const name = await timed(c)
  await list(c, v, name, [{ partitionIndex: 9 }])
  await list(c, v, c.name('absent'), [{}])
  await list(c, v, 'a b', [{}])
})

perVersion('ListOffsets {v}: the same partition twice', versions, async (c, v) => {
  await list(c, v, await timed(c), [{}, { timestamp: -2 }, { partitionIndex: 1 }])
})

perVersion('ListOffsets {v}: leader epochs', [4, 6, 11], async (c, v) => {
  const name = await timed(c)
  for (const currentLeaderEpoch of [0, 1, -1, -2]) await list(c, v, name, [{ currentLeaderEpoch }])
})

perVersion('ListOffsets {v}: read committed', [2, 6, 11], async (c, v) => {
  const name = await timed(c)
  await list(c, v, name, [{}], 1)
  await list(c, v, name, [{}], 9)
})
