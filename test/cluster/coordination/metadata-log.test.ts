import { expect } from 'chai'
import { EmbeddedCoordination } from '../../../lib/cluster/coordination/embedded.js'
import { JournalError } from '../../../lib/cluster/coordination/journal.js'
import { MetadataLog } from '../../../lib/cluster/coordination/metadata-log.js'
import { snapshotName } from '../../../lib/cluster/coordination/metadata-snapshot.js'
import { silentLogger } from '../../../lib/host/logger.js'
import { MemoryDisk } from '../../../lib/host/memory-disk.js'
import { VirtualClock } from '../../../lib/host/virtual-clock.js'
import type { MetadataRecord } from '../../../lib/metadata/records.js'
import { buildBatch } from '../../../protocol/batch/builder.js'
import { ErrorCode } from '../../../protocol/errors.js'
import { coordinationContract, Follower, memberInfo, topicRecord } from '../../contracts/coordination.js'

const FOLDER = '__cluster_metadata-0'
const LOG = `${FOLDER}/00000000000000000000.log`

interface OpenOptions {
  snapshotAfterBytes?: number
  snapshotAfterMs?: number
  clock?: VirtualClock
}

function open(disk: MemoryDisk, options: OpenOptions = {}) {
  const { snapshotAfterBytes = 1 << 20, snapshotAfterMs = 0, clock = new VirtualClock() } = options
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (text: string) => void warnings.push(text) }
  const log = new MetadataLog({ directory: '/data', snapshotAfterBytes, snapshotAfterMs }, { disk, clock, logger })
  return { log, warnings }
}

async function follow(disk: MemoryDisk, options: OpenOptions = {}) {
  const { log } = open(disk, options)
  const hub = new EmbeddedCoordination({ clusterId: 'c' }, { journal: log })
  const member = hub.connect(1)
  const follower = new Follower()
  await member.start(follower)
  const { brokerEpoch } = await member.register(memberInfo(1))
  member.campaign()
  const append = (...records: MetadataRecord[]) => member.append(records, follower.lease!.controllerEpoch)
  return { log, hub, member, follower, brokerEpoch, append }
}

function topicWithId(name: string): MetadataRecord {
  return { ...topicRecord(name), topicId: Buffer.from(name.padEnd(16, '.')).toString('base64url') } as MetadataRecord
}

async function refusal(disk: MemoryDisk): Promise<JournalError> {
  const error = await open(disk)
    .log.load()
    .then(
      () => null,
      (thrown: unknown) => thrown,
    )
  expect(error).to.be.instanceOf(JournalError)
  return error as JournalError
}

function change(disk: MemoryDisk, path: string, edit: (bytes: Buffer) => Buffer): void {
  disk.writeFile(path, edit(disk.readFile(path)!))
}

coordinationContract('embedded, with a journal', async () => {
  const hub = new EmbeddedCoordination(
    { clusterId: 'c' },
    { journal: open(new MemoryDisk(), { snapshotAfterBytes: 100 }).log },
  )
  return { connect: (brokerId) => hub.connect(brokerId), close: async () => {} }
})

