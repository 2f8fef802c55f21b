import { expect } from 'chai'
import { groupRecordCodec } from '../../../lib/broker/group/codec.js'
import type {
  DescribedMember,
  JoinGroupCommand,
  JoinGroupReply,
  OffsetCommitCommand,
  SyncGroupReply,
} from '../../../lib/broker/group/commands.js'
import type { GroupRecord } from '../../../lib/broker/group/records.js'
import { ErrorCode } from '../../../protocol/errors.js'
import { joinCommand, makeRig, type Rig, subscription } from './rig.js'

const ZERO = 'AAAAAAAAAAAAAAAAAAAAAA'
const DAY_MS = 24 * 60 * 60_000

/** For what is answered in the same turn. */
function now<T>(answer: T | Promise<T>): T {
  expect(answer).to.not.be.instanceOf(Promise)
  return answer as T
}

function join(rig: Rig, fields: Partial<JoinGroupCommand> = {}): JoinGroupReply {
  return now(rig.coordinator.joinGroup(joinCommand(fields)))
}

function sync(rig: Rig, { memberId, generationId }: JoinGroupReply, groupId = 'g'): SyncGroupReply {
  return now(
    rig.coordinator.syncGroup({
      groupId,
      memberId,
      generationId,
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
      assignments: [{ memberId, assignment: Buffer.from('all') }],
    }),
  )
}

function leave(rig: Rig, memberId: string, groupId = 'g'): void {
  now(rig.coordinator.leaveGroup({ groupId, members: [{ memberId, groupInstanceId: null, reason: null }] }))
}

function commit(rig: Rig, fields: Partial<OffsetCommitCommand> = {}, byId = false) {
  const command: OffsetCommitCommand = {
    groupId: 'g',
    generationIdOrMemberEpoch: -1,
    memberId: '',
    groupInstanceId: null,
    retentionTimeMs: -1,
    knowsGroupIdNotFound: false,
    topics: [topic('a', 0, 5)],
    ...fields,
  }
  return now(rig.coordinator.commitOffsets(command, byId)).topics
}

function topic(name: string, partitionIndex: number, committedOffset: number, topicId = ZERO) {
  const partition = { partitionIndex, committedOffset, committedLeaderEpoch: 3, committedMetadata: 'm' }
  return { name, topicId, partitions: [partition] }
}

/** `a-0=5 b-1=7`: everything a group has committed. */
function offsets(rig: Rig, groupId = 'g'): string {
  const { topics } = now(rig.coordinator.fetchOffsets({ groupId, topics: null, requireStable: false }, false))
  return topics
    .flatMap(({ name, partitions }) => partitions.map((p) => `${name}-${p.partitionIndex}=${p.committedOffset}`))
    .join(' ')
}

function stateOf(rig: Rig, groupId = 'g'): string {
  return now(rig.coordinator.describeGroups([groupId]))[0]!.groupState
}

