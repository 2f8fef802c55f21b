import { expect } from 'chai'
import { ReplicationThrottle } from '../../../lib/broker/partition/replication-throttle.js'
import type { Peer } from '../../../lib/cluster/peer.js'
import { Fetchers } from '../../../lib/cluster/replication/fetchers.js'
import { silentLogger } from '../../../lib/host/logger.js'
import { deltaBetween } from '../../../lib/metadata/delta.js'
import { emptyImage } from '../../../lib/metadata/image.js'
import { RateLimit } from '../../../lib/metrics/rate-limit.js'
import { ReplicaBroker } from '../../support/replica-broker.js'

describe('cluster/replication/fetchers', () => {
  it('follow nobody once they are closed, whatever the metadata says: the logs are being closed, too', () => {
    const broker = new ReplicaBroker()
    broker.createTopic('t', { replicas: [2, 1] })
    const { clock, image } = broker
    const delta = deltaBetween(emptyImage('c'), image, 1)
    expect(delta.followed).to.have.length(1)
    const asked: number[] = []
    const fetchers = () =>
      new Fetchers(
        {
          brokerId: 1,
          settings: { maxWaitMs: 500, minBytes: 1, responseMaxBytes: 1000, partitionMaxBytes: 1000, backoffMs: 100 },
        },
        {
          clock,
          logger: silentLogger,
          peer: (brokerId) => {
            asked.push(brokerId)
            return { request: () => new Promise(() => {}), close() {} } as unknown as Peer
          },
          nudge() {},
          find: (topicId, partition) => broker.replicas.findById(topicId, partition),
          brokerEpoch: () => 1,
          throttle: new ReplicationThrottle(new RateLimit({ windows: 1, windowMs: 1000 }, clock)),
          flushPending() {},
          noteLogStart: async () => {},
        },
      )
    const open = fetchers()
    open.apply(delta)
    expect(asked).to.deep.equal([2])
    open.close()
    open.apply(delta)
    expect(asked).to.deep.equal([2])
  })
})
