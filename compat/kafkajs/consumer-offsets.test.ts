import { expect } from 'chai'
import { join } from './member.js'
import { closeAll, connectedAdmin, createTopic, eventually, numbered, produce, unique, values } from './support.js'

/** The committed offsets of a group for a topic, by partition; -1 where nothing is committed. */
async function committed(groupId: string, topic: string): Promise<number[]> {
  const admin = await connectedAdmin()
  const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] })
  const partitions = [...answer!.partitions].sort((a, b) => a.partition - b.partition)
  return partitions.map((entry) => Number(entry.offset))
}

describe('kafkajs committed offsets', () => {
  afterEach(closeAll)

  it('commits by itself, and a new member resumes there', async () => {
    const topic = await createTopic()
    const groupId = unique('group')
    const subscribe = { topics: [topic], fromBeginning: true }
    await produce(topic, numbered(10))
    const first = await join({ groupId, subscribe, run: {} })
    await first.receives(10)
    await first.leave()
    expect(await committed(groupId, topic)).to.deep.equal([10])
    await produce(topic, numbered(3, 'new'))
    const second = await join({ groupId, subscribe })
    await second.receives(3)
    expect(values(second.records)).to.deep.equal(['new0', 'new1', 'new2'])
  })

  it('commits nothing with autoCommit off, and a new member starts over', async () => {
    const topic = await createTopic()
    const groupId = unique('group')
    const subscribe = { topics: [topic], fromBeginning: true }
    await produce(topic, numbered(5))
    const first = await join({ groupId, subscribe, run: { autoCommit: false } })
    await first.receives(5)
    await first.leave()
    expect(await committed(groupId, topic)).to.deep.equal([-1])
    const second = await join({ groupId, subscribe, run: { autoCommit: false } })
    await second.receives(5)
    expect(values(second.records)).to.deep.equal(['m0', 'm1', 'm2', 'm3', 'm4'])
  })

  it('commits by hand, with metadata, and resumes in the middle', async () => {
    const topic = await createTopic()
    const groupId = unique('group')
    const subscribe = { topics: [topic], fromBeginning: true }
    await produce(topic, numbered(10))
    const first = await join({ groupId, subscribe, run: { autoCommit: false } })
    await first.receives(10)
    await first.consumer.commitOffsets([{ topic, partition: 0, offset: '4', metadata: 'so far: ñ' }])
    const admin = await connectedAdmin()
    const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] })
    expect(answer!.partitions).to.deep.equal([{ partition: 0, offset: '4', metadata: 'so far: ñ' }])
    await first.leave()
    const second = await join({ groupId, subscribe, run: { autoCommit: false } })
    await second.receives(6)
    expect(values(second.records)[0]).to.equal('m4')
  })

  it('commits after a number of records (autoCommitThreshold)', async () => {
    const topic = await createTopic()
    const groupId = unique('group')
    await produce(topic, numbered(10))
    const subscribe = { topics: [topic], fromBeginning: true }
    await join({ groupId, subscribe, run: { autoCommitThreshold: 5 } })
    await eventually('a commit while it runs', async () => (await committed(groupId, topic))[0] === 10)
  })

  it('commits after a time (autoCommitInterval)', async () => {
    const topic = await createTopic()
    const groupId = unique('group')
    await produce(topic, numbered(4))
    const subscribe = { topics: [topic], fromBeginning: true }
    await join({ groupId, subscribe, run: { autoCommitInterval: 50 } })
    await eventually('a commit while it runs', async () => {
      await produce(topic, numbered(1))
      return (await committed(groupId, topic))[0]! >= 4
    })
  })

  it('keeps the offsets of many partitions and topics apart', async () => {
    const [a, b] = [await createTopic(3), await createTopic(2)]
    const groupId = unique('group')
    for (const [partition, count] of [
      [0, 1],
      [1, 2],
      [2, 3],
    ] as const) {
      await produce(
        a,
        numbered(count).map((message) => ({ ...message, partition })),
      )
    }
    await produce(b, [{ value: 'v', partition: 1 }])
    const member = await join({ groupId, subscribe: { topics: [a, b], fromBeginning: true } })
    await member.receives(7)
    await member.leave()
    expect(await committed(groupId, a)).to.deep.equal([1, 2, 3])
    expect((await committed(groupId, b))[1]).to.equal(1)
  })

  it('skips nothing and repeats nothing over a chain of members', async () => {
    const topic = await createTopic(2)
    const groupId = unique('group')
    const subscribe = { topics: [topic], fromBeginning: true }
    const all: (string | null)[] = []
    for (let round = 0; round < 4; round++) {
      await produce(topic, numbered(10, `round${round}-`))
      const member = await join({ groupId, subscribe })
      await member.receives(10)
      await member.leave()
      all.push(...values(member.records))
    }
    expect(all.length).to.equal(40)
    expect(new Set(all).size).to.equal(40)
  })
})
