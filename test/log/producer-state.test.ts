import { expect } from 'chai'
import { addSequence, ProducerStates } from '../../lib/log/producer-state.js'
import { ErrorCode } from '../../protocol/errors.js'

const { NONE, OUT_OF_ORDER_SEQUENCE_NUMBER, DUPLICATE_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE } =
  ErrorCode
const MAX = 2147483647

describe('producer states', () => {
  let states: ProducerStates
  let offset: number
  beforeEach(() => {
    states = new ProducerStates({ expirationMs: 1000, maxProducers: 20 })
    offset = 0
  })
  const check = (epoch: number, sequence: number, count = 1, transactional = false) =>
    states.check(1, epoch, sequence, count - 1, transactional, true)
  const add = (epoch: number, sequence: number, count = 1, transactional = false, producerId = 1) => {
    states.record(producerId, epoch, sequence, offset, offset + count - 1, 100 + offset, transactional)
    offset += count
  }

  it('starts anywhere without state, then refuses gaps', () => {
    expect(check(0, 77)).to.equal(NONE)
    add(0, 77, 3)
    expect(check(0, 80)).to.equal(NONE)
    expect(check(0, 81)).to.equal(OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(check(0, 76)).to.equal(OUT_OF_ORDER_SEQUENCE_NUMBER)
  })

  it('knows exactly the last five batches again', () => {
    for (let i = 0; i < 6; i++) add(0, i * 2, 2)
    expect(check(0, 2, 2)).to.equal(DUPLICATE_SEQUENCE_NUMBER)
    expect(states.duplicate).to.include({ baseOffset: 2, lastOffset: 3, timestamp: 102 })
    expect(check(0, 10, 2)).to.equal(DUPLICATE_SEQUENCE_NUMBER)
    expect(check(0, 0, 2), 'the sixth').to.equal(OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(check(0, 10, 1), 'a part').to.equal(OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(check(0, 11, 4), 'an overlap').to.equal(OUT_OF_ORDER_SEQUENCE_NUMBER)
  })

  it('from transaction.version 2 on takes only markers that end what is open (KIP-1228)', () => {
    const marker = (producerEpoch: number, version: number) =>
      states.checkMarker({ producerId: 1, producerEpoch, coordinatorEpoch: 0, abort: false }, version)
    add(3, 0, 1, true)
    expect(marker(3, 1)).to.equal(NONE)
    expect(marker(3, 2), 'of the transaction before').to.equal(INVALID_PRODUCER_EPOCH)
    expect(marker(4, 2)).to.equal(NONE)
    states.recordMarker({ producerId: 1, producerEpoch: 4, coordinatorEpoch: 0, abort: false }, 1, 200)
    expect(marker(4, 2), 'sent again').to.equal(NONE)
    expect(marker(3, 2)).to.equal(INVALID_PRODUCER_EPOCH)
    expect(check(4, 0)).to.equal(NONE)
    expect(check(4, 1), 'the new epoch begins anew').to.equal(OUT_OF_ORDER_SEQUENCE_NUMBER)
  })

  it('takes no batch that overtakes one which waits for the coordinator', () => {
    states.withhold(1, 0, 3, 0)
    states.withhold(1, 0, 5, 0)
    expect(check(0, 5)).to.equal(OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(states.check(2, 0, 5, 0, true, true), 'somebody else').to.equal(NONE)
    expect(states.check(1, 0, 5, 0, true, false), 'a coordinator').to.equal(NONE)
    expect(check(0, 3)).to.equal(NONE)
    add(0, 3, 2, true)
    expect(check(0, 5, 1, true), 'once the first is there').to.equal(NONE)
    expect(check(0, 3, 2, true), 'sent again').to.equal(DUPLICATE_SEQUENCE_NUMBER)

    states.withhold(3, 0, 1, 0)
    states.withhold(3, 1, 4, 0)
    const third = (sequence: number) => states.check(3, 1, sequence, 0, true, true)
    expect(third(4), 'of a later epoch').to.equal(NONE)
    expect(third(5)).to.equal(OUT_OF_ORDER_SEQUENCE_NUMBER)
    states.expire(1000)
    expect(third(5), 'after its time').to.equal(NONE)
    states.withhold(3, 1, 1, 0)
    states.recordMarker({ producerId: 3, producerEpoch: 0, coordinatorEpoch: 0, abort: true }, offset, 0)
    expect(third(0), 'after the end').to.equal(NONE)
  })

  it('remembers no more of those that wait than it does producers', () => {
    for (let id = 1; id <= 21; id++) states.withhold(id, 0, 0, 0)
    expect(check(0, 1)).to.equal(NONE)
    expect(states.check(2, 0, 1, 0, true, true)).to.equal(OUT_OF_ORDER_SEQUENCE_NUMBER)
  })

  it('keeps no sequences of a coordinator’s batches', () => {
    states.record(1, 0, -1, 0, 4, 100, true)
    expect(states.get(1)!.batches).to.deep.equal([
      { baseSequence: -1, lastSequence: -1, baseOffset: 0, lastOffset: 4, timestamp: 100 },
    ])
    expect(check(0, 0)).to.equal(INVALID_TXN_STATE)
  })

  it('lets epochs jump forward at sequence 0, never back', () => {
    add(3, 5)
    expect(check(2, 6)).to.equal(INVALID_PRODUCER_EPOCH)
    expect(check(9, 6)).to.equal(OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(check(9, 0)).to.equal(NONE)
    add(9, 0)
    expect(check(3, 6)).to.equal(INVALID_PRODUCER_EPOCH)
    expect(check(9, 1)).to.equal(NONE)
  })

  it('wraps from the largest sequence to 0, also inside a batch', () => {
    expect(addSequence(MAX, 1)).to.equal(0)
    expect(addSequence(MAX - 1, 3)).to.equal(1)
    add(0, MAX)
    expect(check(0, 0)).to.equal(NONE)
    add(0, 0)
    states.clear()
    add(0, MAX - 1, 4)
    expect(check(0, 2)).to.equal(NONE)
    expect(check(0, MAX - 1, 4)).to.equal(DUPLICATE_SEQUENCE_NUMBER)
  })

  it('a marker bumps the epoch and empties the window', () => {
    add(0, 0, 2, true)
    expect(check(0, 2, 1, false)).to.equal(INVALID_TXN_STATE)
    const marker = { producerId: 1, producerEpoch: 1, coordinatorEpoch: 4, abort: true }
    expect(states.checkMarker(marker)).to.equal(NONE)
    expect(states.recordMarker(marker, 2, 500)).to.include({ firstOffset: 0, lastOffset: 2, lastStableOffset: 3 })
    expect(check(0, 2)).to.equal(INVALID_PRODUCER_EPOCH)
    expect(check(1, 3)).to.equal(OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(check(1, 0)).to.equal(NONE)
    expect(states.checkMarker({ ...marker, coordinatorEpoch: 3 })).to.equal(ErrorCode.TRANSACTION_COORDINATOR_FENCED)
    expect(states.recordMarker({ ...marker, coordinatorEpoch: 5 }, 3, 600), 'nothing was open').to.equal(null)
  })

  it('a coordinator has no sequences, but an epoch', () => {
    states.record(1, 2, -1, 0, 0, 100, true)
    expect(states.check(1, 2, -1, 0, true, false)).to.equal(NONE)
    expect(states.check(1, 1, -1, 0, true, false)).to.equal(INVALID_PRODUCER_EPOCH)
  })

  it('forgets silent producers, except those with a transaction open', () => {
    add(0, 0, 1, false, 1)
    add(0, 0, 1, true, 2)
    states.expire(1099)
    expect(states.size).to.equal(2)
    states.expire(1101)
    expect([states.get(1) === undefined, states.get(2) === undefined]).to.deep.equal([true, false])
  })

  it('keeps no more producers than it may, the longest silent go first', () => {
    add(0, 0, 1, true, 1)
    for (let id = 2; id <= 40; id++) add(0, 0, 1, false, id)
    expect(states.size).to.be.at.most(20)
    expect(states.get(1), 'open').to.not.equal(undefined)
    expect(states.get(40)).to.not.equal(undefined)
    expect(states.get(2)).to.equal(undefined)
  })
})

describe('open transactions', () => {
  it('stay unstable until the marker is below the high watermark', () => {
    const { transactions } = new ProducerStates({ expirationMs: 1, maxProducers: 10 })
    expect(transactions.firstUnstableOffset).to.equal(null)
    transactions.open(1, 10)
    transactions.open(2, 12)
    transactions.open(1, 14)
    expect(transactions.firstUnstableOffset).to.equal(10)
    expect(transactions.end(1, 20)).to.include({ firstOffset: 10, lastStableOffset: 12 })
    expect(transactions.firstUnstableOffset).to.equal(10)
    transactions.onHighWatermark(20)
    expect(transactions.firstUnstableOffset).to.equal(10)
    transactions.onHighWatermark(21)
    expect(transactions.firstUnstableOffset).to.equal(12)
    transactions.end(2, 21)
    transactions.onHighWatermark(22)
    expect(transactions.firstUnstableOffset).to.equal(null)
  })
})
