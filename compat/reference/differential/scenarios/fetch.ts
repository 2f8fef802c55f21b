import { Fetch, OffsetForLeaderEpoch, Produce } from '../../../../protocol/index.js'
import { batch } from '../batches.js'
import { perVersion, type Scene, scenario, versionsOf } from '../scenario.js'
import { produceTo } from './produce.js'

interface TopicName {
  readonly name: string
  readonly id: string
}

interface Wanted {
  partition?: number
  fetchOffset?: number
  partitionMaxBytes?: number
  currentLeaderEpoch?: number
  lastFetchedEpoch?: number
}

interface Limits {
  maxWaitMs?: number
  minBytes?: number
  maxBytes?: number
  isolationLevel?: number
}

/** A fetch without a session; topics by id from version 13 on. */
export function fetchOf(v: number, wanted: readonly (readonly [TopicName, Wanted])[], limits: Limits = {}) {
  const topics = wanted.map(([topic, partition]) => {
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100_000, ...partition }]
    return v >= 13 ? { topicId: topic.id, partitions } : { topic: topic.name, partitions }
  })
  return { maxWaitMs: 0, minBytes: 0, maxBytes: 1_000_000, ...limits, topics }
}

export async function filled(c: Scene, batches: readonly (readonly string[])[] = [['a', 'b', 'c'], ['d'], ['e', 'f']]) {
  const topic = await c.setUpTopic({ partitions: 2 })
  for (const values of batches) await c.quiet(Produce, 7, produceTo(7, topic, batch(values)))
  return topic
}

const versions = versionsOf(Fetch)

perVersion('Fetch {v}: from the beginning', versions, async (c, v) => {
  await c.send(Fetch, v, fetchOf(v, [[await filled(c), {}]]))
})

const places: readonly (readonly [string, Wanted])[] = [
  ['in the middle of a batch', { fetchOffset: 1 }],
  ['at the last record', { fetchOffset: 5 }],
  ['at the end', { fetchOffset: 6 }],
  ['beyond the end', { fetchOffset: 7 }],
  ['at a negative offset', { fetchOffset: -1 }],
  ['an empty partition', { partition: 1 }],
  ['an unknown partition', { partition: 9 }],
  ['one byte at most', { partitionMaxBytes: 1 }],
  ['no bytes at most', { partitionMaxBytes: 0 }],
  ['as much as the first batch', { partitionMaxBytes: 90 }],
]
for (const [what, wanted] of places) {
  perVersion(`Fetch {v}: ${what}`, [4, 11, 12, 18], async (c, v) => {
    await c.send(Fetch, v, fetchOf(v, [[await filled(c), wanted]]))
  })
}

perVersion('Fetch {v}: an unknown topic', versions, async (c, v) => {
  await c.send(Fetch, v, fetchOf(v, [[{ name: c.name('absent'), id: 'AAAAAAAAAAAAAAAAAAAABA' }, {}]]))
})

/** An error that the fetch itself finds answers at once; an unknown topic is sorted out before and does not. */
perVersion('Fetch {v}: does it wait with an error beside a known partition', [4, 12, 13, 18], async (c, v) => {
  const absent = { name: c.name('absent'), id: 'AAAAAAAAAAAAAAAAAAAABA' }
  const known = await filled(c)
  const limits = { maxWaitMs: 500, minBytes: 1_000_000 }
  const bad: readonly (readonly [TopicName, Wanted])[] = [
    [absent, {}],
    [known, { partition: 9 }],
    [known, { partition: 1, fetchOffset: 99 }],
  ]
  for (const wanted of bad) {
    const began = Date.now()
    await c.send(Fetch, v, fetchOf(v, [wanted, [known, {}]], limits))
    c.note('waited', Date.now() - began >= 450)
  }
})

for (const epoch of [0, 1, 9, -1, -5]) {
  perVersion(`Fetch {v}: current leader epoch ${epoch}`, [9, 12, 18], async (c, v) => {
    await c.send(Fetch, v, fetchOf(v, [[await filled(c), { currentLeaderEpoch: epoch }]]))
  })
}

for (const [what, wanted] of [
  ['known epoch', { fetchOffset: 3, lastFetchedEpoch: 0 }],
  ['known epoch, beyond its end', { fetchOffset: 60, lastFetchedEpoch: 0 }],
  ['unknown epoch', { fetchOffset: 3, lastFetchedEpoch: 5 }],
] as const) {
  perVersion(`Fetch {v}: last fetched ${what}`, [12, 18], async (c, v) => {
    await c.send(Fetch, v, fetchOf(v, [[await filled(c), wanted]]))
  })
}

perVersion('Fetch {v}: read committed', [4, 11, 18], async (c, v) => {
  await c.send(Fetch, v, fetchOf(v, [[await filled(c), {}]], { isolationLevel: 1 }))
})

perVersion('Fetch {v}: an isolation level that there is not', [4, 18], async (c, v) => {
  await c.send(Fetch, v, fetchOf(v, [[await filled(c), {}]], { isolationLevel: 7 }))
})

perVersion('Fetch {v}: two topics under one small limit', [4, 12, 18], async (c, v) => {
  const [a, b] = [await filled(c), await filled(c)]
  for (const maxBytes of [1, 100, 250, 10_000]) {
    await c.send(
      Fetch,
      v,
      fetchOf(
        v,
        [
          [a, {}],
          [b, {}],
        ],
        { maxBytes },
      ),
    )
  }
})

perVersion('Fetch {v}: no topics', versions, async (c, v) => {
  await c.send(Fetch, v, fetchOf(v, []))
})

perVersion('Fetch {v}: wakes when records come', [4, 18], async (c, v) => {
  const topic = await c.setUpTopic()
  const connection = await c.connect()
  connection.write(connection.frameOf(Fetch, v, fetchOf(v, [[topic, {}]], { maxWaitMs: 5000, minBytes: 1 })))
  await c.quiet(Produce, 7, produceTo(7, topic, batch(['a'])))
  const began = Date.now()
  const outcome = await connection.next()
  c.note('woken', 'frame' in outcome && Date.now() - began < 3000)
})

perVersion('Fetch {v}: LogAppendTime and a recompressed batch', [4, 18], async (c, v) => {
  const topic = await c.setUpTopic({ configs: { 'message.timestamp.type': 'LogAppendTime' } })
  await c.quiet(Produce, 7, produceTo(7, topic, batch(['a', 'b'])))
  await c.send(Fetch, v, fetchOf(v, [[topic, {}]]))
})

perVersion('OffsetForLeaderEpoch {v}', versionsOf(OffsetForLeaderEpoch), async (c, v) => {
  const { name } = await filled(c)
  const ask = async (topic: string, partition: number, leaderEpoch: number, currentLeaderEpoch = -1) => {
    const topics = [{ topic, partitions: [{ partition, leaderEpoch, currentLeaderEpoch }] }]
    await c.send(OffsetForLeaderEpoch, v, v >= 3 ? { replicaId: -1, topics } : { topics })
  }
  for (const epoch of [0, 1, 5, -1, -2]) await ask(name, 0, epoch)
  for (const current of [0, 1, 3]) await ask(name, 0, 0, current)
  await ask(name, 1, 0)
  await ask(name, 9, 0)
  await ask(c.name('absent'), 0, 0)
})

scenario('Fetch v11: a replica id that is no replica', async (c) => {
  const topic = await filled(c)
  await c.send(Fetch, 11, { ...fetchOf(11, [[topic, {}]]), replicaId: 1 })
  await c.send(Fetch, 11, { ...fetchOf(11, [[topic, {}]]), replicaId: 77 })
})
