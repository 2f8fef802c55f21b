import { DeleteTopics, LeaveGroup, OffsetCommit, OffsetDelete, OffsetFetch } from '../../../../protocol/index.js'
import { newGroup, soleMember } from '../group-scene.js'
import { perVersion, type Scene, scenario, versionsOf } from '../scenario.js'

interface TopicName {
  readonly name: string
  readonly id: string
}

interface Commit {
  readonly partitionIndex?: number
  readonly committedOffset?: number
  readonly committedMetadata?: string | null
}

interface Member {
  readonly memberId?: string
  readonly generation?: number
}

function commitOf(v: number, groupId: string, topic: TopicName, commit: Commit = {}, member: Member = {}) {
  const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: 'note', ...commit }]
  const named = v >= 10 ? { topicId: topic.id, partitions } : { name: topic.name, partitions }
  const sender = { generationIdOrMemberEpoch: member.generation ?? -1, memberId: member.memberId ?? '' }
  return { groupId, ...sender, topics: [named] }
}

/** Partitions 0 and 1 of a topic, or with null all that the group has. */
function fetchOffsets(v: number, groupId: string, topic: TopicName | null, more: object = {}) {
  const partitionIndexes = [0, 1]
  if (v < 8) return { groupId, topics: topic === null ? null : [{ name: topic.name, partitionIndexes }], ...more }
  const named = v >= 10 ? { topicId: topic?.id ?? '', partitionIndexes } : { name: topic?.name ?? '', partitionIndexes }
  return { groups: [{ groupId, topics: topic === null ? null : [named] }], ...more }
}

const unknown = (c: Scene): TopicName => ({ name: c.name('absent'), id: 'AAAAAAAAAAAAAAAAAAAABA' })

perVersion('OffsetCommit {v}: without a member', versionsOf(OffsetCommit), async (c, v) => {
  const [topic, groupId] = [await c.setUpTopic(), await newGroup(c)]
  for (const commit of [{}, { committedOffset: -3 }, { committedMetadata: null }, { committedMetadata: '' }]) {
    await c.send(OffsetCommit, v, commitOf(v, groupId, topic, commit))
    await c.send(OffsetFetch, 7, fetchOffsets(7, groupId, topic))
  }
  for (const length of [4096, 4097]) {
    await c.send(OffsetCommit, v, commitOf(v, groupId, topic, { committedMetadata: 'm'.repeat(length) }))
  }
})

perVersion('OffsetCommit {v}: unknown topic and partition, empty group', versionsOf(OffsetCommit), async (c, v) => {
  const [topic, groupId] = [await c.setUpTopic(), await newGroup(c)]
  await c.send(OffsetCommit, v, commitOf(v, groupId, unknown(c)))
  await c.send(OffsetCommit, v, commitOf(v, groupId, topic, { partitionIndex: 9 }))
  await c.send(OffsetCommit, v, commitOf(v, '', topic))
  await c.send(OffsetCommit, v, commitOf(v, groupId, topic, {}, { generation: 3, memberId: 'nobody' }))
  await c.send(OffsetCommit, v, { ...commitOf(v, groupId, topic), topics: [] })
})

perVersion('OffsetCommit {v}: as a member', versionsOf(OffsetCommit), async (c, v) => {
  const [topic, groupId] = [await c.setUpTopic(), await newGroup(c)]
  const { memberId, generationId } = await soleMember(c, groupId)
  for (const member of [
    { memberId, generation: generationId },
    { memberId, generation: generationId + 1 },
    { memberId: 'stranger', generation: generationId },
    { memberId: '', generation: -1 },
    { memberId, generation: -1 },
  ]) {
    await c.send(OffsetCommit, v, commitOf(v, groupId, topic, {}, member))
  }
})

