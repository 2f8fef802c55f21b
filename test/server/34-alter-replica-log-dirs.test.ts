import { expect } from 'chai'
import { type Disk, DiskError } from '../../lib/host/disk.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { buildBatch } from '../../protocol/batch/builder.js'
import {
  AlterReplicaLogDirs,
  CreateTopics,
  DeleteRecords,
  DescribeLogDirs,
  ErrorCode,
  Fetch,
  Produce,
} from '../../protocol/index.js'
import { RunningNode } from '../support/running-node.js'

const start = (disks: ReadonlyMap<string, Disk>) =>
  RunningNode.start({ 'log.dirs': [...disks.keys()].join(',') }, { disks })

const value = (index: number): string => `${index}-`.padEnd(100, 'v')

async function produce(node: RunningNode, from: number, count: number, name = 't'): Promise<number> {
  let errorCode = 0
  for (let index = from; index < from + count && errorCode === 0; index++) {
    const topicData = [{ name, partitionData: [{ index: 0, records: buildBatch([{ value: value(index) }]) }] }]
    const { responses } = await node.client.send(Produce, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topicData,
    })
    errorCode = responses[0]!.partitionResponses[0]!.errorCode
  }
  return errorCode
}

async function move(node: RunningNode, path: string, name = 't', partition = 0): Promise<number> {
  const dirs = [{ path, topics: [{ name, partitions: [partition] }] }]
  const { results } = await node.client.send(AlterReplicaLogDirs, 2, { dirs })
  return results[0]!.partitions[0]!.errorCode
}

/** Per directory: its error, and the logs in it with their lag ('future' for copies). */
async function placed(node: RunningNode): Promise<Record<string, string>> {
  const { results } = await node.client.send(DescribeLogDirs, 4, { topics: null })
  const show = (one: { partitionIndex: number; isFutureKey: boolean; offsetLag: number }, name: string): string =>
    `${name}-${one.partitionIndex}${one.isFutureKey ? ` future ${one.offsetLag}` : ''}`
  return Object.fromEntries(
    results.map(({ logDir, errorCode, topics }) => [
      logDir,
      errorCode === 0
        ? topics.flatMap(({ name, partitions }) => partitions.map((one) => show(one, name))).join()
        : `error ${errorCode}`,
    ]),
  )
}

/** One answer has records of one segment. */
async function readSome(node: RunningNode, fetchOffset: number): Promise<string[]> {
  const partitions = [
    {
      partition: 0,
      currentLeaderEpoch: -1,
      fetchOffset,
      lastFetchedEpoch: -1,
      logStartOffset: -1,
      partitionMaxBytes: 1 << 20,
    },
  ]
  const { responses } = await node.client.send(Fetch, 11, {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1 << 20,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ topic: 't', partitions }],
    forgottenTopicsData: [],
    rackId: '',
  })
  expect(responses[0]!.partitions[0]!.errorCode).to.equal(0)
  return responses[0]!.partitions[0]!.records!.toString('latin1').match(/\d+-v+/g) ?? []
}

async function read(node: RunningNode, from = 0): Promise<string[]> {
  const all: string[] = []
  for (;;) {
    const some = await readSome(node, from + all.length)
    if (some.length === 0) return all
    all.push(...some)
  }
}

