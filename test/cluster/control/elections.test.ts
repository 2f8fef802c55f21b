import { expect } from 'chai'
import { ElectionType, electLeaders, moveLeader, rebalanceLeaders } from '../../../lib/cluster/control/elections.js'
import { ErrorCode } from '../../../protocol/errors.js'
import { clusterImage, context } from './images.js'

const outcomes = (results: readonly { errorCode: number }[]) => results.map(({ errorCode }) => errorCode)

describe('cluster/control/elections', () => {
  const image = clusterImage(
    { 1: 'up', 2: 'up', 3: 'fenced' },
    {
      t: [
        { replicas: [1, 2], isr: [1, 2], leader: 2 },
        { replicas: [1, 2], isr: [1, 2], leader: 1 },
        { replicas: [1, 2], isr: [2], leader: 2 },
        { replicas: [3, 2], isr: [3], leader: -1 },
        { replicas: [3], isr: [3], leader: -1 },
      ],
    },
  )

  it('elects the preferred replica where it is in sync, and says why not elsewhere', () => {
    const { records, results } = electLeaders(image, context, {
      electionType: ElectionType.PREFERRED,
      topics: [
        { topic: 't', partitions: [0, 1, 2, 9] },
        { topic: 'nope', partitions: [0] },
      ],
    })
    expect(outcomes(results)).to.deep.equal([
      ErrorCode.NONE,
      ErrorCode.ELECTION_NOT_NEEDED,
      ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ])
    expect(records).to.deep.equal([{ type: 'PartitionChangeRecord', topicId: 'id-of-t', partitionId: 0, leader: 1 }])
  })

  it('leaves out what needs no election when every partition is meant', () => {
    const { results } = electLeaders(image, context, { electionType: ElectionType.PREFERRED, topics: null })
    expect(results.map(({ partition }) => partition)).to.deep.equal([0, 2, 3, 4])
  })

  it('lets any living replica lead, in sync or not, when that is asked for', () => {
    const { records, results } = electLeaders(image, context, {
      electionType: ElectionType.UNCLEAN,
      topics: [{ topic: 't', partitions: [0, 3, 4] }],
    })
    expect(outcomes(results)).to.deep.equal([
      ErrorCode.ELECTION_NOT_NEEDED,
      ErrorCode.NONE,
      ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE,
    ])
    expect(records).to.deep.equal([
      { type: 'PartitionChangeRecord', topicId: 'id-of-t', partitionId: 3, leader: 2, isr: [2] },
    ])
  })

  it('gives leaderships back to preferred replicas, so many at once', () => {
    expect(rebalanceLeaders(image, 10).records.map((record) => record)).to.have.length(1)
    expect(rebalanceLeaders(image, 0).records).to.deep.equal([])
  })

  it('moves a leader to an in-sync replica alone', () => {
    expect(moveLeader(image, 't', 1, 2).records).to.have.length(1)
    expect(moveLeader(image, 't', 1, 1)).to.deep.include({ records: [] })
    expect(moveLeader(image, 't', 2, 1).results.errorCode).to.equal(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE)
    expect(moveLeader(image, 't', 7, 1).results.errorCode).to.equal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  })
})
