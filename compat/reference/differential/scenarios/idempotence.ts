import { Produce } from '../../../../protocol/index.js'
import { batch } from '../batches.js'
import { ends, perVersion, type Scene } from '../scenario.js'
import { noteEnd, produceTo } from './produce.js'

type Step = readonly [producerId: number, epoch: number, sequence: number, count: number]

const stories: readonly (readonly [string, readonly Step[]])[] = [
  [
    'in order',
    [
      [9, 0, 0, 2],
      [9, 0, 2, 1],
      [9, 0, 3, 3],
    ],
  ],
  [
    'a producer nobody knows may start anywhere',
    [
      [9, 3, 40, 1],
      [9, 3, 41, 1],
    ],
  ],
  [
    'an exact duplicate',
    [
      [9, 0, 0, 2],
      [9, 0, 2, 2],
      [9, 0, 0, 2],
      [9, 0, 2, 2],
    ],
  ],
  [
    'a duplicate older than five batches',
    [
      [9, 0, 0, 1],
      [9, 0, 1, 1],
      [9, 0, 2, 1],
      [9, 0, 3, 1],
      [9, 0, 4, 1],
      [9, 0, 5, 1],
      [9, 0, 0, 1],
    ],
  ],
  [
    'a gap',
    [
      [9, 0, 0, 1],
      [9, 0, 5, 1],
      [9, 0, 1, 1],
    ],
  ],
  [
    'a partial overlap',
    [
      [9, 0, 0, 3],
      [9, 0, 1, 4],
    ],
  ],
  [
    'a lower epoch',
    [
      [9, 4, 0, 1],
      [9, 3, 1, 1],
      [9, 4, 1, 1],
    ],
  ],
  [
    'a higher epoch from 0',
    [
      [9, 0, 0, 2],
      [9, 6, 0, 1],
      [9, 6, 1, 1],
    ],
  ],
  [
    'a higher epoch not from 0',
    [
      [9, 0, 0, 2],
      [9, 1, 2, 1],
    ],
  ],
  [
    'sequences wrap',
    [
      [9, 0, 2147483646, 1],
      [9, 0, 2147483647, 1],
      [9, 0, 0, 1],
    ],
  ],
  [
    'sequences wrap inside a batch',
    [
      [9, 0, 2147483646, 4],
      [9, 0, 2, 1],
    ],
  ],
  ['a negative sequence', [[9, 0, -1, 1]]],
  ['a negative epoch', [[9, -1, 0, 1]]],
  [
    'two producers do not meet',
    [
      [9, 0, 0, 1],
      [10, 0, 0, 1],
      [9, 0, 1, 1],
      [10, 0, 1, 1],
    ],
  ],
]

async function tell(c: Scene, v: number, steps: readonly Step[]): Promise<void> {
  const topic = await c.setUpTopic()
  for (const [producerId, producerEpoch, baseSequence, count] of steps) {
    const values = Array.from({ length: count }, (_, i) => `v${i}`)
    await c.send(Produce, v, produceTo(v, topic, batch(values, { producerId, producerEpoch, baseSequence })))
  }
  await noteEnd(c, topic)
}

for (const [what, steps] of stories)
  perVersion(`Produce {v}, idempotent: ${what}`, ends(Produce), (c, v) => tell(c, v, steps))
