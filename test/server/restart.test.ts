/** A broker that keeps its data: what was acknowledged is there after a restart, clean or not. */
import { expect } from 'chai'
import type { Disk } from '../../lib/host/disk.js'
import { diskFault } from '../../lib/host/disk-path.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { buildBatch } from '../../protocol/batch/builder.js'
import {
  CreateTopics,
  DeleteRecords,
  DescribeConfigs,
  FindCoordinator,
  InitProducerId,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  Produce,
} from '../../protocol/index.js'
import { RunningNode } from '../support/running-node.js'

type Disks = ReadonlyMap<string, Disk>

const start = (disks: Disks) => RunningNode.start({ 'log.dirs': [...disks.keys()].join(',') }, { disks })

async function createTopic(node: RunningNode, name: string, numPartitions: number, configs: Record<string, string>) {
  const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
  const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: entries }
  const { topics } = await node.client.send(CreateTopics, 7, { topics: [topic], timeoutMs: 1000 })
  expect(topics[0]!.errorCode).to.equal(0)
}

async function produce(node: RunningNode, name: string, index: number, values: string[]): Promise<number> {
  const records = buildBatch(values.map((value) => ({ value })))
  const { responses } = await node.client.send(Produce, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name, partitionData: [{ index, records }] }],
  })
  const [answer] = responses[0]!.partitionResponses
  expect(answer!.errorCode).to.equal(0)
  return answer!.baseOffset
}

const endOffset = (node: RunningNode, name: string, partition: number) => offsetAt(node, name, partition, -1)
const startOffset = (node: RunningNode, name: string, partition: number) => offsetAt(node, name, partition, -2)

async function offsetAt(node: RunningNode, name: string, partitionIndex: number, timestamp: number): Promise<number> {
  const partitions = [{ partitionIndex, currentLeaderEpoch: -1, timestamp }]
  const { topics } = await node.client.send(ListOffsets, 7, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name, partitions }],
  })
  expect(topics[0]!.partitions[0]!.errorCode).to.equal(0)
  return topics[0]!.partitions[0]!.offset
}

async function commit(
  node: RunningNode,
  groupId: string,
  name: string,
  partitionIndex: number,
  committedOffset: number,
) {
  await node.client.send(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [groupId] })
  const partitions = [{ partitionIndex, committedOffset, committedLeaderEpoch: -1, committedMetadata: 'note' }]
  const { topics } = await node.client.send(OffsetCommit, 8, {
    groupId,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    groupInstanceId: null,
    topics: [{ name, partitions }],
  })
  expect(topics[0]!.partitions[0]!.errorCode).to.equal(0)
}

async function committed(node: RunningNode, groupId: string, name: string): Promise<[number, number][]> {
  const { groups } = await node.client.send(OffsetFetch, 8, {
    groups: [{ groupId, memberId: null, memberEpoch: -1, topics: null }],
    requireStable: false,
  })
  expect(groups[0]!.errorCode).to.equal(0)
  const topic = groups[0]!.topics.find((one) => one.name === name)
  return (topic?.partitions ?? []).map((one) => [one.partitionIndex, one.committedOffset])
}

async function topicsOf(node: RunningNode) {
  const { topics } = await node.client.send(Metadata, 12, { topics: null, allowAutoTopicCreation: false })
  const own = topics.filter((topic) => !topic.isInternal)
  return own.map(({ name, topicId, partitions }) => [name, topicId, partitions.length])
}

describe('restart', () => {
  for (const end of ['close', 'crash']) {
    it(`serves the same topics, configs, records and committed offsets after a ${end}`, async () => {
      const disks = new Map([['/data', new MemoryDisk()]])
      const first = await start(disks)
      await createTopic(first, 'kept', 2, { 'retention.ms': '1234567' })
      await createTopic(first, 'dropped', 1, {})
      expect(await produce(first, 'kept', 1, ['a', 'b'])).to.equal(0)
      await commit(first, 'group', 'kept', 1, 2)
      await first.node.deleteTopic('dropped')
      const topics = await topicsOf(first)
      const { producerId } = await first.client.send(InitProducerId, 4, {
        transactionalId: null,
        transactionTimeoutMs: 0,
      })
      // A process that is killed closes nothing; its disk is what it is.
      if (end === 'close') await first.close()

      const second = await start(disks)
      expect(second.node.clusterId).to.equal(first.node.clusterId)
      expect(await topicsOf(second)).to.deep.equal(topics)
      expect(await endOffset(second, 'kept', 1)).to.equal(2)
      expect(await produce(second, 'kept', 1, ['c'])).to.equal(2)
      expect(await committed(second, 'group', 'kept')).to.deep.equal([[1, 2]])
      const { results } = await second.client.send(DescribeConfigs, 4, {
        resources: [{ resourceType: 2, resourceName: 'kept', configurationKeys: ['retention.ms'] }],
      })
      expect(results[0]!.configs[0]!.value).to.equal('1234567')
      const next = await second.client.send(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 })
      expect(next.producerId).to.be.above(producerId)
      expect(second.lines.filter(({ level }) => level === 'error' || level === 'warn')).to.deep.equal([])
      await second.close()
    })
  }

  it('notes nothing about logs that it could not open: a start that fails changes nothing', async () => {
    const disk = new MemoryDisk()
    const disks = new Map<string, Disk>([['/data', disk]])
    const first = await start(disks)
    await createTopic(first, 'shortened', 1, {})
    await produce(first, 'shortened', 0, ['a', 'b', 'c'])
    const partitions = [{ partitionIndex: 0, offset: 2 }]
    await first.client.send(DeleteRecords, 2, { topics: [{ name: 'shortened', partitions }], timeoutMs: 1000 })

    const ill = new Proxy(disk, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          if (args[0] === 'log-start-offset-checkpoint' && name === 'readFile') throw diskFault('EIO', 'read', args[0])
          return value.apply(target, args)
        }
      },
    })
    const failure = await start(new Map([['/data', ill]])).catch((error: unknown) => error)
    expect(failure).to.be.an('error')
    expect(disk.exists('.kafka_cleanshutdown')).to.equal(false)

    const third = await start(disks)
    expect(await startOffset(third, 'shortened', 0)).to.equal(2)
    await third.close()
  })

  it('does not bring back deleted records after a crash', async () => {
    const disks = new Map([['/data', new MemoryDisk()]])
    const first = await start(disks)
    await createTopic(first, 'shortened', 1, {})
    await produce(first, 'shortened', 0, ['a', 'b', 'c'])
    const partitions = [{ partitionIndex: 0, offset: 2 }]
    const deleted = await first.client.send(DeleteRecords, 2, {
      topics: [{ name: 'shortened', partitions }],
      timeoutMs: 1000,
    })
    expect(deleted.topics[0]!.partitions[0]).to.include({ errorCode: 0, lowWatermark: 2 })

    const second = await start(disks)
    expect(await startOffset(second, 'shortened', 0)).to.equal(2)
    await second.close()
  })
})
