import {
  AddOffsetsToTxn,
  EndTxn,
  FindCoordinator,
  InitProducerId,
  OffsetCommit,
  OffsetFetch,
  type RequestInput,
  TxnOffsetCommit,
} from '../../../../protocol/index.js'
import { newGroup, soleMember } from '../group-scene.js'
import { perVersion, type Scene, scenario, versionsOf } from '../scenario.js'

interface TopicName {
  readonly name: string
  readonly id: string
}

interface Identity {
  readonly transactionalId: string
  producerId: number
  producerEpoch: number
}

/** A producer whose coordinator serves, without a trace. Its id is masked in nothing that is recorded: no answer has it. */
async function producer(c: Scene): Promise<Identity> {
  const transactionalId = c.name('tx')
  for (let i = 0; i < 1000; i++) {
    const found = await c.quiet(FindCoordinator, 1, { key: transactionalId, keyType: 1 })
    if (found?.errorCode === 0) {
      const answer = await c.quiet(InitProducerId, 4, { transactionalId, transactionTimeoutMs: 60_000 })
      if (answer?.errorCode === 0) {
        return { transactionalId, producerId: answer.producerId, producerEpoch: answer.producerEpoch }
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`no coordinator for ${transactionalId}`)
}

async function addOffsets(c: Scene, identity: Identity, groupId: string): Promise<void> {
  const answer = await c.quiet(AddOffsetsToTxn, 3, { ...identity, groupId })
  // The transaction before may still be ending.
  if (answer?.errorCode === 51) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    await addOffsets(c, identity, groupId)
  } else c.note('AddOffsetsToTxn', answer?.errorCode)
}

type More = Partial<RequestInput<typeof TxnOffsetCommit>>

async function commit(
  c: Scene,
  v: number,
  identity: Identity,
  groupId: string,
  topic: TopicName,
  committedOffset: number,
  more: More = {},
  committedMetadata: string | null = 'note',
): Promise<void> {
  const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata }]
  const topics = [v >= 6 ? { topicId: topic.id, partitions } : { name: topic.name, partitions }]
  const request = { ...identity, groupId, topics, ...more }
  for (;;) {
    const answer = await c.quiet(TxnOffsetCommit, v, request)
    if (answer?.topics[0]?.partitions[0]?.errorCode !== 51) {
      c.note(`TxnOffsetCommit v${v}`, answer ?? 'closed')
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Ends the transaction under the rules before KIP-890's version 2, and waits until the group shows it. */
async function end(c: Scene, identity: Identity, committed: boolean, groupId: string, topic: TopicName): Promise<void> {
  const answer = await c.quiet(EndTxn, 3, { ...identity, committed })
  c.note(`EndTxn ${committed ? 'commit' : 'abort'}`, answer?.errorCode)
  const topics = [{ name: topic.name, partitionIndexes: [0] }]
  const request = { groupId, topics, requireStable: true }
  await c.sendUntil(OffsetFetch, 7, request, (got) => got.topics[0]?.partitions[0]?.errorCode === 0)
}

async function look(c: Scene, groupId: string, topic: TopicName): Promise<void> {
  const topics = [{ name: topic.name, partitionIndexes: [0, 1] }]
  for (const requireStable of [false, true]) await c.send(OffsetFetch, 7, { groupId, topics, requireStable })
  await c.send(OffsetFetch, 7, { groupId, topics: null, requireStable: true })
}

/** Version 5 and 6 belong to producers of transaction version 2, which end with EndTxn v5. */
perVersion('TxnOffsetCommit {v}: commit and abort', [0, 1, 2, 3, 4], async (c, v) => {
  const [topic, groupId, identity] = [await c.setUpTopic(), await newGroup(c), await producer(c)]
  await addOffsets(c, identity, groupId)
  await commit(c, v, identity, groupId, topic, 5)
  await look(c, groupId, topic)
  await end(c, identity, true, groupId, topic)
  await addOffsets(c, identity, groupId)
  await commit(c, v, identity, groupId, topic, 6, {}, null)
  await look(c, groupId, topic)
  await end(c, identity, false, groupId, topic)
})

perVersion('TxnOffsetCommit {v}: adds the group by itself', [5, 6], async (c, v) => {
  const [topic, groupId, identity] = [await c.setUpTopic(), await newGroup(c), await producer(c)]
  for (const committed of [true, false]) {
    await commit(c, v, identity, groupId, topic, committed ? 5 : 6)
    await look(c, groupId, topic)
    const answer = await c.quiet(EndTxn, 5, { ...identity, committed })
    c.note('EndTxn', answer?.errorCode)
    identity.producerEpoch = answer?.producerEpoch ?? -1
    const topics = [{ name: topic.name, partitionIndexes: [0] }]
    const request = { groupId, topics, requireStable: true }
    await c.sendUntil(OffsetFetch, 7, request, (got) => got.topics[0]?.partitions[0]?.errorCode === 0)
  }
})

perVersion('TxnOffsetCommit {v}: a group that was not added', versionsOf(TxnOffsetCommit, 0, 4), async (c, v) => {
  const [topic, groupId, identity] = [await c.setUpTopic(), await newGroup(c), await producer(c)]
  await commit(c, v, identity, groupId, topic, 5)
})

perVersion('TxnOffsetCommit {v}: unknown topics, an empty group', versionsOf(TxnOffsetCommit), async (c, v) => {
  const [topic, groupId, identity] = [await c.setUpTopic(), await newGroup(c), await producer(c)]
  if (v < 5) await addOffsets(c, identity, groupId)
  const absent = { name: c.name('absent'), id: 'AAAAAAAAAAAAAAAAAAAABA' }
  await commit(c, v, identity, groupId, absent, 5)
  const partitions = [{ partitionIndex: 9, committedOffset: 1, committedMetadata: null }]
  const named = v >= 6 ? { topicId: topic.id } : { name: topic.name }
  await commit(c, v, identity, groupId, topic, 5, { topics: [{ ...named, partitions }] })
  await commit(c, v, identity, groupId, topic, 5, { topics: [] })
  await commit(c, v, identity, '', topic, 5)
  await commit(c, v, identity, groupId, topic, -5, {}, 'm'.repeat(4097))
  await commit(c, v, identity, groupId, topic, -5)
})

perVersion('TxnOffsetCommit {v}: other ids and epochs', versionsOf(TxnOffsetCommit), async (c, v) => {
  const [topic, groupId, identity] = [await c.setUpTopic(), await newGroup(c), await producer(c)]
  if (v < 5) await addOffsets(c, identity, groupId)
  const { producerId, producerEpoch } = identity
  await commit(c, v, { ...identity, producerId: producerId + 77_777 }, groupId, topic, 5)
  await commit(c, v, { ...identity, producerEpoch: producerEpoch + 1 }, groupId, topic, 5)
  await commit(c, v, { ...identity, transactionalId: c.name('other') }, groupId, topic, 5)
  await commit(c, v, { ...identity, transactionalId: '' }, groupId, topic, 5)
  const successor = await c.quiet(InitProducerId, 4, {
    ...identity,
    producerId: -1,
    producerEpoch: -1,
    transactionTimeoutMs: 60_000,
  })
  c.note('successor', successor !== null)
  await commit(c, v, identity, groupId, topic, 5)
})

perVersion('TxnOffsetCommit {v}: members and generations', [3, 4, 5, 6], async (c, v) => {
  const [topic, groupId, identity] = [await c.setUpTopic(), await newGroup(c), await producer(c)]
  if (v < 5) await addOffsets(c, identity, groupId)
  const nowhere = { generationIdOrMemberEpoch: 3, memberId: 'nobody' }
  await commit(c, v, identity, groupId, topic, 1, nowhere)
  const { memberId, generationId } = await soleMember(c, groupId)
  await commit(c, v, identity, groupId, topic, 1, { memberId, generationIdOrMemberEpoch: generationId })
  await commit(c, v, identity, groupId, topic, 2, { memberId, generationIdOrMemberEpoch: generationId + 1 })
  await commit(c, v, identity, groupId, topic, 3, nowhere)
  await commit(c, v, identity, groupId, topic, 4, {
    memberId,
    generationIdOrMemberEpoch: generationId,
    groupInstanceId: 'nobody',
  })
  await commit(c, v, identity, groupId, topic, 5, { memberId })
  await commit(c, v, identity, groupId, topic, 6)
  await look(c, groupId, topic)
})

scenario('TxnOffsetCommit: a later commit outside of the transaction stays', async (c) => {
  const [topic, groupId, identity] = [await c.setUpTopic(), await newGroup(c), await producer(c)]
  await addOffsets(c, identity, groupId)
  await commit(c, 3, identity, groupId, topic, 5)
  const partitions = [{ partitionIndex: 0, committedOffset: 50, committedMetadata: null }]
  await c.send(OffsetCommit, 8, { groupId, topics: [{ name: topic.name, partitions }] })
  await look(c, groupId, topic)
  await end(c, identity, true, groupId, topic)
})
