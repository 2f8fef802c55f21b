import { expect } from 'chai'
import { DeleteTopics, ErrorCode, ZERO_UUID } from '../../protocol/index.js'
import { AdminBroker } from '../support/admin-broker.js'

describe('server/20-delete-topics', () => {
  let broker: AdminBroker
  before(async () => {
    broker = await AdminBroker.start()
  })
  after(() => broker.close())

  const byName = (version: number, ...topicNames: string[]) =>
    broker.send(DeleteTopics, version, { topicNames, timeoutMs: 1000 })
  const deleteV6 = async (...topics: { name: string | null; topicId: string }[]) =>
    (await broker.send(DeleteTopics, 6, { topics, timeoutMs: 1000 })).responses

  it('deletes by name in every version', async () => {
    for (let version = 1; version <= 5; version++) {
      await broker.topic('a')
      const { responses } = await byName(version, 'a', 'unknown', 'no/topic')
      expect(Object.fromEntries(responses.map(({ name, errorCode }) => [name, errorCode]))).to.deep.equal({
        a: 0,
        unknown: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        'no/topic': ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      })
    }
  })

  it('deletes by id; the same name made again has another (behaviours 24, 70)', async () => {
    const topicId = await broker.topic('a')
    expect(await deleteV6({ name: null, topicId })).to.deep.equal([
      { name: 'a', topicId, errorCode: 0, errorMessage: null },
    ])
    const [gone] = await deleteV6({ name: null, topicId })
    expect(gone).to.include({ name: null, topicId, errorCode: ErrorCode.UNKNOWN_TOPIC_ID })
    const again = await broker.topic('a')
    expect(again).to.not.equal(topicId)
    const [named] = await deleteV6({ name: 'a', topicId: ZERO_UUID })
    expect(named).to.include({ name: 'a', topicId: again, errorCode: 0 })
  })

  it('refuses what is not clear, and deletes nothing of it (behaviour 70)', async () => {
    const topicId = await broker.topic('b')
    const code = async (...topics: { name: string | null; topicId: string }[]) =>
      (await deleteV6(...topics)).map(({ errorCode }) => errorCode)
    const name = { name: 'b', topicId: ZERO_UUID }
    const id = { name: null, topicId }
    expect(await code({ name: 'b', topicId })).to.deep.equal([ErrorCode.INVALID_REQUEST])
    expect(await code({ name: null, topicId: ZERO_UUID })).to.deep.equal([ErrorCode.INVALID_REQUEST])
    expect(await code(name, name)).to.deep.equal([ErrorCode.INVALID_REQUEST])
    expect(await code(id, id)).to.deep.equal([ErrorCode.INVALID_REQUEST])
    expect(await code(name, id)).to.deep.equal([ErrorCode.INVALID_REQUEST])
    expect(await code(name)).to.deep.equal([0])
  })

  it('deletes nothing when the cluster forbids it', async () => {
    const strict = await AdminBroker.start({ config: { 'delete.topic.enable': false } })
    try {
      await strict.topic('a')
      for (const [version, expected] of [
        [2, ErrorCode.INVALID_REQUEST],
        [3, ErrorCode.TOPIC_DELETION_DISABLED],
      ] as const) {
        const { responses } = await strict.send(DeleteTopics, version, { topicNames: ['a'], timeoutMs: 1000 })
        expect(responses.map(({ errorCode }) => errorCode)).to.deep.equal([expected])
      }
    } finally {
      await strict.close()
    }
  })
})
