import { expect } from 'chai'
import { transactionRecordCodec } from '../../../lib/broker/transaction/codec.js'
import type { ProducerIdReply } from '../../../lib/broker/transaction/commands.js'
import type { Transaction } from '../../../lib/broker/transaction/records.js'
import { ErrorCode } from '../../../protocol/errors.js'
import { MemoryShardLog } from '../group/memory-shard-log.js'
import { makeRig, partitionsOf, type Rig } from './rig.js'

const EPOCH_MAX = 0x7fff

function now<T>(answer: T | Promise<T>): T {
  if (answer instanceof Promise) throw new Error('the answer did not come in its own turn')
  return answer
}

function init(rig: Rig, expected: { producerId: number; producerEpoch: number } | null = null): ProducerIdReply {
  return now(rig.coordinator.initProducerId({ transactionalId: 'x', timeoutMs: 60_000, expected }))
}

function add(rig: Rig, who: { producerId: number; producerEpoch: number }, partitions = 'a-0,b-0'): ErrorCode {
  const command = { transactionalId: 'x', ...who, partitions: partitionsOf(partitions), transactionVersion: 2 }
  return now(rig.coordinator.addPartitions(command)).errorCode
}

function end(rig: Rig, who: { producerId: number; producerEpoch: number }, commit: boolean, transactionVersion = 2) {
  return now(rig.coordinator.endTransaction({ transactionalId: 'x', ...who, commit, transactionVersion }))
}

const currentOf = (rig: Rig): Transaction => rig.coordinator.machineOf(0)!.entries.get('x')!.value

/** The log as a crash after so many records leaves it. */
function prefix(log: MemoryShardLog, records: number): MemoryShardLog {
  const cut = new MemoryShardLog(log.leaderEpoch + 1)
  cut.append(
    log.records.slice(0, records).map(({ key, value }) => ({ key: key!, value })),
    0,
  )
  return cut
}

/** A log with one id in this state. */
function logWith(value: Partial<Transaction>): MemoryShardLog {
  const log = new MemoryShardLog(3)
  const transaction: Transaction = {
    producerId: 5,
    previousProducerId: 5,
    nextProducerId: -1,
    producerEpoch: 0,
    lastProducerEpoch: -1,
    timeoutMs: 60_000,
    state: 'Empty',
    partitions: [],
    startTimestamp: -1,
    lastUpdateTimestamp: 0,
    clientTransactionVersion: 2,
    ...value,
  }
  log.append([transactionRecordCodec.encode({ transactionalId: 'x', value: transaction, version: 1 })], 0)
  return log
}

