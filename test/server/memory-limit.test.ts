/** A broker whose records do not fit into its memory: nobody notices but the disk. */
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { FaultyDisk } from '../../lib/faults/faulty-disk.js'
import type { Disk, DiskFile } from '../../lib/host/disk.js'
import { silentLogger } from '../../lib/host/logger.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { openSpillFolder } from '../../lib/host/spill-folder.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { buildBatch } from '../../protocol/batch/builder.js'
import * as header from '../../protocol/batch/header.js'
import { decodeBatch } from '../../protocol/batch/records.js'
import {
  ApiVersions,
  CreateTopics,
  DeleteRecords,
  DeleteTopics,
  ErrorCode,
  Fetch,
  ListOffsets,
  Produce,
} from '../../protocol/index.js'
import { RunningNode, type RunningNodeExtras } from '../support/running-node.js'

const KB = 1024

/** The same object with another method. */
function replaced<T extends object>(object: T, name: keyof T, method: unknown): T {
  return new Proxy(object, {
    get(target, key) {
      const value: unknown = key === name ? method : Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

describe('server: records beyond the memory', () => {
  let parent: string
  let node: RunningNode
  beforeEach(() => {
    parent = fs.mkdtempSync(join(tmpdir(), 'odradek-test-memory-'))
  })
  afterEach(async () => {
    await node.close()
    expect(node.clock.pendingTimers).to.equal(0)
    expect(fs.readdirSync(parent)).to.deep.equal([])
    fs.rmSync(parent, { recursive: true })
  })

  async function start(extras: RunningNodeExtras = {}): Promise<void> {
    const openSpillTarget = () => openSpillFolder({ logger: silentLogger, clock: new VirtualClock() }, parent)
    node = await RunningNode.start({}, { memoryLimitBytes: 256 * KB, openSpillTarget, ...extras })
  }

  async function create(name: string, numPartitions: number): Promise<void> {
    const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }
    await node.client.send(CreateTopics, 7, { topics: [topic], timeoutMs: 1000 })
  }

  async function produce(index: number, records: Buffer) {
    const topicData = [{ name: 't', partitionData: [{ index, records }] }]
    const { responses } = await node.client.send(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
    return responses[0]!.partitionResponses[0]!
  }

  async function fetchFrom(partition: number, fetchOffset: number, partitionMaxBytes = 100 * KB) {
    const answer = await node.client.send(Fetch, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 50 * 1024 * KB,
      topics: [{ topic: 't', partitions: [{ partition, fetchOffset, partitionMaxBytes }] }],
    })
    const one = answer.responses[0]!.partitions[0]!
    const values: string[] = []
    let at = 0
    const bytes = one.records ?? Buffer.alloc(0)
    while (at < bytes.length) {
      for (const { offset, value } of decodeBatch(bytes, undefined, at)) {
        if (offset >= fetchOffset) values.push(String(value))
      }
      at += header.sizeInBytes(bytes, at)
    }
    return { errorCode: one.errorCode, values }
  }

  async function offsetAt(partition: number, timestamp: number): Promise<number> {
    const topics = [{ name: 't', partitions: [{ partitionIndex: partition, timestamp }] }]
    const answer = await node.client.send(ListOffsets, 7, { replicaId: -1, topics })
    return answer.topics[0]!.partitions[0]!.offset
  }

  /** Every record of a partition, read from `offset` on. */
  async function readAll(partition: number, offset = 0): Promise<string[]> {
    const all: string[] = []
    for (;;) {
      const { errorCode, values } = await fetchFrom(partition, offset + all.length)
      expect(errorCode).to.equal(ErrorCode.NONE)
      if (values.length === 0) return all
      all.push(...values)
    }
  }

  const wordAt = (partition: number, offset: number): string =>
    `${partition}/${offset}/`.padEnd(1 + ((offset * 7919) % 20_000), 'x')

  /** Batches of one to five records, small and large, one per millisecond. */
  async function fillUp(partitions: number, records: number): Promise<void> {
    for (let offset = 0, size = 1; offset < records; offset += size, size = (size % 5) + 1) {
      size = Math.min(size, records - offset)
      for (let partition = 0; partition < partitions; partition++) {
        const batch = Array.from({ length: size }, (_, i) => ({
          value: wordAt(partition, offset + i),
          timestamp: 1_000_000 + offset + i,
        }))
        expect(await produce(partition, buildBatch(batch))).to.include({ errorCode: 0, baseOffset: offset })
      }
    }
  }

  it('keeps everything readable, by offset and by time, while and after it moves', async () => {
    await start()
    await create('t', 3)
    const count = 200
    await fillUp(3, count)
    const [folder] = fs.readdirSync(parent)
    const moved = fs.readdirSync(join(parent, folder!)).map((name) => fs.statSync(join(parent, folder!, name)).size)
    expect(moved.reduce((sum, size) => sum + size, 0)).to.be.greaterThan(3_000_000)
    for (let partition = 0; partition < 3; partition++) {
      const expected = Array.from({ length: count }, (_, offset) => wordAt(partition, offset))
      expect(await readAll(partition)).to.deep.equal(expected)
      expect(await readAll(partition, 101)).to.deep.equal(expected.slice(101))
      for (const offset of [0, 1, 57, 150, 199]) expect(await offsetAt(partition, 1_000_000 + offset)).to.equal(offset)
    }
  })

  it('deletes records and topics that have moved, and the files with them', async () => {
    await start()
    await node.topic('t', { 'internal.segment.bytes': String(300 * KB) })
    await fillUp(1, 200)
    const files = (): number => fs.readdirSync(join(parent, fs.readdirSync(parent)[0]!)).length
    expect(files()).to.be.greaterThan(3)
    const before = files()
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, offset: 120 }] }]
    await node.client.send(DeleteRecords, 2, { topics, timeoutMs: 1000 })
    expect(files()).to.be.below(before)
    expect((await fetchFrom(0, 119)).errorCode).to.equal(ErrorCode.OFFSET_OUT_OF_RANGE)
    expect(await readAll(0, 120)).to.deep.equal(Array.from({ length: 80 }, (_, i) => wordAt(0, 120 + i)))
    await node.client.send(DeleteTopics, 5, { topicNames: ['t'], timeoutMs: 1000 })
    expect(files()).to.equal(0)
  })

  it('reads no further from a producer while the disk is behind, and goes on serving consumers', async () => {
    const disk = new MemoryDisk()
    let goOn = (): void => {}
    const gate = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const slowFile = (file: DiskFile): DiskFile =>
      replaced(file, 'appendAsync', async (pieces: readonly Buffer[]) => {
        await gate
        file.append(pieces)
      })
    const slow: Disk = replaced(disk, 'open', (path: string, options: { create?: boolean }) =>
      slowFile(disk.open(path, options)),
    )
    await start({ openSpillTarget: () => ({ disk: slow, name: 'a slow disk', close: async () => {} }) })
    await create('t', 1)
    const record = buildBatch([{ value: 'x'.repeat(50 * KB) }])
    let answered = 0
    const consumer = node.connect()
    const producing = (async () => {
      for (let i = 0; i < 20; i++) {
        expect((await produce(0, record)).errorCode).to.equal(0)
        answered += 1
      }
    })()
    for (let i = 0; i < 1000; i++) await null
    // Five quarters of the limit, and the request that went beyond.
    expect(answered).to.be.within(5, 8)
    const before = answered
    expect(
      (await consumer.send(ApiVersions, 3, { clientSoftwareName: 'c', clientSoftwareVersion: '1' })).errorCode,
    ).to.equal(0)
    for (let i = 0; i < 1000; i++) await null
    expect(answered).to.equal(before)
    goOn()
    await producing
    expect(answered).to.equal(20)
    consumer.destroy()
    expect(await readAll(0)).to.have.length(20)
  })

  it('serves on when the disk is full, refuses records only far beyond the limit, and recovers', async () => {
    const disk = new FaultyDisk({ seed: 1, spaceBytes: 100 }, { disk: new MemoryDisk() })
    await start({ openSpillTarget: () => ({ disk, name: 'a full disk', close: async () => {} }) })
    await create('t', 1)
    let written = 0
    let refused = null
    for (let i = 0; i < 100 && refused === null; i++) {
      const answer = await produce(0, buildBatch([{ value: 'x'.repeat(20 * KB) }]))
      if (answer.errorCode === 0) written += 1
      else refused = answer
    }
    expect(refused).to.include({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, baseOffset: -1 })
    expect(refused!.errorMessage).to.match(/cannot be moved to disk fast enough/)
    expect(written * 20).to.be.within(256, 600)
    expect(await readAll(0)).to.have.length(written)
    expect(node.lines.filter(({ level }) => level === 'error')).to.have.length(1)
    disk.armed = false
    node.clock.advance(1000)
    while ((await produce(0, buildBatch([{ value: 'again' }]))).errorCode !== 0) await null
    expect(await readAll(0)).to.have.length(written + 1)
  })
})
