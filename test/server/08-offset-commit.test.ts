import { expect } from 'chai'
import { ErrorCode, OffsetCommit, OffsetFetch } from '../../protocol/index.js'
import { GroupBroker, versions } from '../support/group-broker.js'

describe('server/08-offset-commit, 09-offset-fetch', () => {
  const partition = (partitionIndex: number, committedOffset: number) => ({
    partitionIndex,
    committedOffset,
    committedMetadata: null,
  })

  for (const version of versions(2, 10)) {
    it(`commits in v${version}, to known partitions of known topics alone`, () => {
      const broker = new GroupBroker().start()
      const topicId = broker.replicas.topicId('a')
      const named = (name: string, id: string) => (version >= 10 ? { topicId: id } : { name })
      const { topics } = broker.now(OffsetCommit, version, {
        groupId: 'g',
        topics: [
          { ...named('a', topicId), partitions: [partition(0, 5), partition(7, 1)] },
          { ...named('nosuch', 'nosuchtopicidAAAAAAAAA'), partitions: [partition(0, 1)] },
        ],
      })
      const errors = topics.map((topic) =>
        topic.partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode]),
      )
      expect(errors).to.deep.equal([
        [
          [7, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
          [0, ErrorCode.NONE],
        ],
        [[0, version >= 10 ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]],
      ])
      const fetched = broker.now(OffsetFetch, 5, { groupId: 'g', topics: null })
      expect(fetched.topics).to.deep.equal([
        {
          name: 'a',
          partitions: [{ partitionIndex: 0, committedOffset: 5, committedLeaderEpoch: -1, metadata: '', errorCode: 0 }],
        },
      ])
    })

    it(`says in v${version} that a generation of no group is wrong`, () => {
      const broker = new GroupBroker().start()
      const topicId = broker.replicas.topicId('a')
      const topic = version >= 10 ? { topicId } : { name: 'a' }
      const { topics } = broker.now(OffsetCommit, version, {
        groupId: 'g',
        generationIdOrMemberEpoch: 1,
        memberId: 'm',
        topics: [{ ...topic, partitions: [partition(0, 5)] }],
      })
      const expected = version >= 9 ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION
      expect(topics[0]!.partitions[0]!.errorCode).to.equal(expected)
    })
  }

  for (const version of versions(1, 7)) {
    it(`fetches one group in v${version}`, () => {
      const broker = new GroupBroker().start()
      broker.now(OffsetCommit, 8, { groupId: 'g', topics: [{ name: 'a', partitions: [partition(0, 5)] }] })
      const answer = broker.now(OffsetFetch, version, {
        groupId: 'g',
        topics: [
          { name: 'a', partitionIndexes: [0, 1] },
          { name: 'nosuch', partitionIndexes: [0] },
        ],
      })
      expect(answer.errorCode).to.equal(ErrorCode.NONE)
      const seen = answer.topics.flatMap(({ partitions }) =>
        partitions.map(({ committedOffset, metadata, errorCode }) => [committedOffset, metadata, errorCode]),
      )
      expect(seen).to.deep.equal([
        [5, '', 0],
        [-1, '', 0],
        [-1, '', 0],
      ])
    })
  }

  for (const version of versions(8, 10)) {
    it(`fetches several groups in v${version}`, () => {
      const broker = new GroupBroker().start()
      const topicId = broker.replicas.topicId('a')
      for (const groupId of ['g', 'h']) {
        broker.now(OffsetCommit, 8, { groupId, topics: [{ name: 'a', partitions: [partition(1, 9)] }] })
      }
      const topic = version >= 10 ? { topicId } : { name: 'a' }
      const { groups } = broker.now(OffsetFetch, version, {
        groups: [
          { groupId: 'g', topics: null },
          { groupId: 'h', topics: [{ ...topic, partitionIndexes: [1, 0] }] },
          { groupId: 'none', topics: null },
        ],
      })
      expect(groups.map(({ groupId, errorCode, topics }) => [groupId, errorCode, topics.length])).to.deep.equal([
        ['g', 0, 1],
        ['h', 0, 1],
        ['none', 0, 0],
      ])
      expect(groups[1]!.topics[0]!.partitions.map(({ committedOffset }) => committedOffset)).to.deep.equal([9, -1])
      if (version >= 10) expect(groups[0]!.topics[0]!.topicId).to.equal(topicId)
    })
  }

  it('repeats an error of the whole group on every partition in v1', () => {
    const broker = new GroupBroker()
    const request = { groupId: 'g', topics: [{ name: 'a', partitionIndexes: [0, 1] }] }
    const one = broker.now(OffsetFetch, 1, request)
    expect(one.topics[0]!.partitions.map(({ errorCode }) => errorCode)).to.deep.equal([
      ErrorCode.NOT_COORDINATOR,
      ErrorCode.NOT_COORDINATOR,
    ])
    expect(broker.now(OffsetFetch, 2, request).errorCode).to.equal(ErrorCode.NOT_COORDINATOR)
  })
})