/** Lets the copy go on until it has arrived. */
async function arrival(node: RunningNode, text = 't-0 has moved'): Promise<void> {
  for (let turn = 0; turn < 1000; turn++) {
    if (node.lines.some((line) => line.text.includes(text))) return
    node.clock.advance(1)
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  throw new Error(`it never came to "${text}": ${JSON.stringify(node.lines)}`)
}

async function withTopic() {
  const disks = new Map([
    ['/a', new MemoryDisk()],
    ['/b', new MemoryDisk()],
  ])
  const node = await start(disks)
  await node.topic('t', { 'internal.segment.bytes': '1000' })
  expect(await produce(node, 0, 30)).to.equal(0)
  return { node, disks }
}

describe('server/34-alter-replica-log-dirs', () => {
  it('copies no faster than replica.alter.log.dirs.io.max.bytes.per.second, and goes on when that is lifted', async () => {
    const { node } = await withTopic()
    const rate = 'replica.alter.log.dirs.io.max.bytes.per.second'
    expect(await node.alterBroker(rate, '400', '1')).to.equal(0)
    expect(await move(node, '/b')).to.equal(0)
    const pass = async (ms: number): Promise<void> => {
      for (let elapsed = 0; elapsed < ms; elapsed += 10) {
        node.clock.advance(10)
        await new Promise<void>((resolve) => setImmediate(resolve))
      }
    }
    // About 5000 bytes in answers of one segment each.
    await pass(4000)
    expect((await placed(node))['/b']).to.match(/^t-0 future \d+$/)
    expect(await node.alterBroker(rate, null, '1')).to.equal(0)
    await pass(200)
    expect(await placed(node)).to.deep.equal({ '/a': '', '/b': 't-0' })
    await node.close()
  })

  it('moves a partition with all of its records while it takes more, and a restart finds it there', async () => {
    const { node, disks } = await withTopic()
    expect(await placed(node)).to.deep.equal({ '/a': 't-0', '/b': '' })
    expect(await move(node, '/b')).to.equal(0)
    expect((await placed(node))['/b']).to.match(/^t-0 future \d+$/)
    expect(await produce(node, 30, 5)).to.equal(0)
    await arrival(node)
    expect(await placed(node)).to.deep.equal({ '/a': '', '/b': 't-0' })
    expect(await produce(node, 35, 1)).to.equal(0)
    const all = Array.from({ length: 36 }, (_, index) => value(index))
    expect(await read(node)).to.deep.equal(all)
    expect(
      disks
        .get('/a')!
        .list('')
        .filter((name) => name.startsWith('t-0')),
    ).to.deep.equal([])
    expect(
      disks
        .get('/b')!
        .list('')
        .filter((name) => name.startsWith('t-0')),
    ).to.deep.equal(['t-0'])
    await node.close()

    const again = await start(disks)
    expect(await placed(again)).to.deep.equal({ '/a': '', '/b': 't-0' })
    expect(await read(again)).to.deep.equal(all)
    await again.close()
  })

  it('keeps what was deleted deleted', async () => {
    const { node } = await withTopic()
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, offset: 17 }] }]
    await node.client.send(DeleteRecords, 2, { topics, timeoutMs: 1000 })
    await move(node, '/b')
    await arrival(node)
    expect((await read(node, 17))[0]).to.equal(value(17))
    await expectOutOfRange(node, 16)
    await node.close()
  })

  it('is called off by naming the directory where the partition is, and leaves nothing', async () => {
    const { node, disks } = await withTopic()
    expect(await move(node, '/b')).to.equal(0)
    expect(await move(node, '/b')).to.equal(0)
    expect(await move(node, '/a')).to.equal(0)
    expect(await placed(node)).to.deep.equal({ '/a': 't-0', '/b': '' })
    for (let turn = 0; turn < 20; turn++) {
      node.clock.advance(1)
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    expect(
      disks
        .get('/b')!
        .list('')
        .filter((name) => name.startsWith('t-0')),
    ).to.deep.equal([])
    expect(await read(node)).to.have.length(30)
    await node.close()
  })

  it('moves a partition that is named twice once, to where it was named last', async () => {
    const { node } = await withTopic()
    const topics = [{ name: 't', partitions: [0, 0] }]
    const dirs = ['/b', '/nowhere', '/a'].map((path) => ({ path, topics }))
    const { results } = await node.client.send(AlterReplicaLogDirs, 2, { dirs })
    expect(results).to.deep.equal([{ topicName: 't', partitions: [{ partitionIndex: 0, errorCode: 0 }] }])
    expect(await placed(node)).to.deep.equal({ '/a': 't-0', '/b': '' })
    await node.close()
  })

  it('puts nothing new into cordoned directories (KIP-1066)', async () => {
    const { node } = await withTopic()
    const name = 'cordoned.log.dirs'
    const cordoned = async () => {
      const { results } = await node.client.send(DescribeLogDirs, 5, { topics: [] })
      return results.filter(({ isCordoned }) => isCordoned).map(({ logDir }) => logDir)
    }
    expect(await node.alterBroker(name, '/c', '1')).to.equal(ErrorCode.INVALID_REQUEST)
    expect(await node.alterBroker(name, '/b', '1')).to.equal(ErrorCode.NONE)
    expect(await cordoned()).to.deep.equal(['/b'])
    for (const topic of ['u', 'v']) await node.topic(topic)
    expect(await placed(node)).to.deep.equal({ '/a': 't-0,u-0,v-0', '/b': '' })
    expect(await move(node, '/b')).to.equal(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
    for (const all of ['*', '/a,/b']) {
      expect(await node.alterBroker(name, all, '1')).to.equal(ErrorCode.NONE)
      expect(await cordoned()).to.deep.equal(['/a', '/b'])
      const one = { name: 'w', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
      const { topics } = await node.client.send(CreateTopics, 7, { topics: [one], timeoutMs: 1000 })
      expect(topics[0]!.errorCode).to.equal(ErrorCode.INVALID_REPLICATION_FACTOR)
    }
    expect(await node.alterBroker(name, null, '1')).to.equal(ErrorCode.NONE)
    expect(await cordoned()).to.deep.equal([])
    await node.topic('w')
    expect((await placed(node))['/b']).to.equal('w-0')
    await node.close()
  })

  it('ends with a topic that is deleted', async () => {
    const { node, disks } = await withTopic()
    await move(node, '/b')
    await node.node.deleteTopic('t')
    for (const disk of disks.values()) expect(disk.list('').filter((name) => name.startsWith('t-0'))).to.deep.equal([])
    await node.close()
  })

  it('goes on after a crash in the middle', async () => {
    const { node, disks } = await withTopic()
    await move(node, '/b')
    expect(
      disks
        .get('/b')!
        .list('')
        .some((name) => name.endsWith('-future')),
    ).to.equal(true)
    // The process is gone; its successor finds the half of a copy.
    const again = await start(disks)
    await arrival(again)
    expect(await placed(again)).to.deep.equal({ '/a': '', '/b': 't-0' })
    expect(await read(again)).to.have.length(30)
    await again.close()
  })

  it('says why not', async () => {
    const { node } = await withTopic()
    expect(await move(node, '/c')).to.equal(ErrorCode.LOG_DIR_NOT_FOUND)
    expect(await move(node, '/b', 'absent')).to.equal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await move(node, '/b', 't', 5)).to.equal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await move(node, '/b', 'x'.repeat(240))).to.equal(ErrorCode.INVALID_TOPIC_EXCEPTION)
    await node.close()
  })
})