describe('group/offsets expiry', () => {
  const retention = { offsetsRetentionMs: 7 * DAY_MS, offsetsRetentionCheckIntervalMs: 600_000 }

  it('drops the offsets of a simple group by their own age, then the group', () => {
    const rig = makeRig(retention)
    commit(rig)
    rig.clock.advance(4 * DAY_MS)
    commit(rig, { topics: [topic('b', 1, 7)] })
    rig.clock.advance(3 * DAY_MS + 600_000)
    expect(offsets(rig)).to.equal('b-1=7')
    rig.clock.advance(4 * DAY_MS)
    expect(offsets(rig)).to.equal('')
    expect(stateOf(rig)).to.equal('Dead')
  })

  it('counts from the moment the group became empty (KIP-211)', () => {
    const rig = makeRig(retention)
    const member = join(rig, { sessionTimeoutMs: 1_800_000 })
    sync(rig, member)
    commit(rig, { memberId: member.memberId, generationIdOrMemberEpoch: 1 })
    for (let i = 0; i < 8 * 96; i++) {
      rig.clock.advance(DAY_MS / 96)
      now(
        rig.coordinator.heartbeat({ groupId: 'g', memberId: member.memberId, generationId: 1, groupInstanceId: null }),
      )
    }
    expect(offsets(rig)).to.equal('a-0=5')
    leave(rig, member.memberId)
    rig.clock.advance(6 * DAY_MS)
    expect(offsets(rig)).to.equal('a-0=5')
    rig.clock.advance(DAY_MS + 600_000)
    expect(offsets(rig)).to.equal('')
    expect(stateOf(rig)).to.equal('Dead')
  })

  it('drops offsets of topics that a living group does not read', () => {
    const rig = makeRig({ ...retention, offsetsRetentionMs: 1_000_000 })
    const member = join(rig, { sessionTimeoutMs: 1_800_000 })
    sync(rig, member)
    const topics = [topic('a', 0, 5), topic('b', 0, 6)]
    commit(rig, { memberId: member.memberId, generationIdOrMemberEpoch: 1, topics })
    rig.clock.advance(1_200_000)
    expect(offsets(rig)).to.equal('a-0=5')
  })

  it('obeys a retention that the client chose (OffsetCommit v2-v4)', () => {
    const rig = makeRig(retention)
    commit(rig, { retentionTimeMs: 1_000 })
    expect(lastRecord(rig)).to.nested.include({ 'value.expireTimestamp': 1_000 })
    rig.clock.advance(600_000)
    expect(offsets(rig)).to.equal('')
  })

  it('removes groups that nobody ever got into, but not under a member who is on its way', () => {
    const rig = makeRig(retention)
    join(rig, { protocols: [] })
    join(rig, { groupId: 'h', requireKnownMemberId: true, sessionTimeoutMs: 1_800_000 })
    rig.clock.advance(600_000)
    expect(stateOf(rig)).to.equal('Dead')
    expect(stateOf(rig, 'h')).to.equal('Empty')
  })
})

function lastRecord(rig: Rig): GroupRecord {
  const { key, value } = rig.log.records.at(-1)!
  return groupRecordCodec.decode(key!, value)!
}