describe('cluster/coordination/metadata-log', () => {
  it('gives the next life every record in the same order, a higher controller epoch and a higher broker epoch', async () => {
    const disk = new MemoryDisk()
    const first = await follow(disk)
    await first.append(topicWithId('a'), topicWithId('b'))
    const last = await first.append(topicWithId('c'))
    expect(last).to.deep.equal({ errorCode: ErrorCode.NONE, offset: 2 })
    const second = await follow(disk)
    expect(second.follower.names).to.deep.equal(['a', 'b', 'c'])
    expect(second.follower.offset).to.equal(2)
    expect(second.follower.lease!.controllerEpoch).to.be.above(first.follower.lease!.controllerEpoch)
    expect(second.brokerEpoch).to.be.above(first.brokerEpoch)
    expect((await second.append(topicWithId('d'))).offset).to.equal(3)
  })

  it('keeps every kind of record as it was', async () => {
    const id = Buffer.from('0123456789abcdef').toString('base64url')
    const records: MetadataRecord[] = [
      {
        type: 'RegisterBrokerRecord',
        brokerId: 1,
        incarnationId: id,
        brokerEpoch: 7,
        endPoints: [{ name: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 0 }],
        features: [{ name: 'group.version', minSupportedVersion: 0, maxSupportedVersion: 1 }],
        rack: null,
        fenced: false,
        inControlledShutdown: true,
        logDirs: [id],
      },
      { type: 'FenceBrokerRecord', id: 1, epoch: 7 },
      { type: 'UnfenceBrokerRecord', id: 1, epoch: 7 },
      {
        type: 'BrokerRegistrationChangeRecord',
        brokerId: 1,
        brokerEpoch: 7,
        fenced: -1,
        inControlledShutdown: 1,
        logDirs: [id],
      },
      { type: 'UnregisterBrokerRecord', brokerId: 1, brokerEpoch: 7 },
      topicWithId('t'),
      {
        type: 'PartitionRecord',
        partitionId: 0,
        topicId: id,
        replicas: [1, 2],
        isr: [1],
        removingReplicas: [2],
        addingReplicas: [3],
        leader: 1,
        leaderEpoch: 4,
        partitionEpoch: 5,
        directories: [id, id],
        eligibleLeaderReplicas: [2],
        lastKnownElr: [3],
      },
      { type: 'PartitionChangeRecord', partitionId: 0, topicId: id, isr: [2], leader: -1 },
      { type: 'RemoveTopicRecord', topicId: id },
      { type: 'ConfigRecord', resourceType: 2, resourceName: 't', name: 'retention.ms', value: null },
      { type: 'FeatureLevelRecord', name: 'group.version', featureLevel: 1 },
      { type: 'ProducerIdsRecord', brokerId: 1, brokerEpoch: 7, nextProducerId: 2000 },
      { type: 'ClearElrRecord', topicName: '' },
      { type: 'NoOpRecord' },
    ]
    const disk = new MemoryDisk()
    await open(disk).log.append({ records, baseOffset: 0, controllerEpoch: 1 })
    const { batches } = await open(disk).log.load()
    const found = batches[0]!.records
    // The stored form has more fields, at their defaults.
    for (const [index, record] of records.entries()) expect(found[index]).to.deep.include(record)
    expect(found).to.have.length(records.length)
  })

  it('cuts a torn tail off, says so, and goes on behind the last whole batch', async () => {
    for (const lost of [1, 30, 80]) {
      const disk = new MemoryDisk()
      const first = await follow(disk)
      await first.append(topicWithId('a'))
      await first.append(topicWithId('b'))
      change(disk, LOG, (bytes) => bytes.subarray(0, bytes.length - lost))
      const { log, warnings } = open(disk)
      const { batches } = await log.load()
      expect(batches.map(({ baseOffset }) => baseOffset)).to.deep.equal([0])
      expect(warnings[0]).to.match(/^\/data\/__cluster_metadata-0\/0{20}\.log ended in \d+ bytes of a change/)
      expect((await follow(disk)).follower.names).to.deep.equal(['a'])
    }
  })

  it('refuses damage with a good batch behind it, naming file and position, and changes nothing', async () => {
    const disk = new MemoryDisk()
    const first = await follow(disk)
    await first.append(topicWithId('a'))
    const at = disk.readFile(LOG)!.length
    await first.append(topicWithId('b'))
    await first.append(topicWithId('c'))
    change(disk, LOG, (bytes) => {
      bytes[at + 70]! ^= 1
      return bytes
    })
    const before = disk.readFile(LOG)
    expect((await refusal(disk)).message).to.include(`${LOG} is damaged at byte ${at}`)
    expect(disk.readFile(LOG)).to.deep.equal(before)
  })

  it('refuses a gap', async () => {
    const disk = new MemoryDisk()
    const { log } = open(disk)
    await log.append({ records: [topicWithId('a')], baseOffset: 0, controllerEpoch: 1 })
    await log.append({ records: [topicWithId('b')], baseOffset: 5, controllerEpoch: 1 })
    expect((await refusal(disk)).message).to.include('offset 1 is missing')
  })

  it('refuses what a newer version has written', async () => {
    // Frame version 9; record type 99; version 9 of a TopicRecord.
    for (const value of [
      [9, 2, 0],
      [1, 99, 0],
      [1, 2, 9],
    ]) {
      const disk = new MemoryDisk()
      disk.writeFile(LOG, buildBatch([{ value: Buffer.from(value) }]))
      expect((await refusal(disk)).message).to.match(/holds at byte 0 what this version of Odradek cannot read/)
    }
  })

  it('replaces a long log by a snapshot, which stands for everything before it', async () => {
    const disk = new MemoryDisk()
    const first = await follow(disk, { snapshotAfterBytes: 300 })
    for (let index = 0; index < 20; index++) await first.append(topicWithId(`t${index}`))
    await first.append({ type: 'ProducerIdsRecord', brokerId: 1, brokerEpoch: 1, nextProducerId: 1000 })
    const names = disk.list(FOLDER)
    expect(names.filter((name) => name.endsWith('.checkpoint'))).to.have.length(1)
    expect(names.filter((name) => name.endsWith('.log')).length).to.be.below(2)
    const second = await follow(disk, { snapshotAfterBytes: 300 })
    expect(second.follower.names).to.have.members(Array.from({ length: 20 }, (_, index) => `t${index}`))
    expect(second.follower.offset).to.equal(20)
    expect((await second.append(topicWithId('more'))).offset).to.equal(21)
  })

  it('lets no change wait longer for its snapshot than metadata.log.max.snapshot.interval.ms', async () => {
    const disk = new MemoryDisk()
    const clock = new VirtualClock()
    const { log, hub, append } = await follow(disk, { snapshotAfterMs: 10_000, clock })
    const snapshots = async (): Promise<number> => {
      await hub.settled()
      return disk.list(FOLDER).filter((name) => name.endsWith('.checkpoint')).length
    }
    clock.advance(6000)
    await append(topicWithId('a'))
    clock.advance(3999)
    expect(await snapshots(), 'not yet').to.equal(0)
    clock.advance(1)
    expect(await snapshots(), 'ten seconds after the start').to.equal(1)
    const [taken] = disk.list(FOLDER)
    clock.advance(60_000)
    expect(await snapshots(), 'nothing new').to.equal(1)
    expect(disk.list(FOLDER)).to.deep.equal([taken])
    await append(topicWithId('b'))
    expect(await snapshots(), 'at once, as the last one is old').to.equal(1)
    expect(disk.list(FOLDER)).not.to.include(taken)
    await append(topicWithId('c'))
    await log.close()
    const end = disk.list(FOLDER)
    clock.advance(60_000)
    await hub.settled()
    expect(disk.list(FOLDER), 'closed').to.deep.equal(end)

    const later = new VirtualClock()
    const again = await follow(disk, { snapshotAfterMs: 10_000, clock: later })
    expect(again.follower.names).to.have.members(['a', 'b', 'c'])
    later.advance(10_000)
    await again.hub.settled()
    expect(disk.list(FOLDER), 'what the last process left').not.to.deep.equal(end)
    expect((await follow(disk)).follower.names).to.have.members(['a', 'b', 'c'])
  })

  it('finishes what a crash between a snapshot and the removal of its log left', async () => {
    const disk = new MemoryDisk()
    const { log } = open(disk)
    await log.append({ records: [topicWithId('a')], baseOffset: 0, controllerEpoch: 3 })
    const old = disk.readFile(LOG)!
    await log.snapshot([topicWithId('a')], 0, 3)
    await log.append({ records: [topicWithId('b')], baseOffset: 1, controllerEpoch: 3 })
    disk.writeFile(LOG, old)
    disk.writeFile(`${FOLDER}/${snapshotName(9, 9)}.part`, Buffer.from('half'))
    const { snapshot, batches, controllerEpoch } = await open(disk).log.load()
    expect(snapshot).to.deep.equal({ records: snapshot!.records, offset: 0 })
    expect(batches).to.have.length(1)
    expect(controllerEpoch).to.equal(3)
    expect(disk.list(FOLDER)).to.deep.equal(['00000000000000000001-0000000003.checkpoint', '00000000000000000001.log'])
  })

  it('refuses a damaged snapshot', async () => {
    const disk = new MemoryDisk()
    const { log } = open(disk)
    await log.append({ records: [topicWithId('a')], baseOffset: 0, controllerEpoch: 3 })
    await log.snapshot([topicWithId('a')], 0, 3)
    const path = `${FOLDER}/${snapshotName(1, 3)}`
    change(disk, path, (bytes) => bytes.subarray(0, bytes.length - 1))
    expect((await refusal(disk)).message).to.match(/checkpoint is damaged at byte \d+/)
  })

  it('refuses a change that the disk has no room for, and takes the next that it has', async () => {
    const disk = new MemoryDisk({ capacityBytes: 1000 })
    const { append, follower } = await follow(disk)
    await append(topicWithId('a'))
    const many = Array.from({ length: 100 }, (_, index) => topicWithId(`m${index}`))
    expect(await append(...many)).to.deep.equal({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, offset: -1 })
    expect((await append(topicWithId('b'))).offset).to.equal(1)
    expect(follower.names).to.deep.equal(['a', 'b'])
    expect((await follow(disk)).follower.names).to.deep.equal(['a', 'b'])
  })

  it('takes nothing more after a failed sync, and says so', async () => {
    const disk = new MemoryDisk()
    const { append, log } = await follow(disk)
    await append(topicWithId('a'))
    const file = (log as unknown as { file: { sync: () => Promise<void> } }).file
    file.sync = async () => {
      throw new Error('EIO')
    }
    expect((await append(topicWithId('b'))).errorCode).to.equal(ErrorCode.REQUEST_TIMED_OUT)
    expect((await append(topicWithId('c'))).errorCode).to.equal(ErrorCode.REQUEST_TIMED_OUT)
  })
})
