import { expect } from 'chai'
import { appendMarker } from '../../../lib/broker/partition/append-marker.js'
import type { Partition } from '../../../lib/broker/partition/partition.js'
import type { AddPartitionsReply, VerifyPartitionsReply } from '../../../lib/broker/transaction/commands.js'
import { ProduceGate } from '../../../lib/broker/transaction/produce-gate.js'
import { VirtualClock } from '../../../lib/host/virtual-clock.js'
import { ErrorCode } from '../../../protocol/errors.js'
import { batchOf, produceNow } from '../../support/produce-fetch.js'
import { ReplicaBroker } from '../../support/replica-broker.js'

describe('broker/transaction/produce-gate', () => {
  const clock = new VirtualClock({ startMs: 0 })
  const who = { producerId: 9, producerEpoch: 0 }
  let partition: Partition
  let broker: ReplicaBroker
  let added: AddPartitionsReply[] = []
  let answer: (reply: AddPartitionsReply) => void = () => {}
  let verified: VerifyPartitionsReply | Promise<VerifyPartitionsReply> = { errorCodes: [ErrorCode.NONE] }
  let verifies = true
  beforeEach(() => {
    broker = new ReplicaBroker()
    broker.createTopic('t')
    partition = broker.partition('t')
    added = []
    verifies = true
  })
  const gate = new ProduceGate(
    { verifies: () => verifies, retryBackoffMs: 20, retryMaxMs: 100 },
    {
      clock,
      coordinator: {
        addPartitions: () => added.shift() ?? new Promise((resolve) => (answer = resolve)),
        verifyPartitions: () => verified,
      },
    },
  )
  const admit = (requestVersion: number) =>
    gate.admit({ ...who, transactionalId: 'x', partitions: [partition], requestVersion })
  const marker = (producerEpoch = 0) => ({
    ...who,
    producerEpoch,
    coordinatorEpoch: 0,
    commit: true,
    transactionVersion: 0,
  })
  const turn = async () => {
    for (let i = 0; i < 10; i++) await Promise.resolve()
  }

  it('asks where nothing of the transaction is open, and older producers only when it may', () => {
    expect(gate.asks(partition, who, 9)).to.equal(true)
    verifies = false
    expect(gate.asks(partition, who, 9)).to.equal(false)
    expect(gate.asks(partition, who, 12)).to.equal(true)
    partition.log.append(batchOf(broker, ['x'], { ...who, transactional: true, baseSequence: 0 }), {
      origin: 'client',
      leaderEpoch: 0,
      now: broker.clock.now(),
    })
    expect(gate.asks(partition, who, 12)).to.equal(false)
    expect(gate.asks(partition, { ...who, producerEpoch: 1 }, 12)).to.equal(true)
  })

  it('knows a producer of the past by the marker of its successor, and does not let overtake what it asks for', () => {
    const sequences = { partitions: [partition], baseSequences: [3], requestVersion: 11 }
    expect(gate.isOutdated(partition, who, 11)).to.equal(false)
    verified = { errorCodes: [ErrorCode.NETWORK_EXCEPTION] }
    gate.admit({ ...who, transactionalId: 'x', ...sequences })
    const check = (sequence: number) => partition.log.producers.check(who.producerId, 0, sequence, 0, true, true)
    expect(check(4)).to.equal(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(check(3)).to.equal(ErrorCode.NONE)
    appendMarker(partition, marker(1), partition.leaderEpoch, 0)
    expect(gate.isOutdated(partition, who, 11)).to.equal(true)
    expect(gate.isOutdated(partition, { ...who, producerEpoch: 1 }, 11)).to.equal(false)
    verifies = false
    expect(gate.isOutdated(partition, who, 11), 'the log will say it').to.equal(false)
    expect(gate.isOutdated(partition, who, 12)).to.equal(true)
    verified = { errorCodes: [ErrorCode.NONE] }
  })

  it('answers in the same turn what the coordinator answers in the same turn, in words that the version knows', () => {
    const codes: [ErrorCode, number, ErrorCode][] = [
      [ErrorCode.NONE, 9, ErrorCode.NONE],
      [ErrorCode.PRODUCER_FENCED, 9, ErrorCode.INVALID_PRODUCER_EPOCH],
      [ErrorCode.TRANSACTION_ABORTABLE, 10, ErrorCode.INVALID_TXN_STATE],
      [ErrorCode.TRANSACTION_ABORTABLE, 11, ErrorCode.TRANSACTION_ABORTABLE],
      [ErrorCode.CONCURRENT_TRANSACTIONS, 11, ErrorCode.NOT_ENOUGH_REPLICAS],
      [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, 11, ErrorCode.NOT_ENOUGH_REPLICAS],
      [ErrorCode.NOT_COORDINATOR, 11, ErrorCode.NOT_ENOUGH_REPLICAS],
    ]
    for (const [code, version, told] of codes) {
      verified = { errorCodes: [code] }
      expect(admit(version)).to.deep.equal([told])
    }
  })

  it('tries again for a while when the last transaction is still ending', async () => {
    const again = { errorCode: ErrorCode.CONCURRENT_TRANSACTIONS }
    added = [again, again, { errorCode: ErrorCode.NONE }]
    const outcome = admit(12)
    await turn()
    clock.advance(20)
    await turn()
    clock.advance(20)
    expect(await outcome).to.deep.equal([ErrorCode.NONE])
    added = Array(10).fill(again)
    const refused = admit(12)
    for (let i = 0; i < 10; i++) {
      await turn()
      clock.advance(20)
    }
    expect(await refused).to.deep.equal([ErrorCode.NOT_ENOUGH_REPLICAS])
  })

  it('does not let begin what has ended while it waited', async () => {
    // With an epoch for each transaction the marker lies above it (KIP-890).
    const outcome = admit(12)
    appendMarker(partition, marker(1), partition.leaderEpoch, 0)
    answer({ errorCode: ErrorCode.NONE })
    expect(await outcome).to.deep.equal([ErrorCode.INVALID_TXN_STATE])
    const next = admit(12)
    answer({ errorCode: ErrorCode.NONE })
    expect(await next).to.deep.equal([ErrorCode.NONE])
    expect(produceNow(broker, batchOf(broker, ['plain'])).errorCode).to.equal(ErrorCode.NONE)
  })

  it('does not take the end of an older producer’s transaction for its beginning', async () => {
    let verify: (reply: VerifyPartitionsReply) => void = () => {}
    verified = new Promise((resolve) => (verify = resolve))
    const outcome = admit(11)
    appendMarker(partition, marker(0), partition.leaderEpoch, 0)
    verify({ errorCodes: [ErrorCode.NONE] })
    expect(await outcome).to.deep.equal([ErrorCode.INVALID_TXN_STATE])
  })

  it('nor that of any transaction once another broker leads, which brings all of them (make sim SEED=40684 PROFILE=cluster)', async () => {
    for (const retriableAsIs of [false, true]) {
      broker.elect('t', 0, 1)
      const batches = { ...who, transactionalId: 'x', partitions: [partition], requestVersion: 12 }
      const outcome = gate.admit({ ...batches, retriableAsIs })
      appendMarker(partition, marker(1), partition.leaderEpoch, 0)
      broker.elect('t', 0, 2)
      answer({ errorCode: ErrorCode.NONE })
      expect(await outcome).to.deep.equal([
        retriableAsIs ? ErrorCode.NOT_COORDINATOR : ErrorCode.NOT_LEADER_OR_FOLLOWER,
      ])
    }
  })

  it('is not disturbed by the marker of the transaction before, which comes late from another broker (KIP-890)', async () => {
    added = [{ errorCode: ErrorCode.CONCURRENT_TRANSACTIONS }]
    const outcome = admit(12)
    await turn()
    appendMarker(partition, marker(0), partition.leaderEpoch, 0)
    clock.advance(20)
    await turn()
    answer({ errorCode: ErrorCode.NONE })
    expect(await outcome).to.deep.equal([ErrorCode.NONE])
  })

  it('makes clients come again when the coordinator is a broker that does not answer', () => {
    verified = { errorCodes: [ErrorCode.NETWORK_EXCEPTION] }
    expect(admit(11)).to.deep.equal([ErrorCode.NOT_ENOUGH_REPLICAS])
    const batches = { ...who, transactionalId: 'x', partitions: [partition], requestVersion: 11 }
    expect(gate.admit({ ...batches, retriableAsIs: true })).to.deep.equal([ErrorCode.COORDINATOR_LOAD_IN_PROGRESS])
  })
})