perVersion('OffsetFetch {v}', versionsOf(OffsetFetch), async (c, v) => {
  const [topic, groupId] = [await c.setUpTopic({ partitions: 2 }), await newGroup(c)]
  await c.send(OffsetFetch, v, fetchOffsets(v, groupId, topic))
  await c.quiet(OffsetCommit, 7, commitOf(7, groupId, topic))
  await c.send(OffsetFetch, v, fetchOffsets(v, groupId, topic))
  await c.send(OffsetFetch, v, fetchOffsets(v, groupId, unknown(c)))
  await c.send(OffsetFetch, v, fetchOffsets(v, c.name('nogroup'), topic))
  await c.send(OffsetFetch, v, fetchOffsets(v, '', topic))
  if (v >= 2) await c.send(OffsetFetch, v, fetchOffsets(v, groupId, null))
  if (v >= 7) await c.send(OffsetFetch, v, fetchOffsets(v, groupId, topic, { requireStable: true }))
})

perVersion('OffsetFetch {v}: several groups', versionsOf(OffsetFetch, 8), async (c, v) => {
  const [topic, a, b] = [await c.setUpTopic(), await newGroup(c), await newGroup(c)]
  await c.quiet(OffsetCommit, 7, commitOf(7, a, topic))
  const groups = [a, b, a].map((groupId) => ({ groupId, topics: null }))
  await c.send(OffsetFetch, v, { groups })
  await c.send(OffsetFetch, v, { groups: [] })
})

perVersion('OffsetFetch {v}: with a member', versionsOf(OffsetFetch, 9), async (c, v) => {
  const groupId = await newGroup(c)
  const { memberId, generationId } = await soleMember(c, groupId)
  for (const [id, memberEpoch] of [
    [memberId, generationId],
    [memberId, generationId + 1],
    ['stranger', 1],
  ] as const) {
    await c.send(OffsetFetch, v, { groups: [{ groupId, memberId: id, memberEpoch, topics: null }] })
  }
})

scenario('OffsetDelete', async (c) => {
  const [topic, groupId] = [await c.setUpTopic({ partitions: 2 }), await newGroup(c)]
  const ask = async (group: string, name: string, ...indexes: number[]) => {
    const partitions = indexes.map((partitionIndex) => ({ partitionIndex }))
    await c.send(OffsetDelete, 0, { groupId: group, topics: [{ name, partitions }] })
  }
  await ask(c.name('nogroup'), topic.name, 0)
  await c.quiet(OffsetCommit, 7, commitOf(7, groupId, topic))
  await ask(groupId, topic.name, 0, 1, 9)
  await ask(groupId, c.name('absent'), 0)
  await ask('', topic.name, 0)
  await c.send(OffsetFetch, 7, fetchOffsets(7, groupId, topic))
})

scenario('OffsetDelete in a group with members', async (c) => {
  const [topic, groupId] = [await c.setUpTopic(), await newGroup(c)]
  const { memberId, generationId } = await soleMember(c, groupId)
  await c.quiet(OffsetCommit, 7, commitOf(7, groupId, topic, {}, { memberId, generation: generationId }))
  await c.send(OffsetDelete, 0, { groupId, topics: [{ name: topic.name, partitions: [{ partitionIndex: 0 }] }] })
  await c.quiet(LeaveGroup, 2, { groupId, memberId })
  await c.send(OffsetDelete, 0, { groupId, topics: [{ name: topic.name, partitions: [{ partitionIndex: 0 }] }] })
})

scenario('a deleted topic takes the committed offsets along', async (c) => {
  const [topic, groupId] = [await c.setUpTopic(), await newGroup(c)]
  await c.quiet(OffsetCommit, 7, commitOf(7, groupId, topic))
  await c.quiet(DeleteTopics, 5, { topicNames: [topic.name], timeoutMs: 5000 })
  const gone = (partitions: readonly { committedOffset: number }[]) => partitions.every((p) => p.committedOffset < 0)
  await c.sendUntil(OffsetFetch, 7, fetchOffsets(7, groupId, topic), (answer) =>
    answer.topics.every((one) => gone(one.partitions)),
  )
})