describe('broker/transaction: recovery', () => {
  for (const commit of [true, false]) {
    for (const held of [true, false]) {
      it(`a crash at every step of ${commit ? 'a commit' : 'an abort'} ${held ? 'before' : 'after'} its markers ends in one or the other`, () => {
        const before = makeRig()
        const who = init(before)
        add(before, who, 'a-0')
        add(before, who)
        before.markers.held = held
        expect(end(before, who, commit).errorCode).to.equal(ErrorCode.NONE)
        const count = before.log.records.length
        expect(count, 'init, two adds, the decision, its completion').to.equal(held ? 4 : 5)
        for (let records = 0; records <= count; records++) {
          const rig = makeRig({}, prefix(before.log, records), 500)
          const decided = records >= 4
          const expected = commit ? 'CompleteCommit' : 'CompleteAbort'
          if (decided) expect(currentOf(rig).state, `${records} records`).to.equal(expected)
          // Without a decision the coordinator takes one when the time is up.
          rig.clock.advance(120_000)
          const outcome = decided ? expected : records >= 2 ? 'CompleteAbort' : records === 1 ? 'Empty' : undefined
          expect(rig.coordinator.machineOf(0)!.entries.get('x')?.value.state).to.equal(outcome)
          const ends = rig.markers.sent.map(({ marker }) => marker.commit)
          expect(ends).to.deep.equal(records === 4 ? [commit] : records === 2 || records === 3 ? [false] : [])
          for (const { marker } of rig.markers.sent) expect(marker.coordinatorEpoch).to.equal(8)
          expect(rig.crashes).to.deep.equal([])
          rig.coordinator.close()
        }
        before.coordinator.close()
      })
    }
  }

  it('writes the markers again that another coordinator may have written', () => {
    const ending = logWith({
      state: 'PrepareCommit',
      producerEpoch: 1,
      partitions: partitionsOf('a-0,a-1'),
      startTimestamp: 0,
    })
    const rig = makeRig({}, ending)
    expect(rig.markers.sent).to.have.length(1)
    expect(rig.markers.sent[0]!.marker).to.include({ commit: true, coordinatorEpoch: 3, producerEpoch: 1 })
    expect(currentOf(rig)).to.include({ state: 'CompleteCommit', producerEpoch: 1 })
  })

  it('sends no markers before what it has read is committed', () => {
    const log = logWith({ state: 'PrepareAbort', partitions: partitionsOf('a-0'), startTimestamp: 0 })
    log.highWatermark = 0
    const rig = makeRig({}, log)
    expect(rig.markers.sent).to.have.length(0)
    log.commit()
    expect(rig.markers.sent).to.have.length(1)
    expect(currentOf(rig).state).to.equal('CompleteAbort')
  })

  it('forgets who knew the epoch before: KIP-360 does not reach over a fail-over', () => {
    const rig = makeRig()
    const who = init(rig)
    expect(init(rig, who)).to.include({ errorCode: 0, producerEpoch: 1 })
    expect(init(rig, who)).to.include({ errorCode: 0, producerEpoch: 1 })
    rig.coordinator.unload(0)
    rig.coordinator.load(0, rig.log)
    expect(init(rig, who).errorCode).to.equal(ErrorCode.PRODUCER_FENCED)
  })

  it('needs no controller for producers that it knows', () => {
    const open = { state: 'Ongoing', startTimestamp: 0, partitions: partitionsOf('a-0') } as const
    const rig = makeRig({}, logWith(open))
    rig.controller.gone = true
    const who = { producerId: 5, producerEpoch: 0 }
    expect(end(rig, who, true)).to.deep.equal({ errorCode: 0, producerId: 5, producerEpoch: 1 })
    expect(init(rig)).to.deep.equal({ errorCode: 0, producerId: 5, producerEpoch: 2 })
  })

  it('does not take a record with a state that there is not', () => {
    const log = logWith({})
    const { key, value } = log.records[0]!
    const bad = Buffer.from(value!)
    bad.writeInt8(9, 2 + 8 + 2 + 4)
    log.append([{ key: key!, value: bad }], 0)
    const rig = makeRig({}, log)
    expect(rig.coordinator.machineOf(0)).to.equal(null)
  })
})

