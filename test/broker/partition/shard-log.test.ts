import { expect } from 'chai'
import type { StoredRecord } from '../../../lib/broker/coordinator/contract.js'
import { PartitionShardLog } from '../../../lib/broker/partition/shard-log.js'
import { compress, prepareCodec } from '../../../lib/log/compression/index.js'
import { buildEndTxnMarker } from '../../../protocol/batch/control.js'
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
    const visit = ({ offset, key, value }: StoredRecord) =>
      void seen.push([offset, String(key), value === null ? null : String(value)])
    return { seen, done: log.read(visit) }
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

  it('reads it all back, without control batches and what lies below the log start', async () => {
    const log = new PartitionShardLog(broker.partition('t'))
    const now = broker.clock.now()
    log.append([record('a', '1'), record('b', null)], now)
    const marker = { type: 'commit', coordinatorEpoch: 0, producerId: 9, producerEpoch: 0, timestamp: now } as const
    broker.partition('t').appendAsCoordinator(buildEndTxnMarker(marker), 0, now)
    log.append([record('c', '3')], now)
    const { seen, done } = contents(log)
    expect(done).to.equal(undefined)
    expect(seen).to.deep.equal([
      [0, 'a', '1'],
      [1, 'b', null],
      [3, 'c', '3'],
    ])
    broker.configure('t', 'cleanup.policy', 'delete')
    broker.partition('t').deleteRecords(1)
    expect(contents(log).seen).to.deep.equal([
      [1, 'b', null],
      [3, 'c', '3'],
    ])
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
