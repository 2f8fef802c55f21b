import { expect } from 'chai'
import { ElectLeaders, ErrorCode } from '../../protocol/index.js'
import { AdminBroker } from '../support/admin-broker.js'

describe('server/43-elect-leaders', () => {
  let broker: AdminBroker
  before(async () => {
    broker = await AdminBroker.start({ topics: [{ name: 't', partitions: 2 }] })
  })
  after(() => broker.close())

  const elect = async (electionType: number, topicPartitions: { topic: string; partitions: number[] }[] | null) => {
    const { errorCode, replicaElectionResults } = await broker.send(ElectLeaders, 2, { electionType, topicPartitions })
    const codes = replicaElectionResults.map(({ topic, partitionResult }) => [
      topic,
      ...partitionResult.map((one) => [one.partitionId, one.errorCode]),
    ])
    return [errorCode, codes]
  }

  it('judges each partition', async () => {
    const [needless, unknown] = [ErrorCode.ELECTION_NOT_NEEDED, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
    for (const type of [0, 1]) {
      const answer = await elect(type, [
        { topic: 't', partitions: [0, 9] },
        { topic: 'u', partitions: [0] },
      ])
      const codes = [
        ['t', [0, needless], [9, unknown]],
        ['u', [0, unknown]],
      ]
      expect(answer).to.deep.equal([0, codes])
    }
  })

  it('names every topic that was asked about, though none of its partitions has anything to say', async () => {
    expect(await elect(0, [{ topic: 't', partitions: [] }])).to.deep.equal([0, [['t']]])
    expect(await elect(1, null)).to.deep.equal([0, [['t']]])
    expect(await elect(0, [])).to.deep.equal([0, []])
  })

  it('answers a topic as often as it is named', async () => {
    const needless = ErrorCode.ELECTION_NOT_NEEDED
    const asked = [[0, 1], [1]].map((partitions) => ({ topic: 't', partitions }))
    const codes = [
      ['t', [0, needless], [1, needless]],
      ['t', [1, needless]],
    ]
    expect(await elect(0, asked)).to.deep.equal([0, codes])
  })

  it('refuses an election of a kind that there is not', async () => {
    const bad = ErrorCode.INVALID_REQUEST
    expect(await elect(2, [{ topic: 't', partitions: [0] }])).to.deep.equal([bad, [['t', [0, bad]]]])
    expect(await elect(-1, [])).to.deep.equal([0, []])
  })
})
