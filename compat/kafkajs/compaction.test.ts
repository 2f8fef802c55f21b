import { expect } from 'chai'
import { join } from './member.js'
import { closeAll, createTopic, eventually, produce, type Received, unique, values } from './support.js'

/** Everything in the topic up to the record that was written last. */
async function contents(topic: string): Promise<Received[]> {
  const subscribe = { topics: [topic], fromBeginning: true }
  const reader = await join({ groupId: unique('group'), subscribe, run: { autoCommit: false } })
  await eventually('the last record comes', () => values(reader.records).includes('end'))
  await reader.leave()
  return reader.records
}

describe('kafkajs and a compacted topic', () => {
  afterEach(closeAll)

  it('is given the last value of every key in the end, in the old order', async function () {
    // The cleaner looks every log.cleaner.backoff.ms, 15 seconds by default.
    this.timeout(120_000)
    const topic = await createTopic(1, {
      'cleanup.policy': 'compact',
      'segment.ms': '1000',
      'min.cleanable.dirty.ratio': '0.01',
    })
    // A segment ends when a record is younger than its first one by segment.ms.
    const start = Date.now() - 600_000
    for (let round = 0; round < 5; round++) {
      const timestamp = String(start + round * 10_000)
      await produce(
        topic,
        ['a', 'b', 'c'].map((key) => ({ key, value: `${key}${round}`, timestamp })),
      )
    }
    await produce(topic, [{ key: 'end', value: 'end', timestamp: String(start + 100_000) }])
    let seen: (string | null)[] = []
    await eventually(
      'old values are gone',
      async () => {
        seen = values(await contents(topic))
        return seen.length === 4
      },
      90_000,
    )
    expect(seen).to.deep.equal(['a4', 'b4', 'c4', 'end'])
  })
})
