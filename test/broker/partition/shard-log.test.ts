import { expect } from 'chai'
import type { ShardVisitor } from '../../../lib/broker/coordinator/contract.js'
import { PartitionShardLog } from '../../../lib/broker/partition/shard-log.js'
import { compress, prepareCodec } from '../../../lib/log/compression/index.js'
import * as header from '../../../protocol/batch/header.js'
import { ErrorCode } from '../../../protocol/errors.js'
import { batchOf, fetchNow, produceNow } from '../../support/produce-fetch.js'
import { ReplicaBroker } from '../../support/replica-broker.js'

describe('broker/partition/shard-log', () => {
  let broker: ReplicaBroker
  beforeEach(() => {
    broker = new ReplicaBroker()
    broker.createTopic('t', { configs: { 'cleanup.policy': 'compact' } })
  })
  const record = (key: string, value: string | null) => ({
    key: Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
  })
  const contents = (log: PartitionShardLog) => {
    const seen: unknown[] = []
    const visitor: ShardVisitor = {
      record({ offset, key, value, producer }) {
        const text = [offset, String(key), value === null ? null : String(value)]
        seen.push(producer === null ? text : [...text, producer])
      },
      marker: (marker) => void seen.push(marker),
    }
    return { seen, done: log.read(visitor) }
  }

  it('appends one batch and is told of the high watermark in the same turn', () => {
    const log = new PartitionShardLog(broker.partition('t'))
    const told: number[] = []
    const stop = log.onHighWatermark(() => told.push(log.highWatermark))
    const appended = log.append([record('a', '1'), record('b', null)], broker.clock.now())
    expect(appended).to.deep.equal({ errorCode: ErrorCode.NONE, lastOffset: 1 })
    expect(told).to.deep.equal([2])
    stop()
    log.append([record('a', '2')], broker.clock.now())
    expect(told).to.deep.equal([2])
    expect(log.endOffset).to.equal(3)
  })

  it('reads it all back, without what lies below the log start', () => {
    const log = new PartitionShardLog(broker.partition('t'))
    const now = broker.clock.now()
    log.append([record('a', '1'), record('b', null)], now)
    const marker = { producerId: 9, producerEpoch: 0, coordinatorEpoch: 0, commit: true }
    expect(log.appendMarker(marker, now)).to.deep.equal({ errorCode: ErrorCode.NONE, lastOffset: 2 })
    log.append([record('c', '3')], now)
    const { seen, done } = contents(log)
    expect(done).to.equal(undefined)
    expect(seen).to.deep.equal([[0, 'a', '1'], [1, 'b', null], marker, [3, 'c', '3']])
    broker.configure('t', 'cleanup.policy', 'delete')
    broker.partition('t').deleteRecords(1)
    expect(contents(log).seen).to.deep.equal([[1, 'b', null], marker, [3, 'c', '3']])
  })

  it('reads nothing that a cut is about to take away', async () => {
    broker.createTopic('moved', { replicas: [1, 2] })
    const partition = broker.partition('moved')
    new PartitionShardLog(partition).append([record('a', '1')], broker.clock.now())
    new PartitionShardLog(partition).append([record('b', '2')], broker.clock.now())
    broker.elect('moved', 0, 2)
    let goOn: () => void = () => {}
    const truncateTo = partition.log.truncateTo.bind(partition.log)
    partition.log.truncateTo = (offset) =>
      new Promise<void>((resolve) => (goOn = resolve)).then(() => truncateTo(offset))
    const cut = partition.truncateTo(1)
    broker.elect('moved', 0, 1)
    const { seen, done } = contents(new PartitionShardLog(partition))
    expect(seen).to.deep.equal([])
    goOn()
    await Promise.all([cut, done])
    expect(seen).to.deep.equal([[0, 'a', '1']])
  })

  it('writes transactional batches as Kafka does, shows whose they are, and fences', () => {
    const log = new PartitionShardLog(broker.partition('t'))
    const producer = { producerId: 7, producerEpoch: 3 }
    const now = broker.clock.now()
    log.append([record('a', '1'), record('b', '2')], now, producer)
    const stored = fetchNow(broker).records!
    expect(header.isTransactional(stored)).to.equal(true)
    expect(header.baseSequence(stored)).to.equal(-1)
    expect(broker.partition('t').lastStableOffset).to.equal(0)
    const abort = { ...producer, coordinatorEpoch: 5, commit: false }
    expect(log.appendMarker(abort, now)).to.deep.equal({ errorCode: ErrorCode.NONE, lastOffset: 2 })
    expect(broker.partition('t').lastStableOffset).to.equal(3)
    const refused = (errorCode: ErrorCode) => ({ errorCode, lastOffset: -1 })
    const older = { producerId: 7, producerEpoch: 2 }
    expect(log.append([record('a', '0')], now, older)).to.deep.equal(refused(ErrorCode.INVALID_PRODUCER_EPOCH))
    expect(log.appendMarker({ ...abort, ...older }, now)).to.deep.equal(refused(ErrorCode.INVALID_PRODUCER_EPOCH))
    expect(log.appendMarker({ ...abort, coordinatorEpoch: 4 }, now)).to.deep.equal(
      refused(ErrorCode.TRANSACTION_COORDINATOR_FENCED),
    )
    expect(contents(log).seen).to.deep.equal([[0, 'a', '1', producer], [1, 'b', '2', producer], abort])
  })

  it('reads compressed batches', async () => {
    await prepareCodec(4)
    for (const compression of [1, 4]) {
      produceNow(broker, batchOf(broker, [{ key: 'k', value: String(compression) }], { compression, compress }))
    }
    const { seen, done } = contents(new PartitionShardLog(broker.partition('t')))
    await done
    expect(seen).to.deep.equal([
      [0, 'k', '1'],
      [1, 'k', '4'],
    ])
  })

  it('fails in another leader epoch, and when a batch is too large', () => {
    const log = new PartitionShardLog(broker.partition('t'))
    const large = record('a', 'x'.repeat(log.maxBatchBytes))
    expect(log.append([large], 0)).to.deep.equal({ errorCode: ErrorCode.MESSAGE_TOO_LARGE, lastOffset: -1 })
    broker.elect('t', 0, 1)
    const lost = { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, lastOffset: -1 }
    expect(log.append([record('a', '1')], 0)).to.deep.equal(lost)
    broker.elect('t', 0, 2)
    expect(log.append([record('a', '1')], 0)).to.deep.equal(lost)
    expect(fetchNow(broker).highWatermark).to.equal(0)
  })
})
