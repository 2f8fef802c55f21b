import { expect } from 'chai'
import { currentTarget } from '../fixture.js'
import { join, sharing } from './member.js'
import { MemberProcess } from './member-process.js'
import { closeAll, createTopic, eventually, numbered, produce, unique, values } from './support.js'

describe('kafkajs consumer crash', () => {
  afterEach(closeAll)

  it('the others take over the partitions of a killed member after its session, from its last commit', async function () {
    this.timeout(40_000)
    const topic = await createTopic(4)
    const groupId = unique('group')
    const victim = new MemberProcess(currentTarget().bootstrapServers, topic, groupId)
    try {
      await eventually('the victim owns all', () => victim.partitions.length === 4)
      const survivor = await join({ groupId, subscribe: { topics: [topic], fromBeginning: true } })
      await eventually(
        'both own half',
        () => victim.partitions.length === 2 && survivor.partitionsOf(topic).length === 2,
      )
      await produce(topic, numbered(40))
      await eventually('all records', () => victim.received.size + survivor.records.length === 40)
      const killedAt = Date.now()
      await victim.crash()
      await produce(topic, numbered(40, 'after-'))
      await eventually('the survivor owns all', () => survivor.partitionsOf(topic).length === 4, 25_000)
      // The session is 6 s, and its last heartbeat was a moment before the kill.
      expect(Date.now() - killedAt).to.be.within(4000, 15_000)
      await sharing([survivor], topic, 4)
      const wanted = numbered(40, 'after-').map((message) => message.value)
      await eventually('the rest', () => {
        const got = new Set(values(survivor.records))
        return wanted.every((value) => got.has(String(value)))
      })
    } finally {
      await victim.crash()
    }
  })
})
