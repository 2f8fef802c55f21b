import { expect } from 'chai'
import { DescribeLogDirs, ErrorCode, type RequestInput } from '../../protocol/index.js'
import { batchOf, produceNow } from '../support/produce-fetch.js'
import { ReplicaBroker } from '../support/replica-broker.js'

describe('server/35-describe-log-dirs', () => {
  let broker: ReplicaBroker
  beforeEach(() => {
    broker = new ReplicaBroker()
    broker.createTopic('a', { partitions: 2 })
    broker.createTopic('b')
  })
  const describeDirs = (version: number, topics: RequestInput<typeof DescribeLogDirs>['topics']) => {
    const outcome = broker.now(DescribeLogDirs, version, { topics })
    if (typeof outcome === 'string') throw new Error(outcome)
    return outcome
  }

  it('lists everything for null, in every version', () => {
    const size = batchOf(broker, ['x']).length
    produceNow(broker, batchOf(broker, ['x']), { topic: 'a', partition: 1 })
    for (const version of [1, 2, 3, 4, 5]) {
      const { errorCode, results } = describeDirs(version, null)
      expect(errorCode).to.equal(ErrorCode.NONE)
      expect(results).to.have.length(1)
      expect(results[0]).to.include({ errorCode: ErrorCode.NONE, logDir: '/logs', isCordoned: false })
      const partition = (partitionIndex: number, partitionSize: number) => ({
        partitionIndex,
        partitionSize,
        offsetLag: 0,
        isFutureKey: false,
      })
      expect(results[0]!.topics).to.deep.equal([
        { name: 'a', partitions: [partition(0, 0), partition(1, size)] },
        { name: 'b', partitions: [partition(0, 0)] },
      ])
    }
  })

  it('lists only what is asked for and here; the directory always', () => {
    const some = describeDirs(4, [
      { topic: 'a', partitions: [1, 7] },
      { topic: 'nope', partitions: [0] },
    ])
    expect(
      some.results[0]!.topics.map(({ name, partitions }) => [name, partitions.map((one) => one.partitionIndex)]),
    ).to.deep.equal([['a', [1]]])
    expect(describeDirs(4, []).results[0]!.topics).to.deep.equal([])
    const twice = describeDirs(4, [
      { topic: 'a', partitions: [0] },
      { topic: 'a', partitions: [1] },
    ])
    expect(twice.results[0]!.topics.flatMap(({ partitions }) => partitions.length)).to.deep.equal([2])
  })
})
