/** Transactions over several brokers: markers, verification and coordinators that move. Commit or abort, never in between. */
import { expect } from 'chai'
import { Cluster } from '../../lib/index.js'
import { ErrorCode } from '../../protocol/index.js'
import { ClusterSender, coordinatorOf, insist } from '../support/cluster-sender.js'
import { CommittedReader, fetched, TransactionalProducer } from '../support/transactional.js'

const IDS = [101, 102, 103]
/** One partition each, their leaders spread over all brokers. */
const TOPICS = ['tx-0', 'tx-1', 'tx-2', 'tx-3', 'tx-4', 'tx-5']

let cluster: Cluster
const senders: ClusterSender[] = []

/** A producer whose requests find their brokers; `version` is that of Produce, and says which protocol it speaks. */
class Client {
  readonly #coordinator: TransactionalProducer
  readonly #leaders = new Map<string, TransactionalProducer>()
  readonly #endVersion: number

  constructor(
    readonly transactionalId: string,
    readonly version: number,
  ) {
    this.#endVersion = version >= 12 ? 5 : 3
    this.#coordinator = new TransactionalProducer(
      kept(ClusterSender.toCoordinator(cluster, transactionalId)),
      transactionalId,
    )
  }

  async init(): Promise<void> {
    await insist(async () => (await this.#coordinator.init(4)).errorCode, 'InitProducerId')
  }

  async write(topic: string, value: string): Promise<void> {
    const producer = this.#leader(topic)
    if (this.version < 12) await insist(() => this.#coordinator.add(3, topic), `adding ${topic}`)
    await insist(async () => (await producer.produce(this.version, topic, [value]))[0], `writing ${value} to ${topic}`)
  }

  async end(committed: boolean): Promise<void> {
    await insist(() => this.#coordinator.end(this.#endVersion, committed), committed ? 'committing' : 'aborting')
  }

  /** Has the identity that the coordinator gave last. */
  #leader(topic: string): TransactionalProducer {
    let known = this.#leaders.get(topic)
    const { producerId, producerEpoch } = this.#coordinator
    if (known?.producerId === producerId && known.producerEpoch === producerEpoch) return known
    known = new TransactionalProducer(
      known?.sender ?? kept(ClusterSender.toLeader(cluster, topic)),
      this.transactionalId,
    )
    known.adopt(this.#coordinator)
    this.#leaders.set(topic, known)
    return known
  }
}

function kept(sender: ClusterSender): ClusterSender {
  senders.push(sender)
  return sender
}

/** What read_committed shows of a topic once nothing of it is open any more. */
async function committedIn(topic: string): Promise<string[]> {
  const sender = kept(ClusterSender.toLeader(cluster, topic))
  const reader = new CommittedReader()
  await insist(async () => {
    for (;;) {
      const answer = await fetched(sender, topic, reader.next)
      if (answer.errorCode !== 0) return answer.errorCode
      if (answer.lastStableOffset !== answer.highWatermark) return ErrorCode.CONCURRENT_TRANSACTIONS
      if (reader.next === answer.highWatermark) return 0
      reader.take(answer)
    }
  }, `reading ${topic}`)
  return reader.values
}

describe('embed/cluster transactions', function () {
  this.timeout(60_000)

  beforeEach(async () => {
    cluster = await Cluster.create({
      brokerIds: IDS,
      // The records of the tests have old timestamps.
      topics: TOPICS.map((name) => ({ name, replicationFactor: 3, config: { 'retention.ms': -1 } })),
    })
    for (const [index, topic] of TOPICS.entries()) await cluster.moveLeader(topic, 0, IDS[index % IDS.length]!)
  })

  afterEach(async () => {
    for (const sender of senders.splice(0)) sender.close()
    await cluster.close()
  })

  for (const version of [9, 12]) {
    it(`reach partitions led by other brokers (Produce v${version})`, async () => {
      const client = new Client('spread', version)
      await client.init()
      for (const [value, committed] of [
        ['a', true],
        ['b', false],
        ['c', true],
      ] as const) {
        for (const topic of TOPICS) await client.write(topic, value)
        await client.end(committed)
      }
      for (const topic of TOPICS) expect(await committedIn(topic)).to.deep.equal(['a', 'c'])
    })

    for (const how of ['kill', 'controlled'] as const) {
      it(`are whole or not there when brokers stop in the middle of them (${how}, Produce v${version})`, async () => {
        const client = new Client('whole', version)
        await client.init()
        const committed: string[] = []
        for (let n = 0; n < 12; n++) {
          const commits = n % 3 !== 1
          for (const [index, topic] of TOPICS.entries()) {
            await client.write(topic, `t${n}`)
            // The leader of a topic that has been written to.
            if (n === 4 && index === 3) await cluster.stopBroker(cluster.leaderOf('tx-1', 0)!, { how })
          }
          // The coordinator, before it has heard of the end; and a moment after.
          if (n === 6) await cluster.stopBroker(coordinatorOf(cluster, 'whole')!, { how })
          await client.end(commits)
          if (n === 9) await cluster.stopBroker(coordinatorOf(cluster, 'whole')!, { how })
          if (n === 5 || n === 8 || n === 11) {
            for (const id of IDS) await cluster.startBroker(id)
            await allInSync()
          }
          if (commits) committed.push(`t${n}`)
        }
        for (const topic of TOPICS) expect(await committedIn(topic), topic).to.deep.equal(committed)
      })
    }
  }

  it('a producer that has not added a partition cannot write to it, wherever its leader is', async () => {
    const producer = new TransactionalProducer(kept(ClusterSender.toCoordinator(cluster, 'stranger')), 'stranger')
    await insist(async () => (await producer.init(4)).errorCode, 'InitProducerId')
    for (const topic of TOPICS) {
      const there = new TransactionalProducer(kept(ClusterSender.toLeader(cluster, topic)), 'stranger')
      there.adopt(producer)
      expect(await there.produce(11, topic)).to.deep.equal([ErrorCode.TRANSACTION_ABORTABLE, -1])
      expect(await there.produce(10, topic)).to.deep.equal([ErrorCode.INVALID_TXN_STATE, -1])
    }
  })

  it('a producer is fenced by its successor, also where the coordinator is another broker', async () => {
    const [first, second] = [new Client('heir', 12), new Client('heir', 12)]
    await first.init()
    for (const topic of TOPICS) await first.write(topic, 'lost')
    await second.init()
    for (const topic of TOPICS) await second.write(topic, 'kept')
    await second.end(true)
    for (const topic of TOPICS) {
      const failure = await first.write(topic, 'late').then(
        () => null,
        (error: Error) => error.message,
      )
      expect(failure).to.equal(`writing late to ${topic}: error ${ErrorCode.INVALID_PRODUCER_EPOCH}`)
      expect(await committedIn(topic)).to.deep.equal(['kept'])
    }
  })
})

async function allInSync(): Promise<void> {
  await insist(async () => {
    const whole = TOPICS.every((topic) => cluster.isrOf(topic, 0).length === IDS.length)
    return whole ? 0 : ErrorCode.NOT_ENOUGH_REPLICAS
  }, 'all replicas in sync')
}