describe('server: a log directory that fails', () => {
  /** Two topics, one in each directory; then the second directory's appends fail. */
  async function failing(path: '/a' | '/b') {
    const { node, disks } = await withTopic()
    await node.topic('other', { 'internal.segment.bytes': '1000' })
    await produce(node, 0, 1, 'other')
    const disk = disks.get(path)!
    const { open } = disk
    disk.open = (...args) => {
      if (String(args[0]).endsWith('.log')) throw new DiskError('EIO', String(args[0]), 'The device is gone.')
      return open.apply(disk, args)
    }
    return { node, disks }
  }

  it('takes its partitions offline, is shown so, and the others go on', async () => {
    const { node } = await failing('/b')
    expect(await placed(node)).to.deep.equal({ '/a': 't-0', '/b': 'other-0' })
    expect(await produce(node, 1, 20, 'other')).to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(await placed(node)).to.deep.equal({ '/a': 't-0', '/b': `error ${ErrorCode.KAFKA_STORAGE_ERROR}` })
    expect(await produce(node, 30, 5)).to.equal(0)
    expect(await move(node, '/b')).to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
    await node.topic('new')
    expect((await placed(node))['/a']).to.equal('t-0,new-0')
    expect(node.node.failure).to.equal(null)
    await node.close()
  })

  it('stops the broker when it has the metadata', async () => {
    const { node } = await failing('/a')
    await produce(node, 30, 20).catch(() => {})
    node.clock.advance(10_000)
    expect(node.node.failure).to.equal("The cluster's metadata was in /a.")
    await node.close()
  })
})

async function expectOutOfRange(node: RunningNode, offset: number): Promise<void> {
  const failed = await read(node, offset).then(
    () => false,
    () => true,
  )
  expect(failed).to.equal(true)
}
