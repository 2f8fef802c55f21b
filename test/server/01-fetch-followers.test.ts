/** Fetch as followers send it, and as consumers near a follower do. */
import { expect } from 'chai'
import { ErrorCode } from '../../protocol/errors.js'
import { Fetch, Produce } from '../../protocol/index.js'
import {
  batchOf,
  type FetchOptions,
  fetchNow,
  fetchRequest,
  produceAnswer,
  produceNow,
  produceRequest,
} from '../support/produce-fetch.js'
import { ReplicaBroker } from '../support/replica-broker.js'

describe('server/01-fetch of followers', () => {
  let broker: ReplicaBroker
  const begin = (config: Record<string, string> = {}) => {
    broker = new ReplicaBroker({ config })
    for (const [brokerId, rack] of [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ] as const)
      join(brokerId, 10, rack)
    broker.createTopic('r', { replicas: [1, 2, 3] })
  }
  const join = (brokerId: number, brokerEpoch: number, rack = 'b') =>
    broker.metadata({
      type: 'RegisterBrokerRecord',
      brokerId,
      incarnationId: 'i',
      brokerEpoch,
      endPoints: [],
      features: [],
      rack,
      fenced: false,
    })
  const append = () => produceNow(broker, batchOf(broker, ['x']), { topic: 'r', acks: 1 })
  const ask = (replicaId: number, options: FetchOptions & { replicaEpoch?: number } = {}) => {
    const { replicaEpoch = 10, ...rest } = options
    const request = fetchRequest(broker, { version: 18, topic: 'r', ...rest })
    return broker.send(Fetch, 18, { ...request, replicaState: { replicaId, replicaEpoch } })
  }
  const answerOf = (outcome: Awaited<ReturnType<typeof ask>>) => {
    if (typeof outcome === 'string') throw new Error(outcome)
    return outcome.responses[0]?.partitions[0]
  }
  const parked = () => broker.replicas.purgatories.fetch.size

  beforeEach(() => begin())

  it('an earlier life of a broker is refused (KIP-903)', async () => {
    join(2, 20)
    expect(answerOf(await ask(2, { replicaEpoch: 10 }))!.errorCode).to.equal(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    expect(answerOf(await ask(2, { replicaEpoch: 20 }))!.errorCode).to.equal(ErrorCode.NONE)
  })

  it('what an earlier life had does not count for the next one', async () => {
    append()
    await ask(2, { fetchOffset: 1 })
    await ask(3, { fetchOffset: 1 })
    const partition = broker.partition('r')
    expect(partition.follower(2)).to.include({ endOffset: 1, brokerEpoch: 10 })
    join(2, 20)
    await ask(2, { fetchOffset: 0, replicaEpoch: 20 })
    expect(partition.follower(2)).to.include({ endOffset: 0, brokerEpoch: 20 })
    expect(partition.highWatermark, 'what is committed stays so').to.equal(1)
  })

  it('a waiting follower hears soon how far its partition is committed', async () => {
    append()
    const two = ask(2, { fetchOffset: 1, maxWaitMs: 500, highWatermark: 0 })
    expect(parked()).to.equal(1)
    await ask(3, { fetchOffset: 1 })
    expect(parked(), 'not at once: the next records may carry it').to.equal(1)
    broker.clock.advance(5)
    expect(answerOf(await two)).to.include({ highWatermark: 1 })
    void ask(2, { fetchOffset: 1, maxWaitMs: 500, highWatermark: 1 })
    broker.clock.advance(499)
    expect(parked(), 'it knows').to.equal(1)
    broker.clock.advance(1)
    expect(parked()).to.equal(0)
  })

  it('a follower that comes with an old high watermark waits no longer than a moment', async () => {
    append()
    await ask(3, { fetchOffset: 1 })
    const late = ask(2, { fetchOffset: 1, maxWaitMs: 500, highWatermark: 0 })
    broker.clock.advance(5)
    expect(answerOf(await late)).to.include({ highWatermark: 1 })
  })

  it('a fetch for nothing has what waits for this follower answered, and nobody else', async () => {
    const two = ask(2, { maxWaitMs: 500, highWatermark: 0 })
    void ask(3, { maxWaitMs: 500, highWatermark: 0 })
    expect(parked()).to.equal(2)
    await broker.send(Fetch, 18, {
      ...fetchRequest(broker, { version: 18, topic: 'r' }),
      replicaState: { replicaId: 2, replicaEpoch: 10 },
      topics: [],
    })
    expect(answerOf(await two)).to.include({ errorCode: ErrorCode.NONE })
    expect(parked()).to.equal(1)
    broker.clock.advance(500)
    expect(parked()).to.equal(0)
  })

  describe('with replica.selector.class (KIP-392)', () => {
    const selector = { 'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector' }
    const consume = (rackId: string, version = 12) => {
      const outcome = broker.now(Fetch, version, { ...fetchRequest(broker, { topic: 'r' }), rackId })
      return answerOf(outcome)!
    }

    it('leads consumers to the replica in their rack', async () => {
      begin(selector)
      append()
      for (const id of [2, 3]) await ask(id, { fetchOffset: 1, logStartOffset: 0 })
      const led = consume('b')
      expect(led).to.include({ errorCode: ErrorCode.NONE, preferredReadReplica: 2, highWatermark: 1 })
      expect(led.records ?? []).to.have.lengthOf(0)
      for (const rack of ['a', 'nowhere', '']) {
        const stays = consume(rack)
        expect(stays.preferredReadReplica).to.equal(-1)
        expect(stays.records).to.not.have.lengthOf(0)
      }
      broker.metadata({ type: 'FenceBrokerRecord', id: 2, epoch: 10 })
      expect(consume('b').preferredReadReplica, 'it is not there').to.equal(-1)
    })

    it('an answer that leads away leaves at once, also in a session', async () => {
      begin(selector)
      for (const id of [2, 3]) await ask(id, { fetchOffset: 0, logStartOffset: 0 })
      const outcome = broker.now(Fetch, 12, {
        ...fetchRequest(broker, { topic: 'r', maxWaitMs: 500 }),
        sessionEpoch: 0,
        rackId: 'c',
      })
      expect(answerOf(outcome)!.preferredReadReplica).to.equal(3)
      if (typeof outcome === 'string') throw new Error(outcome)
      const { sessionId } = outcome
      const again = { ...fetchRequest(broker, { maxWaitMs: 500 }), topics: [], sessionId, sessionEpoch: 1, rackId: 'c' }
      expect(answerOf(broker.now(Fetch, 12, again))!.preferredReadReplica).to.equal(3)
    })

    it('is not there without the setting', async () => {
      append()
      await ask(2, { fetchOffset: 1, logStartOffset: 0 })
      expect(consume('b').preferredReadReplica).to.equal(-1)
    })
  })

  it('a follower serves consumers up to its high watermark', () => {
    broker.createTopic('f', { replicas: [2, 1] })
    const partition = broker.partition('f')
    const records = batchOf(broker, ['one'])
    const from = { leaderEpoch: 0, highWatermark: 0, logStartOffset: 0, now: 0 }
    partition.appendAsFollower(records, from)
    expect(fetchNow(broker, { topic: 'f' }).records).to.have.lengthOf(0)
    partition.appendAsFollower(Buffer.alloc(0), { ...from, highWatermark: 1 })
    expect(fetchNow(broker, { topic: 'f' }).records).to.not.have.lengthOf(0)
  })

  it('a follower begins anew where compaction may have dropped what its leader has, unless it may be elected', async () => {
    for (const [isr, eligibleLeaderReplicas, kept] of [
      [[2], [], 0],
      [[2, 1], [], 1],
      [[2], [1], 1],
    ] as const) {
      const topic = `c-${isr.length}-${eligibleLeaderReplicas.length}`
      broker.createTopic(topic, { replicas: [2, 1] })
      const partition = broker.partition(topic)
      partition.applyImage({ ...partition.role.image, isr, eligibleLeaderReplicas })
      const from = { leaderEpoch: 0, highWatermark: 0, logStartOffset: 0, now: 0 }
      for (const value of ['a', 'b', 'c'])
        partition.appendAsFollower(batchOf(broker, [value], { baseOffset: partition.log.endOffset }), from)
      partition.log.body.compactedTo = 3
      await partition.truncateTo(1)
      expect(partition.log.endOffset).to.equal(kept)
    }
  })

  it('a follower with another history, all of which its leader has deleted, begins anew: also within a batch', () => {
    broker.createTopic('f', { replicas: [2, 1] })
    const partition = broker.partition('f')
    const from = { leaderEpoch: 0, highWatermark: 0, logStartOffset: 0, now: 0 }
    partition.appendAsFollower(batchOf(broker, ['other']), from)
    const records = batchOf(broker, ['a', 'b', 'c'])
    const after = { ...from, highWatermark: 3, logStartOffset: 1 }
    expect(partition.appendAsFollower(records, after)).to.equal(ErrorCode.NONE)
    expect(partition.log).to.include({ logStartOffset: 1, endOffset: 3 })
    expect(fetchNow(broker, { topic: 'f', fetchOffset: 1 }).records!.equals(records)).to.equal(true)
  })

  it('who is made the leader while its log is cut serves nobody until that is over, and leads from the end that is left', async () => {
    broker.createTopic('f', { replicas: [2, 1] })
    const partition = broker.partition('f')
    const from = { leaderEpoch: 0, highWatermark: 0, logStartOffset: 0, now: 0 }
    for (const value of ['a', 'b', 'c']) {
      const batch = batchOf(broker, [value])
      batch.writeBigInt64BE(BigInt(partition.log.endOffset), 0)
      partition.appendAsFollower(batch, from)
    }
    let goOn = () => {}
    const { log } = partition
    const truncateTo = log.truncateTo.bind(log)
    log.truncateTo = (offset) => new Promise<void>((resolve) => (goOn = resolve)).then(() => truncateTo(offset))
    const cutting = partition.truncateTo(1)
    broker.elect('f', 0, 1, [1])
    const produce = () => produceNow(broker, batchOf(broker, ['d']), { topic: 'f', acks: 1 })
    expect(produce().errorCode).to.equal(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    goOn()
    await cutting
    expect(partition.role).to.include({ kind: 'leader', epochStartOffset: 1 })
    expect(partition.log.latestEpoch).to.equal(partition.leaderEpoch)
    expect(produce()).to.include({ errorCode: ErrorCode.NONE, baseOffset: 1 })
  })

  it('a Produce that waits when its replica moves away is told to look for the leader, and that there is no such topic when it goes', async () => {
    for (const [topic, record, code] of [
      [
        'moved',
        (topicId: string) => ({
          type: 'PartitionChangeRecord',
          topicId,
          partitionId: 0,
          replicas: [2, 3],
          isr: [2],
          leader: 2,
        }),
        6,
      ],
      ['deleted', (topicId: string) => ({ type: 'RemoveTopicRecord', topicId }), 3],
    ] as const) {
      broker.createTopic(topic, { replicas: [1, 2, 3] })
      const waiting = broker.send(Produce, 9, produceRequest(batchOf(broker, ['x']), { topic, acks: -1 }))
      broker.metadata(record(broker.topicId(topic)) as never)
      expect(produceAnswer(await waiting).errorCode, topic).to.equal(code)
    }
  })
})
