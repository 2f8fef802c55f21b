import { expect } from 'chai'
import { join } from './member.js'
import { closeAll, createTopic, eventually, numbered, produce, unique, values } from './support.js'

const names = (count: number, prefix = 'm', first = 0) => numbered(count, prefix, first).map((m) => String(m.value))

describe('kafkajs consumer control', () => {
  afterEach(closeAll)

  it('starts at the end without fromBeginning', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(5, 'old'))
    const member = await join({ groupId: unique('group'), subscribe: { topics: [topic], fromBeginning: false } })
    // Whether the member has looked up "the end" yet cannot be seen: the first records may fall before it.
    let sent = 0
    await eventually('a new record', async () => {
      await produce(topic, numbered(1, 'new', sent))
      sent += 1
      return member.records.length > 0
    })
    expect(values(member.records).every((value) => value?.startsWith('new'))).to.equal(true)
  })

  it('subscribes with a regular expression', async () => {
    const [wanted, other] = [await createTopic(), await createTopic()]
    const pattern = new RegExp(`^${wanted}$`)
    const member = await join({ groupId: unique('group'), subscribe: { topics: [pattern], fromBeginning: true } })
    await produce(other, numbered(3, 'other'))
    await produce(wanted, numbered(3))
    await member.receives(3)
    expect(values(member.records)).to.deep.equal(names(3))
    expect(Object.keys(member.assignment ?? {})).to.deep.equal([wanted])
  })

  it('pauses and resumes a partition', async () => {
    const topic = await createTopic(2)
    const member = await join({ groupId: unique('group'), subscribe: { topics: [topic], fromBeginning: true } })
    await eventually('both partitions', () => member.partitionsOf(topic).length === 2)
    member.consumer.pause([{ topic, partitions: [0] }])
    expect(member.consumer.paused()).to.deep.equal([{ topic, partitions: [0] }])
    await produce(topic, [
      { value: 'paused', partition: 0 },
      { value: 'flows', partition: 1 },
    ])
    await member.receives(1)
    await produce(topic, [{ value: 'flows too', partition: 1 }])
    await member.receives(2)
    expect(values(member.records)).to.deep.equal(['flows', 'flows too'])
    member.consumer.resume([{ topic, partitions: [0] }])
    await member.receives(3)
    expect(values(member.records)).to.deep.equal(['flows', 'flows too', 'paused'])
  })

  it('pauses from inside eachMessage and gets the same record again', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(3))
    const seen: string[] = []
    let resume: (() => void) | undefined
    const member = await join({
      groupId: unique('group'),
      subscribe: { topics: [topic], fromBeginning: true },
      run: {
        eachMessage: async ({ message, pause }) => {
          const value = String(message.value)
          seen.push(value)
          if (value === 'm1' && resume === undefined) {
            resume = pause()
            throw new Error('not now')
          }
        },
      },
    })
    await eventually('the pause', () => resume !== undefined)
    resume!()
    await eventually('the last record', () => seen.includes('m2'))
    expect(seen).to.deep.equal(['m0', 'm1', 'm1', 'm2'])
    await member.leave()
  })

  it('seeks back and ahead', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(10))
    const member = await join({ groupId: unique('group'), subscribe: { topics: [topic], fromBeginning: true } })
    await member.receives(10)
    member.consumer.seek({ topic, partition: 0, offset: '7' })
    await member.receives(13)
    expect(values(member.records.slice(10))).to.deep.equal(['m7', 'm8', 'm9'])
    member.consumer.seek({ topic, partition: 0, offset: '2' })
    await member.receives(21)
    expect(values(member.records.slice(13))).to.deep.equal(names(8, 'm', 2))
  })

  it('seeks into the middle of a batch and gets no record before that offset', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(100))
    const member = await join({ groupId: unique('group'), subscribe: { topics: [topic], fromBeginning: true } })
    await member.receives(100)
    member.consumer.seek({ topic, partition: 0, offset: '42' })
    await member.receives(158)
    expect(member.records[100]).to.include({ value: 'm42', offset: 42 })
  })

  it('comes back from an offset beyond the end to the default offset', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(3))
    const member = await join({ groupId: unique('group'), subscribe: { topics: [topic], fromBeginning: true } })
    await member.receives(3)
    member.consumer.seek({ topic, partition: 0, offset: '1000' })
    await member.receives(6)
    expect(values(member.records)).to.deep.equal([...names(3), ...names(3)])
  })

  it('stops and runs again', async () => {
    const topic = await createTopic()
    const member = await join({ groupId: unique('group'), subscribe: { topics: [topic], fromBeginning: true } })
    await produce(topic, numbered(2))
    await member.receives(2)
    await member.consumer.stop()
    await produce(topic, numbered(2, 'again'))
    const seen: string[] = []
    await member.consumer.run({
      eachMessage: async ({ message }) => {
        seen.push(String(message.value))
      },
    })
    await eventually('the rest', () => seen.length === 2)
    expect(seen).to.deep.equal(['again0', 'again1'])
  })

  it('reads in small bites: maxBytesPerPartition far below a batch still moves on', async () => {
    const topic = await createTopic()
    for (let i = 0; i < 5; i++) await produce(topic, [{ value: `${i}:${'x'.repeat(5000)}` }])
    const config = { maxBytesPerPartition: 100, maxBytes: 100 }
    const subscribe = { topics: [topic], fromBeginning: true }
    const member = await join({ groupId: unique('group'), subscribe, config })
    await member.receives(5)
    expect(member.records.map((record) => record.value?.[0])).to.deep.equal(['0', '1', '2', '3', '4'])
  })

  it('waits for minBytes no longer than maxWaitTimeInMs', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(1))
    const config = { minBytes: 1_000_000, maxWaitTimeInMs: 300 }
    const subscribe = { topics: [topic], fromBeginning: true }
    const member = await join({ groupId: unique('group'), subscribe, config })
    await member.receives(1)
  })

  it('gets a record at once when it is produced during a long wait', async () => {
    const topic = await createTopic()
    const subscribe = { topics: [topic], fromBeginning: true }
    const member = await join({ groupId: unique('group'), subscribe, config: { maxWaitTimeInMs: 5000 } })
    await produce(topic, numbered(1))
    const start = Date.now()
    await member.receives(1)
    expect(Date.now() - start).to.be.below(3000)
  })
})
