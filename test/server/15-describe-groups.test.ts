import { expect } from 'chai'
import {
  DeleteGroups,
  DescribeGroups,
  ErrorCode,
  ListGroups,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
} from '../../protocol/index.js'
import { GroupBroker, versions } from '../support/group-broker.js'

function commitSimple(broker: GroupBroker, groupId: string): void {
  const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }]
  broker.now(OffsetCommit, 8, { groupId, topics: [{ name: 'a', partitions }] })
}

describe('server/15-describe-groups', () => {
  for (const version of versions(0, 6)) {
    it(`describes in v${version}`, () => {
      const broker = new GroupBroker().start()
      const memberId = broker.stableMember('g')
      commitSimple(broker, 'simple')
      const asks = version >= 3
      const { groups } = broker.now(DescribeGroups, version, {
        groups: ['g', 'simple', 'none'],
        includeAuthorizedOperations: asks,
      })
      const [stable, simple, none] = groups
      expect(stable).to.include({ errorCode: 0, groupState: 'Stable', protocolType: 'consumer', protocolData: 'range' })
      expect(stable!.members[0]).to.include({ memberId, clientId: 'test', clientHost: '/127.0.0.1' })
      expect(stable!.members[0]!.memberAssignment.toString()).to.equal('all')
      expect(simple).to.include({ errorCode: 0, groupState: 'Empty', protocolType: '' })
      expect(none).to.include({
        errorCode: version >= 6 ? ErrorCode.GROUP_ID_NOT_FOUND : 0,
        errorMessage: version >= 6 ? 'Group none not found.' : null,
        groupState: 'Dead',
      })
      expect(stable!.authorizedOperations).to.equal(asks ? 3400 : -2147483648)
    })
  }
})

describe('server/16-list-groups', () => {
  for (const version of versions(0, 5)) {
    it(`lists in v${version}`, () => {
      const broker = new GroupBroker().start()
      broker.stableMember('g')
      commitSimple(broker, 'simple')
      const ids = (filters: object = {}) =>
        broker
          .now(ListGroups, version, filters)
          .groups.map(({ groupId }) => groupId)
          .sort()
      expect(ids()).to.deep.equal(['g', 'simple'])
      const [g] = broker.now(ListGroups, version, {}).groups.filter(({ groupId }) => groupId === 'g')
      expect(g).to.deep.equal({
        groupId: 'g',
        protocolType: 'consumer',
        groupState: version >= 4 ? 'Stable' : '',
        groupType: version >= 5 ? 'classic' : '',
      })
      if (version >= 4) expect(ids({ statesFilter: ['STABLE'] })).to.deep.equal(['g'])
      if (version >= 5) expect(ids({ typesFilter: ['consumer'] })).to.deep.equal([])
    })
  }
})

describe('server/42-delete-groups', () => {
  for (const version of versions(0, 3)) {
    it(`deletes in v${version}`, () => {
      const broker = new GroupBroker().start()
      broker.stableMember('g')
      commitSimple(broker, 'simple')
      const { results } = broker.now(DeleteGroups, version, { groupsNames: ['g', 'simple', 'none', 'simple'] })
      expect(results.map(({ groupId, errorCode }) => [groupId, errorCode])).to.deep.equal([
        ['g', ErrorCode.NON_EMPTY_GROUP],
        ['simple', ErrorCode.NONE],
        ['none', ErrorCode.GROUP_ID_NOT_FOUND],
      ])
      expect(broker.now(OffsetFetch, 5, { groupId: 'simple', topics: null }).topics).to.deep.equal([])
    })
  }
})

describe('server/47-offset-delete', () => {
  it('deletes offsets of topics that nobody reads', () => {
    const broker = new GroupBroker().start()
    broker.stableMember('g')
    commitSimple(broker, 'simple')
    const del = (groupId: string, name = 'a') =>
      broker.now(OffsetDelete, 0, { groupId, topics: [{ name, partitions: [{ partitionIndex: 0 }] }] })
    expect(del('g').topics[0]!.partitions[0]!.errorCode).to.equal(ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC)
    expect(del('simple')).to.deep.include({ errorCode: ErrorCode.NONE })
    expect(broker.now(OffsetFetch, 5, { groupId: 'simple', topics: null }).topics).to.deep.equal([])
    expect(del('simple', 'nosuch').topics[0]!.partitions[0]!.errorCode).to.equal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(del('none', 'nosuch')).to.deep.include({ errorCode: ErrorCode.GROUP_ID_NOT_FOUND, topics: [] })
  })
})
