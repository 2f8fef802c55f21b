import { expect } from 'chai'
import type { Admin } from 'kafkajs'
import { join } from './member.js'
import {
  closeAll,
  connectedAdmin,
  createTopic,
  eventually,
  numbered,
  produce,
  readAll,
  rejection,
  unique,
  values,
} from './support.js'

/** kafkajs's deleteTopicRecords finds leaders only in metadata that an earlier call has loaded. */
async function knowing(admin: Admin, topic: string): Promise<void> {
  await admin.fetchTopicOffsets(topic)
}

describe('kafkajs admin: offsets and records', () => {
  afterEach(closeAll)

  it('fetchTopicOffsets', async () => {
    const topic = await createTopic(2)
    await produce(
      topic,
      numbered(3).map((message) => ({ ...message, partition: 1 })),
    )
    const admin = await connectedAdmin()
    const offsets = (await admin.fetchTopicOffsets(topic)).sort((a, b) => a.partition - b.partition)
    expect(offsets).to.deep.equal([
      { partition: 0, offset: '0', high: '0', low: '0' },
      { partition: 1, offset: '3', high: '3', low: '0' },
    ])
  })

  it('fetchTopicOffsetsByTimestamp: the first record at or after a time', async () => {
    const topic = await createTopic()
    await produce(
      topic,
      [1000, 2000, 3000].map((time) => ({ value: String(time), timestamp: String(time) })),
    )
    const admin = await connectedAdmin()
    const at = async (time: number) => (await admin.fetchTopicOffsetsByTimestamp(topic, time))[0]?.offset
    expect(await at(500)).to.equal('0')
    expect(await at(2000)).to.equal('1')
    expect(await at(2001)).to.equal('2')
    // Nothing that late: kafkajs turns "none" into the end of the partition.
    expect(await at(4000)).to.equal('3')
  })

  it('setOffsets, resetOffsets and fetchOffsets of groups without members', async () => {
    const topic = await createTopic(2)
    await produce(
      topic,
      [0, 1].flatMap((partition) => numbered(5).map((message) => ({ ...message, partition }))),
    )
    const admin = await connectedAdmin()
    const [set, early, late, resolved] = [unique('set'), unique('early'), unique('late'), unique('resolved')]
    const offsets = async (groupId: string) => {
      const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] })
      return answer!.partitions.sort((a, b) => a.partition - b.partition).map((entry) => entry.offset)
    }
    expect(await offsets(set)).to.deep.equal(['-1', '-1'])
    // kafkajs sets offsets with a consumer of its own that waits out a fetch of five seconds: all of them at once.
    await Promise.all([
      admin.setOffsets({ groupId: set, topic, partitions: [{ partition: 1, offset: '3' }] }),
      admin.resetOffsets({ groupId: early, topic, earliest: true }),
      admin.resetOffsets({ groupId: late, topic, earliest: false }),
      admin.fetchOffsets({ groupId: resolved, topics: [topic], resolveOffsets: true }),
    ])
    expect(await offsets(set)).to.deep.equal(['-1', '3'])
    expect(await offsets(early)).to.deep.equal(['-2', '-2'])
    expect(await offsets(late)).to.deep.equal(['-1', '-1'])
    expect(await offsets(resolved)).to.deep.equal(['5', '5'])
    const everything = await admin.fetchOffsets({ groupId: resolved })
    expect(everything.map((entry) => entry.topic)).to.deep.equal([topic])

    const member = await join({ groupId: set, subscribe: { topics: [topic], fromBeginning: false } })
    await member.receives(2)
    expect(values(member.records)).to.deep.equal(['m3', 'm4'])
  })

  it('setOffsets and resetOffsets refuse a group with members', async () => {
    const topic = await createTopic()
    const groupId = unique('group')
    await join({ groupId, subscribe: { topics: [topic], fromBeginning: true } })
    const admin = await connectedAdmin()
    const set = await rejection(admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '0' }] }))
    expect(set.message).to.match(/must have no running instances/)
    const reset = await rejection(admin.resetOffsets({ groupId, topic, earliest: true }))
    expect(reset.message).to.match(/must have no running instances/)
  })

  it('deleteTopicRecords moves the beginning of a partition', async () => {
    const topic = await createTopic()
    for (let i = 0; i < 10; i++) await produce(topic, numbered(1, 'm', i))
    const admin = await connectedAdmin()
    await knowing(admin, topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '6' }] })
    await eventually('the beginning moves', async () => (await admin.fetchTopicOffsets(topic))[0]?.low === '6')
    expect(values(await readAll(topic, 4))).to.deep.equal(['m6', 'm7', 'm8', 'm9'])
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '-1' }] })
    await eventually('all is deleted', async () => (await admin.fetchTopicOffsets(topic))[0]?.low === '10')
    await produce(topic, numbered(1, 'next'))
    const [record] = await readAll(topic, 1)
    expect(record).to.include({ offset: 10, value: 'next0' })
  })

  it('deleteTopicRecords refuses an offset beyond the end', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(2))
    const admin = await connectedAdmin({ retry: { retries: 0 } })
    await knowing(admin, topic)
    const error = await rejection(admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '50' }] }))
    expect(error.message).to.match(/Error while deleting records/)
    expect((await admin.fetchTopicOffsets(topic))[0]?.low).to.equal('0')
  })
})
