import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Partition } from '../../../lib/broker/partition/partition.js'
import { FaultyDisk } from '../../../lib/faults/faulty-disk.js'
import { MemoryDisk } from '../../../lib/host/memory-disk.js'
import { NodeDisk } from '../../../lib/host/node-disk.js'
import { seededRandom } from '../../../lib/host/random-sources.js'
import { defaultLogConfig } from '../../../lib/log/config.js'
import { PartitionLog } from '../../../lib/log/partition-log.js'
import { ErrorCode, Fetch, ListOffsets, Produce } from '../../../protocol/index.js'
import {
  baseOffsets,
  batchOf,
  fetchAnswer,
  fetchNow,
  fetchRequest,
  produceAnswer,
  produceNow,
  produceRequest,
} from '../../support/produce-fetch.js'
import { ReplicaBroker } from '../../support/replica-broker.js'

describe('broker/partition on disks', () => {
  describe('that have to read', () => {
    let root: string
    let broker: ReplicaBroker
    beforeEach(() => {
      root = mkdtempSync(join(tmpdir(), 'odradek-replicas-'))
      broker = new ReplicaBroker({ disk: new NodeDisk({ root }), hotBytesMax: 0 })
      broker.createTopic('t')
    })
    afterEach(async () => {
      broker.replicas.close()
      await broker.logs.close()
      rmSync(root, { recursive: true })
    })
    const post = (acks: number, value = 'x') =>
      broker.send(Produce, 9, produceRequest(batchOf(broker, [value]), { acks }))

    it('acknowledges and shows nothing before it is written, everything in the turn in which it is', async () => {
      const waitingFetch = broker.send(Fetch, 12, fetchRequest(broker, { maxWaitMs: 500 }))
      const waiting = [post(1), post(-1)]
      expect(broker.partition('t').log.endOffset).to.equal(2)
      expect(broker.partition('t').highWatermark).to.equal(0)
      expect(fetchNow(broker).records).to.have.length(0)
      expect(broker.replicas.purgatories.produce.size).to.equal(2)
      // As the connection does after each socket read.
      broker.logs.flushPending()
      expect(broker.partition('t').highWatermark).to.equal(2)
      expect(broker.replicas.purgatories.produce.size).to.equal(0)
      expect(broker.replicas.purgatories.fetch.size).to.equal(0)
      for (const one of waiting) expect(produceAnswer(await one).errorCode).to.equal(ErrorCode.NONE)
      expect(baseOffsets(fetchAnswer(await waitingFetch).records)).to.deep.equal([0, 1])
    })

    it('acknowledges in the turn of the request when asked after the flush, without a waiter', () => {
      for (const acks of [1, -1]) {
        expect(produceNow(broker, batchOf(broker, ['x']), { acks }).errorCode).to.equal(ErrorCode.NONE)
      }
      expect(broker.partition('t').highWatermark).to.equal(2)
      expect(broker.replicas.purgatories.produce.size).to.equal(0)
    })

    it('does not need the flush: the turn’s end is enough', async () => {
      expect(produceAnswer(await post(-1)).errorCode).to.equal(ErrorCode.NONE)
    })

    it('reads what is no longer in memory, in the order of the request', async () => {
      broker.createTopic('u')
      for (let i = 0; i < 40; i++) {
        await post(1, 'v'.repeat(100_000))
        await broker.send(Produce, 9, produceRequest(batchOf(broker, ['w']), { acks: 1, topic: 'u' }))
      }
      const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 250_000 }]
      const topics = ['t', 'u', 't'].map((topic) => ({ topic, partitions }))
      const outcome = await broker.send(Fetch, 12, {
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes: 1e6,
        sessionEpoch: -1,
        topics,
      })
      if (typeof outcome === 'string') throw new Error(outcome)
      const offsets = outcome.responses.map((one) => baseOffsets(one.partitions[0]!.records))
      expect([offsets[0], offsets[1]!.length, offsets[2]]).to.deep.equal([[0, 1], 40, [0, 1]])
    })

    it('reads into the same memory again, once an answer has been sent', async () => {
      for (let i = 0; i < 30; i++) await post(1, String(i).padEnd(100_000, 'v'))
      const memories = new Set<ArrayBufferLike>()
      for (let offset = 0; offset < 20; offset++) {
        const answer = fetchAnswer(await broker.send(Fetch, 12, fetchRequest(broker, { fetchOffset: offset })))
        expect(String(answer.records)).to.include(String(offset).padEnd(1000, 'v'))
        memories.add(broker.lastPieces.find((piece) => piece.length > 50_000)!.buffer)
      }
      expect(memories.size).to.equal(1)
    })

    it('finds timestamps in what is no longer in memory', async () => {
      const start = broker.clock.now()
      for (let i = 0; i < 20; i++) {
        await post(1, 'v'.repeat(100_000))
        broker.clock.advance(10)
      }
      const partitions = [{ partitionIndex: 0, timestamp: start + 41 }]
      const outcome = await broker.send(ListOffsets, 7, { replicaId: -1, topics: [{ name: 't', partitions }] })
      if (typeof outcome === 'string') throw new Error(outcome)
      expect(outcome.topics[0]!.partitions[0]).to.include({ offset: 5, timestamp: start + 50 })
    })
  })

  describe('that fail', () => {
    it('in the write after the append: KAFKA_STORAGE_ERROR, in the same turn', () => {
      const root = mkdtempSync(join(tmpdir(), 'odradek-replicas-'))
      const disk = new FaultyDisk({ seed: 1 }, { disk: new NodeDisk({ root }) })
      const broker = new ReplicaBroker({ disk })
      broker.createTopic('t')
      const post = () => produceNow(broker, batchOf(broker, ['x'])).errorCode
      expect(post()).to.equal(ErrorCode.NONE)
      for (const code of ['ENOSPC', 'EIO'] as const) {
        disk.failNext('append', code)
        expect(post()).to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
      }
      expect(broker.partition('t').highWatermark).to.equal(1)
      rmSync(root, { recursive: true })
    })

    it('go offline by partition: appends, fetches and waiters get KAFKA_STORAGE_ERROR, other partitions go on', async () => {
      const disk = new FaultyDisk({ seed: 1 }, { disk: new MemoryDisk() })
      const broker = new ReplicaBroker({ disk })
      broker.createTopic('t', { partitions: 2 })
      produceNow(broker, batchOf(broker, ['x']))
      produceNow(broker, batchOf(broker, ['x']), { partition: 1 })
      const waiting = broker.send(Fetch, 12, fetchRequest(broker, { fetchOffset: 1, maxWaitMs: 500 }))
      disk.failNext('append', 'EIO')
      const refused = { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, baseOffset: -1, logStartOffset: -1 }
      expect(produceAnswer(await broker.send(Produce, 9, produceRequest(batchOf(broker, ['y']), {})))).to.include(
        refused,
      )
      expect(fetchAnswer(await waiting).errorCode).to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
      expect(produceNow(broker, batchOf(broker, ['y']))).to.include(refused)
      expect(fetchNow(broker).errorCode).to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
      broker.elect('t', 0, 1)
      expect(broker.partition('t').role.kind).to.equal('offline')
      expect(produceNow(broker, batchOf(broker, ['y']), { partition: 1 }).errorCode).to.equal(ErrorCode.NONE)
    })

    it('serve nothing of a log that could not be opened', async () => {
      const disk = new MemoryDisk()
      disk.makeFolder('t-0/00000000000000000000.log')
      const broker = new ReplicaBroker()
      broker.createTopic('t')
      const { role } = broker.partition('t')
      const options = { topic: 't', partition: 0, folder: 't-0', config: defaultLogConfig() }
      const log = await PartitionLog.open(options, { disk, clock: broker.clock, random: seededRandom(1) })
      const partition = new Partition(
        { brokerId: 1, topic: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition: 0, minInsyncReplicas: 1 },
        { log, onChange() {} },
        role.image,
      )
      partition.applyImage(role.image)
      expect(partition.role.kind).to.equal('offline')
      expect(partition.check(-1, true)).to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
      expect(partition.append(batchOf(broker, ['x']), 1, 0)).to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
    })

    it('answers produces that wait for the write', async () => {
      const root = mkdtempSync(join(tmpdir(), 'odradek-replicas-'))
      const disk = new FaultyDisk({ seed: 1 }, { disk: new NodeDisk({ root }) })
      const broker = new ReplicaBroker({ disk })
      broker.createTopic('t')
      const waiting = [1, -1].map((acks) => broker.send(Produce, 9, produceRequest(batchOf(broker, ['x']), { acks })))
      disk.failNext('append', 'EIO')
      broker.logs.flushPending()
      for (const one of waiting) expect(produceAnswer(await one).errorCode).to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
      await broker.logs.close()
      rmSync(root, { recursive: true })
    })
  })
})