describe('group/offsets', () => {
  it('drops the offsets of deleted topics', () => {
    const rig = makeRig()
    commit(rig, { topics: [topic('a', 0, 1), topic('a', 1, 2), topic('b', 0, 3)] })
    commit(rig, { groupId: 'h' })
    rig.coordinator.onTopicsDeleted([{ name: 'a', topicId: `${'a'.repeat(21)}Q` }])
    expect(offsets(rig)).to.equal('b-0=3')
    expect(offsets(rig, 'h')).to.equal('')
  })

  it('commits and fetches by topic id (v10)', () => {
    const rig = makeRig()
    const [id, unknown] = [`${'a'.repeat(21)}Q`, 'unknown-topic-id-aaaaQ']
    const answer = commit(rig, { topics: [topic('', 0, 5, id), topic('', 0, 5, unknown), topic('', 9, 5, id)] }, true)
    expect(answer.map(({ topicId, partitions }) => [topicId, partitions])).to.deep.equal([
      [unknown, [{ partitionIndex: 0, errorCode: ErrorCode.UNKNOWN_TOPIC_ID }]],
      [
        id,
        [
          { partitionIndex: 9, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
          { partitionIndex: 0, errorCode: ErrorCode.NONE },
        ],
      ],
    ])
    const fetched = now(
      rig.coordinator.fetchOffsets(
        {
          groupId: 'g',
          topics: [
            { name: '', topicId: unknown, partitionIndexes: [0] },
            { name: '', topicId: id, partitionIndexes: [0] },
          ],
          requireStable: false,
        },
        true,
      ),
    )
    expect(fetched.topics.map(({ topicId, partitions }) => [topicId, partitions[0]!.committedOffset])).to.deep.equal([
      [id, 5],
      [unknown, -1],
    ])
    const all = now(rig.coordinator.fetchOffsets({ groupId: 'g', topics: null, requireStable: false }, true))
    expect(all.topics.map(({ topicId }) => topicId)).to.deep.equal([id])
  })

  it('stores the id of a topic that was named by name', () => {
    const rig = makeRig()
    commit(rig)
    expect(rig.log.records.at(-1)!.value!.readInt16BE(0)).to.equal(4)
    expect(lastRecord(rig)).to.nested.include({ 'value.topicId': `${'a'.repeat(21)}Q` })
  })

  it('does not show an offset of an earlier topic of that name', () => {
    let id = `${'a'.repeat(21)}Q`
    const rig = makeRig(
      {},
      { partitionCount: () => 1, topicName: (asked) => (asked === id ? 'a' : null), topicId: () => id },
    )
    commit(rig, { topics: [topic('', 0, 5, id)] }, true)
    id = `${'b'.repeat(21)}Q`
    const request = {
      groupId: 'g',
      topics: [{ name: '', topicId: id, partitionIndexes: [0] }],
      requireStable: false,
    }
    expect(now(rig.coordinator.fetchOffsets(request, true)).topics[0]!.partitions[0]!.committedOffset).to.equal(-1)
  })

  it('refuses metadata that is too long, for that partition alone', () => {
    const rig = makeRig()
    const long = topic('a', 0, 5)
    long.partitions[0]!.committedMetadata = 'x'.repeat(4_097)
    const topics = [long, topic('a', 1, 6)]
    expect(commit(rig, { topics }).map(({ partitions }) => partitions[0]!.errorCode)).to.deep.equal([
      ErrorCode.OFFSET_METADATA_TOO_LARGE,
      ErrorCode.NONE,
    ])
    expect(offsets(rig)).to.equal('a-1=6')
  })

  it('deletes single offsets (KIP-496)', () => {
    const rig = makeRig()
    const del = (groupId: string, name = 'a', partitions = [0]) =>
      now(rig.coordinator.deleteOffsets({ groupId, topics: [{ name, partitions }] }))
    expect(del('none').errorCode).to.equal(ErrorCode.GROUP_ID_NOT_FOUND)
    expect(del('').errorCode).to.equal(ErrorCode.INVALID_GROUP_ID)
    const member = join(rig)
    sync(rig, member)
    const own = { memberId: member.memberId, generationIdOrMemberEpoch: 1 }
    commit(rig, { ...own, topics: [topic('a', 0, 1), topic('b', 0, 2)] })
    expect(del('g').topics[0]!.partitions[0]!.errorCode).to.equal(ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC)
    expect(del('g', 'b').topics[0]!.partitions[0]!.errorCode).to.equal(ErrorCode.NONE)
    expect(offsets(rig)).to.equal('a-0=1')
    expect(del('g', 'b', [0, 9]).topics[0]!.partitions).to.deep.equal([
      { partitionIndex: 9, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
      { partitionIndex: 0, errorCode: ErrorCode.NONE },
    ])
    sync(rig, join(rig, { groupId: 'other', protocolType: 'connect' }), 'other')
    expect(del('other').errorCode).to.equal(ErrorCode.NON_EMPTY_GROUP)
  })
})

describe('group/describe', () => {
  it('lists with filters that ignore case', () => {
    const rig = makeRig()
    sync(rig, join(rig))
    commit(rig, { groupId: 'simple' })
    const ids = (states: string[], types: string[]): string[] =>
      now(rig.coordinator.listGroups(states, types)).groups.map(({ groupId }) => groupId)
    expect(ids([], [])).to.deep.equal(['g', 'simple'])
    expect(ids(['STABLE'], [])).to.deep.equal(['g'])
    expect(ids(['empty', 'Stable'], ['Classic'])).to.deep.equal(['g', 'simple'])
    expect(ids([], ['consumer'])).to.deep.equal([])
    expect(ids(['no such state'], [])).to.deep.equal([])
  })

  it('answers with an error while a shard is being read', async () => {
    const rig = makeRig()
    rig.coordinator.unload(0)
    rig.log.asyncReads = true
    rig.coordinator.load(0, rig.log)
    expect(now(rig.coordinator.listGroups([], [])).errorCode).to.equal(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    expect(now(rig.coordinator.describeGroups(['g']))[0]!.errorCode).to.equal(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    const beat = { groupId: 'g', memberId: 'm', generationId: 1, groupInstanceId: null }
    expect(now(rig.coordinator.heartbeat(beat)).errorCode).to.equal(ErrorCode.NONE)
  })

  it('deletes many offsets in as many batches as it takes', () => {
    const rig = makeRig()
    const partitions = (name: string) => [topic(name, 0, 1), topic(name, 1, 1)]
    commit(rig, { topics: [...'abcdefgh'].flatMap(partitions) })
    rig.log.maxBatchBytes = 300
    expect(now(rig.coordinator.deleteGroups(['g', 'g']))).to.deep.equal([
      { groupId: 'g', errorCode: ErrorCode.NONE, errorMessage: null },
    ])
    expect(offsets(rig)).to.equal('')
    expect(stateOf(rig)).to.equal('Dead')
    expect(rig.errors).to.deep.equal([])
  })
})

describe('group/onReady', () => {
  const names = (members: readonly DescribedMember[]): string[] => members.map(({ memberId }) => memberId)

  it('waits until every member has its assignment', async () => {
    const rig = makeRig()
    const heard: string[][] = []
    rig.coordinator.onReady('g', { members: 2 }, (members) => heard.push(names(members)))
    const first = join(rig)
    sync(rig, first)
    const second = rig.coordinator.joinGroup(joinCommand())
    const again = join(rig, { memberId: first.memberId })
    const follower = await second
    sync(rig, again)
    expect(heard).to.deep.equal([])
    sync(rig, follower)
    expect(heard).to.deep.equal([[first.memberId, follower.memberId]])
  })

  it('answers at once, once, and only what is committed', () => {
    const rig = makeRig()
    const member = join(rig)
    rig.log.held = true
    void rig.coordinator.syncGroup({
      groupId: 'g',
      memberId: member.memberId,
      generationId: 1,
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
      assignments: [],
    })
    let heard = 0
    rig.coordinator.onReady('g', {}, () => heard++)
    rig.log.held = false
    rig.log.commit()
    expect(heard).to.equal(1)
    rig.coordinator.onReady('g', {}, () => heard++)
    expect(heard).to.equal(2)
    const forget = rig.coordinator.onReady('h', {}, () => heard++)
    forget()
    sync(rig, join(rig, { groupId: 'h' }), 'h')
    expect(heard).to.equal(2)
  })
})

describe('group/limits', () => {
  it('gives out so many ids and no more (KIP-394)', () => {
    const rig = makeRig({ pendingMembersMax: 2 })
    const ask = () => join(rig, { requireKnownMemberId: true }).errorCode
    expect([ask(), ask(), ask()]).to.deep.equal([
      ErrorCode.MEMBER_ID_REQUIRED,
      ErrorCode.MEMBER_ID_REQUIRED,
      ErrorCode.GROUP_MAX_SIZE_REACHED,
    ])
  })

  it('makes so many groups and no more', () => {
    const rig = makeRig({ groupsPerShardMax: 1 })
    expect(join(rig).errorCode).to.equal(ErrorCode.NONE)
    expect(join(rig, { groupId: 'h' }).errorCode).to.equal(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    const [answer] = commit(rig, { groupId: 'h' })
    expect(answer!.partitions[0]!.errorCode).to.equal(ErrorCode.COORDINATOR_NOT_AVAILABLE)
  })

  it('counts a protocol that is named twice once', () => {
    const rig = makeRig()
    const range = { name: 'range', metadata: subscription(['a']) }
    const member = join(rig, { protocols: [range, range] })
    expect(member.protocolName).to.equal('range')
    leave(rig, member.memberId)
    expect(join(rig, { protocols: [range] }).errorCode).to.equal(ErrorCode.NONE)
    expect(rig.crashes).to.deep.equal([])
  })
})

describe('group/codec', () => {
  const roundTrip = (record: GroupRecord): { version: number; record: GroupRecord | null } => {
    const { key, value } = groupRecordCodec.encode(record)
    return { version: value!.readInt16BE(0), record: groupRecordCodec.decode(key, value) }
  }
  const committed = {
    offset: 5,
    leaderEpoch: 1,
    metadata: 'm',
    commitTimestamp: 9,
    expireTimestamp: -1,
    topicId: ZERO,
  }
  const commitOf = (value: typeof committed): GroupRecord => ({
    type: 'offset-commit',
    group: 'g',
    topic: 't',
    partition: 1,
    value,
  })

  it('writes the versions that Kafka 4.4 writes', () => {
    expect(roundTrip(commitOf(committed))).to.deep.equal({ version: 3, record: commitOf(committed) })
    const withId = { ...committed, topicId: `${'a'.repeat(21)}Q` }
    expect(roundTrip(commitOf(withId))).to.deep.equal({ version: 4, record: commitOf(withId) })
    // Version 1 has an expiry and no leader epoch.
    const expiring = { ...committed, expireTimestamp: 10 }
    const read = { ...expiring, leaderEpoch: -1 }
    expect(roundTrip(commitOf(expiring))).to.deep.equal({ version: 1, record: commitOf(read) })
  })

  it('skips what it does not know', () => {
    expect(groupRecordCodec.decode(Buffer.from([0, 99]), null)).to.equal(null)
    expect(groupRecordCodec.decode(Buffer.alloc(0), null)).to.equal(null)
  })
})
