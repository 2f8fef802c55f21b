/** What brokers of a cluster list: what they coordinate, and nothing of the others. */
import { expect } from 'chai'
import {
  ErrorCode,
  FindCoordinator,
  InitProducerId,
  ListGroups,
  ListTransactions,
  OffsetCommit,
} from '../../protocol/index.js'
import { VirtualCluster } from '../support/virtual-cluster.js'

const IDS = [1, 2, 3]
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

describe('server: each broker lists what it coordinates', function () {
  this.timeout(30_000)
  let cluster: VirtualCluster
  beforeEach(async () => {
    cluster = await VirtualCluster.start({
      brokerIds: IDS,
      values: {
        'offsets.topic.num.partitions': '6',
        'offsets.topic.replication.factor': '3',
        'transaction.state.log.num.partitions': '6',
        'transaction.state.log.replication.factor': '3',
      },
    })
    await cluster.topic('t', [1, 2, 3])
  })
  afterEach(() => cluster.close())

  /** By name, as a broker says it; it may be about to load. */
  async function coordinators(keyType: number, asked = 1): Promise<Map<string, number>> {
    for (;;) {
      const answer = await cluster.ask(asked, FindCoordinator, 4, { keyType, coordinatorKeys: NAMES })
      const found = answer.coordinators
      if (found.every(({ errorCode }) => errorCode === ErrorCode.NONE))
        return new Map(found.map(({ key, nodeId }) => [key, nodeId]))
      await cluster.pass(50)
    }
  }

  async function insist(ask: () => Promise<number>): Promise<void> {
    let errorCode = await ask()
    for (let tries = 0; errorCode !== ErrorCode.NONE && tries < 100; tries++) {
      await cluster.pass(50)
      errorCode = await ask()
    }
    expect(errorCode).to.equal(ErrorCode.NONE)
  }

  async function listedAs(list: (id: number) => Promise<string[]>, by: ReadonlyMap<string, number>): Promise<void> {
    for (const id of new Set(by.values())) {
      const own = NAMES.filter((name) => by.get(name) === id)
      // One that takes over has to load first, and says so.
      let listed = await list(id)
      for (let tries = 0; listed.join() !== own.join() && tries < 100; tries++) {
        await cluster.pass(50)
        listed = await list(id)
      }
      expect(listed, `broker ${id}`).to.deep.equal(own)
    }
  }

  it('groups, also after one broker is gone', async () => {
    const groups = async (id: number): Promise<string[]> =>
      (await cluster.ask(id, ListGroups, 4, {})).groups.map(({ groupId }) => groupId).sort()
    const before = await coordinators(0)
    expect(new Set(before.values()).size).to.be.above(1)
    for (const [groupId, id] of before) {
      const partitions = [{ partitionIndex: 0, committedOffset: 0 }]
      await insist(async () => {
        const answer = await cluster.ask(id, OffsetCommit, 8, { groupId, topics: [{ name: 't', partitions }] })
        return answer.topics[0]!.partitions[0]!.errorCode
      })
    }
    await listedAs(groups, before)
    const gone = before.get(NAMES[0]!)!
    await cluster.kill(gone)
    const after = await coordinators(0, IDS.find((id) => id !== gone)!)
    expect([...after.values()]).to.not.include(gone)
    await listedAs(groups, after)
  })

  it('transactional ids, also after one broker is gone', async () => {
    const ids = async (id: number): Promise<string[]> =>
      (await cluster.ask(id, ListTransactions, 1, {})).transactionStates
        .map(({ transactionalId }) => transactionalId)
        .sort()
    const before = await coordinators(1)
    expect(new Set(before.values()).size).to.be.above(1)
    for (const [transactionalId, id] of before) {
      const request = { transactionalId, transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 }
      await insist(async () => (await cluster.ask(id, InitProducerId, 4, request)).errorCode)
    }
    await listedAs(ids, before)
    const gone = before.get(NAMES[0]!)!
    await cluster.kill(gone)
    const after = await coordinators(1, IDS.find((id) => id !== gone)!)
    expect([...after.values()]).to.not.include(gone)
    await listedAs(ids, after)
  })
})
