import { expect } from 'chai'
import type { Batch } from 'kafkajs'
import { join } from './member.js'
import { closeAll, connectedAdmin, createTopic, eventually, numbered, produce, unique } from './support.js'

describe('kafkajs eachBatch', () => {
  afterEach(closeAll)

  it('shows offsets, lag and high watermark of a batch', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(5))
    const batches: Batch[] = []
    await join({
      groupId: unique('group'),
      subscribe: { topics: [topic], fromBeginning: true },
      run: {
        eachBatch: async ({ batch }) => {
          batches.push(batch)
        },
      },
    })
    await eventually('a batch', () => batches.length > 0)
    const batch = batches[0]!
    expect([batch.topic, batch.partition, batch.highWatermark]).to.deep.equal([topic, 0, '5'])
    expect([batch.firstOffset(), batch.lastOffset(), batch.offsetLag()]).to.deep.equal(['0', '4', '0'])
    expect(batch.messages.map((message) => message.value?.toString())).to.deep.equal(['m0', 'm1', 'm2', 'm3', 'm4'])
  })

  it('commits what was resolved, no more', async () => {
    const topic = await createTopic()
    const groupId = unique('group')
    await produce(topic, numbered(10))
    let handled = false
    const member = await join({
      groupId,
      subscribe: { topics: [topic], fromBeginning: true },
      run: {
        eachBatchAutoResolve: false,
        eachBatch: async ({ batch, resolveOffset, commitOffsetsIfNecessary, uncommittedOffsets, heartbeat }) => {
          if (handled) return
          for (const message of batch.messages.slice(0, 6)) resolveOffset(message.offset)
          await heartbeat()
          await commitOffsetsIfNecessary(uncommittedOffsets())
          handled = true
        },
      },
    })
    await eventually('the batch', () => handled)
    await member.leave()
    const admin = await connectedAdmin()
    const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] })
    expect(answer!.partitions[0]!.offset).to.equal('6')
  })

  it('works on several partitions at once (partitionsConsumedConcurrently)', async () => {
    const topic = await createTopic(3)
    await produce(
      topic,
      [0, 1, 2].map((partition) => ({ value: String(partition), partition })),
    )
    let inside = 0
    let most = 0
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    await join({
      groupId: unique('group'),
      subscribe: { topics: [topic], fromBeginning: true },
      run: {
        partitionsConsumedConcurrently: 3,
        eachMessage: async () => {
          inside += 1
          most = Math.max(most, inside)
          if (inside === 3) release()
          await gate
          inside -= 1
        },
      },
    })
    await eventually('three at once', () => most === 3)
  })

  it('sees the end of an empty partition without an empty answer becoming a batch', async () => {
    const topic = await createTopic()
    const sizes: number[] = []
    await join({
      groupId: unique('group'),
      subscribe: { topics: [topic], fromBeginning: true },
      run: {
        eachBatch: async ({ batch }) => {
          sizes.push(batch.messages.length)
        },
      },
    })
    await produce(topic, numbered(2))
    await eventually('a batch', () => sizes.length > 0)
    expect(sizes[0]).to.equal(2)
  })
})
