import { expect } from 'chai'
import type { Partition } from '../../../lib/broker/partition/partition.js'
import type { Peer } from '../../../lib/cluster/peer.js'
import { ReplicaFetcher } from '../../../lib/cluster/replication/fetcher.js'
import { silentLogger } from '../../../lib/host/logger.js'
import { VirtualClock } from '../../../lib/host/virtual-clock.js'

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('cluster/replication/fetcher', () => {
  it('claims nothing that could not be written: its leader would take that for an acknowledgement', async () => {
    const clock = new VirtualClock()
    const asked: number[] = []
    const request = (
      _message: unknown,
      _version: number,
      value: { topics: { partitions: { fetchOffset: number }[] }[] },
    ) => {
      for (const { partitions } of value.topics) for (const { fetchOffset } of partitions) asked.push(fetchOffset)
      return new Promise(() => {})
    }
    const log = {
      endOffset: 5,
      writtenOffset: 3,
      latestEpoch: 0,
      logStartOffset: 0,
      offline: false,
      whenWritten: async () => {},
    }
    const partition = {
      topic: 't',
      topicId: 'A'.repeat(22),
      partition: 0,
      leaderEpoch: 0,
      highWatermark: 0,
      isLeader: false,
      log,
    }
    const settings = { maxWaitMs: 500, minBytes: 1, responseMaxBytes: 1000, partitionMaxBytes: 1000, backoffMs: 100 }
    const fetcher = new ReplicaFetcher(
      { leaderId: 1, brokerId: 2, settings },
      {
        clock,
        logger: silentLogger,
        peer: { request, close() {} } as unknown as Peer,
        brokerEpoch: () => 1,
        flushPending() {},
        nudge() {},
      },
    )
    fetcher.add(partition as unknown as Partition)
    clock.step()
    await settled()
    expect(asked).to.deep.equal([])
    log.writtenOffset = 5
    clock.advance(200)
    await settled()
    fetcher.close()
    expect(asked).to.deep.equal([5])
  })
})
