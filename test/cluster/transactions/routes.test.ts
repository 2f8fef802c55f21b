import { expect } from 'chai'
import type { TransactionMarker } from '../../../lib/broker/coordinator/contract.js'
import { type Peer, PeerLost } from '../../../lib/cluster/peer.js'
import { CoordinatorRoute } from '../../../lib/cluster/transactions/coordinator-route.js'
import { MarkerRoutes } from '../../../lib/cluster/transactions/marker-routes.js'
import { silentLogger } from '../../../lib/host/logger.js'
import type { Image } from '../../../lib/metadata/image.js'
import { AddPartitionsToTxn, ErrorCode, type Message, WriteTxnMarkers } from '../../../protocol/index.js'

const { NONE, NOT_LEADER_OR_FOLLOWER, LEADER_NOT_AVAILABLE, NETWORK_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode

/** The leaders of topics by partition, on brokers 1 to 3. This broker is 1. */
let leaders: Record<string, number[]>
let members: number[]
const image = (): Image =>
  ({
    brokers: new Map(members.map((id) => [id, {}])),
    topicsByName: new Map(
      Object.entries(leaders).map(([name, ids]) => [name, { name, partitions: ids.map((leader) => ({ leader })) }]),
    ),
  }) as unknown as Image

interface Asked {
  readonly brokerId: number
  readonly value: never
  answer(response: unknown): void
  lose(): void
}
let asked: Asked[]
let closed: number[]

function open(brokerId: number): Peer {
  const request = (message: Message, _version: number, value: unknown) => {
    expect([WriteTxnMarkers, AddPartitionsToTxn]).to.include(message)
    return new Promise((resolve, reject) => {
      const lose = (): void => reject(new PeerLost('gone'))
      asked.push({ brokerId, value: value as never, answer: resolve, lose })
    })
  }
  return { request, close: () => closed.push(brokerId) } as unknown as Peer
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

beforeEach(() => {
  asked = []
  closed = []
  members = [1, 2, 3]
  leaders = { a: [1, 2, 3], b: [2, -1], __transaction_state: [2] }
})

describe('cluster/transactions/marker-routes', () => {
  const marker = (producerId: number): TransactionMarker => ({
    producerId,
    producerEpoch: 4,
    coordinatorEpoch: 7,
    commit: true,
    transactionVersion: 2,
  })
  let written: unknown[]
  const routes = () => {
    written = []
    const here = {
      write: (_marker: TransactionMarker, partitions: readonly { partitionIds: readonly number[] }[]) => {
        written.push(partitions)
        return partitions.flatMap(({ partitionIds }) => partitionIds.map(() => NONE))
      },
    }
    return new MarkerRoutes({ brokerId: 1 }, { logger: silentLogger, here, image, open })
  }
  const results = (producerId: number, ...codes: [name: string, partitionIndex: number, errorCode: number][]) => ({
    producerId,
    topics: codes.map(([name, partitionIndex, errorCode]) => ({ name, partitions: [{ partitionIndex, errorCode }] })),
  })

  it('writes here what is led here, asks the other leaders, and answers in the order of the partitions', async () => {
    const partitions = [
      { topic: 'b', partitionIds: [1, 0] },
      { topic: 'a', partitionIds: [2, 0, 1, 9] },
      { topic: 'deleted', partitionIds: [0] },
    ]
    const codes = Promise.resolve(routes().write(marker(5), partitions))
    await turn()
    expect(written).to.deep.equal([[{ topic: 'a', partitionIds: [0] }]])
    expect(asked.map(({ brokerId }) => brokerId)).to.have.members([2, 3])
    const two = asked.find(({ brokerId }) => brokerId === 2)!
    const topics = [
      { name: 'b', partitionIndexes: [0] },
      { name: 'a', partitionIndexes: [1] },
    ]
    const sent = {
      producerId: 5,
      producerEpoch: 4,
      transactionResult: true,
      coordinatorEpoch: 7,
      transactionVersion: 2,
    }
    expect(two.value).to.deep.equal({ markers: [{ ...sent, topics }] })
    two.answer({ markers: [results(5, ['b', 0, NONE], ['a', 1, UNKNOWN_TOPIC_OR_PARTITION])] })
    asked.find(({ brokerId }) => brokerId === 3)!.lose()
    expect(await codes).to.deep.equal([
      LEADER_NOT_AVAILABLE, // b-1 has no leader
      NONE,
      NETWORK_EXCEPTION, // a-2
      NONE,
      NOT_LEADER_OR_FOLLOWER, // a-1: broker 2 does not know it, but we do
      NONE, // a-9 and the deleted topic need no marker
      NONE,
    ])
  })

  it('answers in this turn when no other broker has to be asked', () => {
    expect(routes().write(marker(5), [{ topic: 'a', partitionIds: [0] }])).to.deep.equal([NONE])
  })

  it('puts together what comes while an answer is out, and what comes in one turn', async () => {
    const all = routes()
    const to = (producerId: number) =>
      Promise.resolve(all.write(marker(producerId), [{ topic: 'a', partitionIds: [1] }]))
    const first = [to(1), to(2)]
    await turn()
    const then = [to(3), to(4)]
    await turn()
    expect(asked).to.have.lengthOf(1)
    asked[0]!.answer({ markers: [results(1, ['a', 1, NONE]), results(2, ['a', 1, NOT_LEADER_OR_FOLLOWER])] })
    expect(await Promise.all(first)).to.deep.equal([[NONE], [NOT_LEADER_OR_FOLLOWER]])
    await turn()
    expect(asked).to.have.lengthOf(2)
    asked[1]!.answer({ markers: [results(3, ['a', 1, NONE]), results(4, ['a', 1, ErrorCode.INVALID_PRODUCER_EPOCH])] })
    expect(await Promise.all(then), 'a later epoch needs no marker').to.deep.equal([[NONE], [NONE]])
  })

  it('closes its connections when a broker leaves, and at the end', async () => {
    const all = routes()
    void all.write(marker(1), [{ topic: 'a', partitionIds: [1, 2] }])
    leaders = {}
    all.brokersChanged()
    expect(closed).to.deep.equal([])
    all.close()
    expect(closed).to.have.members([2, 3])
  })
})

describe('cluster/transactions/coordinator-route', () => {
  const producer = { transactionalId: 'x', producerId: 1, producerEpoch: 0 }
  const partitions = [{ topic: 'a', partitionIds: [0, 1] }]
  const route = () => {
    const here = { addPartitions: () => ({ errorCode: NONE }), verifyPartitions: () => ({ errorCodes: [NONE, NONE] }) }
    return new CoordinatorRoute({ brokerId: 1 }, { here, image, open })
  }
  const result = (transactionalId: string, ...codes: number[]) => ({
    transactionalId,
    topicResults: [
      {
        name: 'a',
        resultsByPartition: codes.map((partitionErrorCode, partitionIndex) => ({ partitionIndex, partitionErrorCode })),
      },
    ],
  })
  const answer = (...resultsByTransaction: unknown[]) => ({ errorCode: NONE, resultsByTransaction })

  it('asks here when this broker coordinates', () => {
    leaders = { __transaction_state: [1] }
    expect(route().verifyPartitions({ ...producer, partitions })).to.deep.equal({ errorCodes: [NONE, NONE] })
    expect(route().addPartitions({ ...producer, partitions, transactionVersion: 2 })).to.deep.equal({ errorCode: NONE })
  })

  it('asks the coordinator, several producers in one request, one producer once per request', async () => {
    const all = route()
    const first = Promise.resolve(all.verifyPartitions({ ...producer, partitions }))
    const second = Promise.resolve(all.addPartitions({ ...producer, partitions, transactionVersion: 2 }))
    const other = Promise.resolve(all.verifyPartitions({ ...producer, transactionalId: 'y', partitions }))
    await turn()
    const topics = [{ name: 'a', partitions: [0, 1] }]
    expect(asked[0]!.value).to.deep.equal({
      transactions: [
        { ...producer, verifyOnly: true, topics },
        { ...producer, transactionalId: 'y', verifyOnly: true, topics },
      ],
    })
    asked[0]!.answer(answer(result('y', NONE, NONE), result('x', NONE, ErrorCode.TRANSACTION_ABORTABLE)))
    await turn()
    expect(asked[1]!.value).to.deep.equal({ transactions: [{ ...producer, verifyOnly: false, topics }] })
    asked[1]!.answer(answer(result('x', ErrorCode.OPERATION_NOT_ATTEMPTED, UNKNOWN_TOPIC_OR_PARTITION)))
    expect(await first).to.deep.equal({ errorCodes: [NONE, ErrorCode.TRANSACTION_ABORTABLE] })
    expect(await second).to.deep.equal({ errorCode: UNKNOWN_TOPIC_OR_PARTITION })
    expect(await other).to.deep.equal({ errorCodes: [NONE, NONE] })
  })

  it('says what keeps it from asking: no coordinator, or none that answers', async () => {
    const lost = Promise.resolve(route().verifyPartitions({ ...producer, partitions }))
    await turn()
    asked[0]!.lose()
    expect(await lost).to.deep.equal({ errorCodes: [NETWORK_EXCEPTION, NETWORK_EXCEPTION] })
    leaders = { __transaction_state: [-1] }
    const none = await route().verifyPartitions({ ...producer, partitions })
    expect(none.errorCodes).to.deep.equal([ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.COORDINATOR_NOT_AVAILABLE])
  })
})
