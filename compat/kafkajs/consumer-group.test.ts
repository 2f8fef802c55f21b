import { expect } from 'chai'
import { join, type Member, sharing } from './member.js'
import { closeAll, connectedAdmin, createTopic, eventually, numbered, produce, unique, values } from './support.js'

describe('kafkajs consumer groups', () => {
  afterEach(closeAll)

  for (const size of [1, 2, 3, 4, 5]) {
    it(`shares 6 partitions among ${size} members, and every record goes to one of them`, async () => {
      const topic = await createTopic(6)
      const groupId = unique('group')
      const subscribe = { topics: [topic], fromBeginning: true }
      const members = await Promise.all(Array.from({ length: size }, () => join({ groupId, subscribe })))
      await sharing(members, topic, 6)
      await produce(topic, numbered(60))
      const all = () => members.flatMap((member) => values(member.records))
      await eventually('all 60 records', () => new Set(all()).size === 60)
      expect(all().length).to.equal(60)
      for (const member of members) {
        const owned = member.partitionsOf(topic)
        expect(member.records.every((record) => owned.includes(record.partition))).to.equal(true)
      }
    })
  }

  it('leaves surplus members idle, and has them take over when others leave', async () => {
    const topic = await createTopic(2)
    const groupId = unique('group')
    const subscribe = { topics: [topic], fromBeginning: true }
    const members = await Promise.all(Array.from({ length: 4 }, () => join({ groupId, subscribe })))
    const busy = () => members.filter((member) => !member.stopped && member.partitionsOf(topic).length > 0)
    await eventually('two busy members', () => busy().length === 2 && members.every((member) => member.assignment))
    await Promise.all(busy().map((member) => member.leave()))
    const rest = members.filter((member) => !member.stopped)
    expect(rest.length).to.equal(2)
    await sharing(rest, topic, 2)
    await produce(topic, numbered(10))
    await eventually('records', () => rest.flatMap((member) => member.records).length === 10)
  })

  it('rebalances when a member joins and when one leaves', async () => {
    const topic = await createTopic(4)
    const groupId = unique('group')
    const subscribe = { topics: [topic], fromBeginning: true }
    const first = await join({ groupId, subscribe })
    await sharing([first], topic, 4)
    const second = await join({ groupId, subscribe })
    await sharing([first, second], topic, 4)
    const third = await join({ groupId, subscribe })
    await sharing([first, second, third], topic, 4)
    await second.leave()
    await sharing([first, third], topic, 4)
    await first.leave()
    await sharing([third], topic, 4)
    await produce(topic, numbered(8))
    await third.receives(8)
  })

  it('goes on where the members that left had committed', async () => {
    const topic = await createTopic(2)
    const groupId = unique('group')
    const subscribe = { topics: [topic], fromBeginning: true }
    await produce(topic, numbered(20))
    const first = await join({ groupId, subscribe })
    await first.receives(20)
    await first.leave()
    await produce(topic, numbered(10, 'later'))
    const second = await join({ groupId, subscribe })
    await second.receives(10)
    expect(values(second.records).sort()).to.deep.equal(numbered(10, 'later').map((message) => message.value))
  })

  it('elects one leader, and only one', async () => {
    const topic = await createTopic(3)
    const groupId = unique('group')
    const subscribe = { topics: [topic], fromBeginning: true }
    const members = await Promise.all(Array.from({ length: 3 }, () => join({ groupId, subscribe })))
    await sharing(members, topic, 3)
    const leaders = (): Member[] => members.filter((member) => member.isLeader)
    await eventually('one leader', () => leaders().length === 1)
  })

  it('keeps groups apart: each gets all records', async () => {
    const topic = await createTopic(2)
    const subscribe = { topics: [topic], fromBeginning: true }
    const members = await Promise.all([1, 2, 3].map(() => join({ groupId: unique('group'), subscribe })))
    await produce(topic, numbered(12))
    for (const member of members) {
      await member.receives(12)
      expect(new Set(values(member.records)).size).to.equal(12)
    }
  })

  it('gives members with different topics only their own', async () => {
    const [a, b] = [await createTopic(2), await createTopic(2)]
    const groupId = unique('group')
    const onlyA = await join({ groupId, subscribe: { topics: [a], fromBeginning: true } })
    const onlyB = await join({ groupId, subscribe: { topics: [b], fromBeginning: true } })
    const admin = await connectedAdmin()
    await eventually('two members', async () => {
      const { groups } = await admin.describeGroups([groupId])
      return groups[0]?.state === 'Stable' && groups[0].members.length === 2
    })
    expect(onlyA.partitionsOf(b)).to.deep.equal([])
    expect(onlyB.partitionsOf(a)).to.deep.equal([])
  })
})
