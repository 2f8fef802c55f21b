/** Compaction as a client sees it: topics of a whole broker, on a virtual clock. */
import { expect } from 'chai'
import { buildBatch } from '../../protocol/batch/builder.js'
import * as header from '../../protocol/batch/header.js'
import { decodeRecordSet } from '../../protocol/batch/legacy.js'
import { forEachBatch } from '../../protocol/batch/records.js'
import { ErrorCode, Fetch, ListOffsets, Produce } from '../../protocol/index.js'
import { RunningNode } from '../support/running-node.js'

const COMPACTED = { 'cleanup.policy': 'compact', 'segment.ms': '1000', 'min.cleanable.dirty.ratio': '0.01' }

describe('server/compaction', () => {
  let node: RunningNode
  afterEach(async () => {
    await node.close()
    expect(node.lines.filter(({ level }) => level === 'error')).to.deep.equal([])
    expect(node.clock.pendingTimers).to.equal(0)
  })

  async function put(topic: string, key: string | null, value: string | null): Promise<number> {
    const records = buildBatch([{ key, value, timestamp: node.clock.now() }])
    const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }]
    const { responses } = await node.client.send(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
    return responses[0]!.partitionResponses[0]!.errorCode
  }

  /** The records as `offset:key=value`. */
  async function all(topic: string): Promise<string[]> {
    const found: string[] = []
    let fetchOffset = await offset(topic, -2)
    // A fetch reads one segment.
    while (fetchOffset < (await offset(topic, -1))) {
      const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 }]
      const request = { replicaId: -1, maxWaitMs: 0, minBytes: 0, topics: [{ topic, partitions }] }
      const { responses } = await node.client.send(Fetch, 11, request)
      const records = responses[0]!.partitions[0]!.records!
      forEachBatch(records, (at) => {
        fetchOffset = header.lastOffset(records, at) + 1
      })
      found.push(...decodeRecordSet(records).map((one) => `${one.offset}:${one.key}=${one.value}`))
    }
    return found
  }

  async function offset(topic: string, timestamp: number): Promise<number> {
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }]
    const answer = await node.client.send(ListOffsets, 7, { replicaId: -1, topics })
    return answer.topics[0]!.partitions[0]!.offset
  }

  /** Lets the cleaner come by and finish. */
  async function clean(): Promise<void> {
    await node.clock.advanceAsync(16_000)
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  it('only the last value of every key is left, under its old offset; the active segment is not touched', async () => {
    node = await RunningNode.start()
    await node.topic('t', COMPACTED)
    for (const [key, value] of [
      ['a', '1'],
      ['b', '1'],
      ['a', '2'],
      ['c', '1'],
      ['b', '2'],
    ] as const) {
      expect(await put('t', key, value)).to.equal(0)
    }
    node.clock.advance(2000)
    await put('t', 'c', '2')
    await put('t', 'c', '3')
    await clean()
    expect(await all('t')).to.deep.equal(['2:a=2', '3:c=1', '4:b=2', '5:c=2', '6:c=3'])
    expect([await offset('t', -2), await offset('t', -1)]).to.deep.equal([0, 7])
  })

  it('a deleted key is told for delete.retention.ms, then nothing is left of it', async () => {
    node = await RunningNode.start()
    await node.topic('t', { ...COMPACTED, 'delete.retention.ms': '60000' })
    await put('t', 'a', '1')
    await put('t', 'a', null)
    node.clock.advance(2000)
    await put('t', 'x', '1')
    await clean()
    expect(await all('t')).to.deep.equal(['1:a=null', '2:x=1'])
    node.clock.advance(60_000)
    await put('t', 'x', '2')
    await clean()
    expect(await all('t')).to.deep.equal(['2:x=1', '3:x=2'])
  })

  it('compact,delete does both', async () => {
    node = await RunningNode.start({ 'log.retention.check.interval.ms': '1000' })
    await node.topic('t', { ...COMPACTED, 'cleanup.policy': 'compact,delete', 'retention.ms': '3600000' })
    await put('t', 'a', '1')
    await put('t', 'a', '2')
    node.clock.advance(2000)
    await put('t', 'b', '1')
    await clean()
    expect(await all('t')).to.deep.equal(['1:a=2', '2:b=1'])
    node.clock.advance(3_700_000)
    expect(await offset('t', -2)).to.equal(3)
  })

  it('nothing is compacted with log.cleaner.enable=false', async () => {
    node = await RunningNode.start({ 'log.cleaner.enable': 'false' })
    await node.topic('t', COMPACTED)
    await put('t', 'a', '1')
    await put('t', 'a', '2')
    node.clock.advance(2000)
    await put('t', 'b', '1')
    await clean()
    expect((await all('t')).length).to.equal(3)
  })

  it('takes a new log.cleaner.backoff.ms; refuses records without a key', async () => {
    node = await RunningNode.start()
    await node.topic('t', COMPACTED)
    expect(await put('t', null, '1')).to.equal(ErrorCode.INVALID_RECORD)
    expect(await node.alterBroker('log.cleaner.backoff.ms', '3600000')).to.equal(0)
    // The round that was on its way comes still.
    await clean()
    await put('t', 'a', '1')
    await put('t', 'a', '2')
    node.clock.advance(2000)
    await put('t', 'b', '1')
    await clean()
    expect((await all('t')).length).to.equal(3)
    node.clock.advance(3_600_000)
    await clean()
    expect((await all('t')).length).to.equal(2)
  })
})