describe('broker/transaction: a log that refuses a record for now', () => {
  const initAs = (rig: Rig, transactionalId: string) =>
    now(rig.coordinator.initProducerId({ transactionalId, timeoutMs: 60_000, expected: null }))

  it('fails that command alone: KIP-360 is not forgotten for it', () => {
    const rig = makeRig()
    const who = init(rig)
    expect(init(rig, who)).to.include({ errorCode: 0, producerEpoch: 1 })
    rig.log.failNext.push(ErrorCode.NOT_ENOUGH_REPLICAS)
    expect(initAs(rig, 'y').errorCode).to.equal(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    expect(init(rig, who), 'the answer to the first was lost').to.include({ errorCode: 0, producerEpoch: 1 })
    expect(initAs(rig, 'y').errorCode).to.equal(ErrorCode.NONE)
  })

  it('does not write the markers again when the completion is refused', () => {
    const rig = makeRig()
    const who = init(rig)
    add(rig, who)
    rig.log.refuseAfter(1, ErrorCode.NOT_ENOUGH_REPLICAS)
    for (let i = 0; i < 3; i++) rig.log.failNext.push(ErrorCode.NOT_ENOUGH_REPLICAS)
    expect(end(rig, who, true)).to.include({ errorCode: 0, producerEpoch: 1 })
    expect(currentOf(rig).state).to.equal('PrepareCommit')
    rig.clock.advance(10_000)
    expect(currentOf(rig).state).to.equal('CompleteCommit')
    expect(rig.markers.sent.filter(({ partitions }) => partitions.length > 0)).to.have.length(1)
    expect(rig.crashes).to.deep.equal([])
  })

  it('aborts what is overdue at the next check, and sends the markers of what it could write', () => {
    const rig = makeRig({ abortIntervalMs: 1000 })
    for (const transactionalId of ['x', 'y']) {
      const { producerId, producerEpoch } = initAs(rig, transactionalId)
      const partitions = partitionsOf('a-0')
      now(
        rig.coordinator.addPartitions({
          transactionalId,
          producerId,
          producerEpoch,
          partitions,
          transactionVersion: 2,
        }),
      )
    }
    rig.log.maxBatchBytes = 200
    rig.log.refuseAfter(1, ErrorCode.NOT_ENOUGH_REPLICAS)
    rig.clock.advance(61_000)
    const stateOf = (id: string) => rig.coordinator.machineOf(0)!.entries.get(id)!.value.state
    expect([stateOf('x'), stateOf('y')]).to.deep.equal(['CompleteAbort', 'Ongoing'])
    rig.clock.advance(1000)
    expect([stateOf('x'), stateOf('y')]).to.deep.equal(['CompleteAbort', 'CompleteAbort'])
    expect(rig.markers.sent).to.have.length(2)
  })

  it('forgets unused ids at the next check', () => {
    const rig = makeRig({ expirationMs: 1000, expirationIntervalMs: 1000 })
    init(rig)
    rig.log.failNext.push(ErrorCode.NOT_ENOUGH_REPLICAS)
    rig.clock.advance(1000)
    expect(rig.coordinator.machineOf(0)!.entries.size).to.equal(1)
    rig.clock.advance(1000)
    expect(rig.coordinator.machineOf(0)!.entries.size).to.equal(0)
  })
})

describe('broker/transaction: epochs', () => {
  it('the last epoch of a producer id is used up at the end of a transaction: a new id follows', () => {
    const rig = makeRig({}, logWith({ producerEpoch: EPOCH_MAX - 1 }))
    const who = { producerId: 5, producerEpoch: EPOCH_MAX - 1 }
    expect(add(rig, who)).to.equal(ErrorCode.NONE)
    rig.markers.held = true
    expect(end(rig, who, true)).to.deep.equal({ errorCode: 0, producerId: 100, producerEpoch: 0 })
    expect(rig.markers.sent[0]!.marker).to.include({ producerId: 5, producerEpoch: EPOCH_MAX, commit: true })
    const next = { producerId: 100, producerEpoch: 0 }
    expect(add(rig, next), 'its markers are on their way').to.equal(ErrorCode.CONCURRENT_TRANSACTIONS)
    return Promise.resolve(rig.markers.release())
      .then(() => undefined)
      .then(() => undefined)
      .then(() => {
        expect(currentOf(rig)).to.include({ state: 'CompleteCommit', previousProducerId: 5, ...next })
        expect(end(rig, who, true), 'again').to.deep.equal({ errorCode: 0, ...next })
        expect(end(rig, who, false).errorCode, 'the other').to.equal(ErrorCode.INVALID_TXN_STATE)
        expect(add(rig, next)).to.equal(ErrorCode.NONE)
      })
  })

  it('and by InitProducerId; a retry with the old id goes on with the new one', () => {
    const rig = makeRig({}, logWith({ producerEpoch: EPOCH_MAX - 1 }))
    const old = { producerId: 5, producerEpoch: EPOCH_MAX - 1 }
    expect(init(rig, old)).to.include({ errorCode: 0, producerId: 100, producerEpoch: 0 })
    expect(init(rig, old)).to.include({ errorCode: 0, producerId: 100, producerEpoch: 0 })
    expect(init(rig)).to.include({ errorCode: 0, producerId: 100, producerEpoch: 1 })
  })

  it('there is always an epoch left to fence the last one with', () => {
    const open = { state: 'Ongoing', producerEpoch: EPOCH_MAX - 1, startTimestamp: 0 } as const
    const rig = makeRig({}, logWith({ ...open, partitions: partitionsOf('a-0') }))
    expect(init(rig).errorCode).to.equal(ErrorCode.CONCURRENT_TRANSACTIONS)
    expect(rig.markers.sent[0]!.marker).to.include({ producerEpoch: EPOCH_MAX, commit: false })
    expect(init(rig)).to.include({ errorCode: 0, producerId: 100, producerEpoch: 1 })
  })

  for (const finds of ['an abort', 'InitProducerId'] as const) {
    it(`nobody is given that one: a producer that was timed out with its last epoch finds a new id by ${finds}`, () => {
      const open = { state: 'Ongoing', producerEpoch: EPOCH_MAX - 1, startTimestamp: 0 } as const
      const rig = makeRig({}, logWith({ ...open, partitions: partitionsOf('a-0') }))
      const who = { producerId: 5, producerEpoch: EPOCH_MAX - 1 }
      rig.clock.advance(120_000)
      expect(rig.markers.sent[0]!.marker).to.include({ producerId: 5, producerEpoch: EPOCH_MAX, commit: false })
      const next = { producerId: 100, producerEpoch: 0 }
      expect(finds === 'an abort' ? end(rig, who, false) : init(rig, who)).to.deep.equal({ errorCode: 0, ...next })
      expect(add(rig, next)).to.equal(ErrorCode.NONE)
      expect(end(rig, next, true)).to.include({ errorCode: 0, producerEpoch: 1 })
      expect(rig.crashes).to.deep.equal([])
    })
  }

  it('an end of version 0 bumps nothing', () => {
    const rig = makeRig()
    const who = init(rig)
    add(rig, who)
    expect(end(rig, who, true, 0)).to.deep.equal({ errorCode: 0, producerId: 100, producerEpoch: 0 })
    expect(rig.markers.sent[0]!.marker).to.include({ producerEpoch: 0, transactionVersion: 0 })
  })

  it('takes no more partitions than leave room for the end of the transaction', () => {
    let taken = 0
    for (let maxBatchBytes = 180; maxBatchBytes < 260; maxBatchBytes++) {
      const rig = makeRig({}, logWith({ producerEpoch: EPOCH_MAX - 1, clientTransactionVersion: 0 }))
      rig.log.maxBatchBytes = maxBatchBytes
      const partitions = partitionsOf(`${'t'.repeat(40)}-0`)
      const producer = { transactionalId: 'x', producerId: 5, producerEpoch: EPOCH_MAX - 1 }
      const { errorCode } = now(rig.coordinator.addPartitions({ ...producer, partitions, transactionVersion: 0 }))
      if (errorCode !== ErrorCode.NONE) continue
      taken++
      rig.clock.advance(120_000)
      expect(rig.coordinator.machineOf(0)?.entries.get('x')?.value.state, `${maxBatchBytes}`).to.equal('CompleteAbort')
    }
    expect(taken).to.be.within(1, 79)
  })

  it('says so when a transaction has more partitions than a record can hold, and goes on without them', () => {
    const rig = makeRig()
    const who = init(rig)
    add(rig, who, 'a-0')
    rig.log.maxBatchBytes = 300
    const many = Array.from({ length: 200 }, (_, i) => `b-${i}`).join(',')
    expect(add(rig, who, many)).to.equal(ErrorCode.UNKNOWN_SERVER_ERROR)
    expect(currentOf(rig).partitions).to.deep.equal(partitionsOf('a-0'))
    expect(end(rig, who, true).errorCode).to.equal(ErrorCode.NONE)
    expect(rig.crashes).to.deep.equal([])
  })
})
