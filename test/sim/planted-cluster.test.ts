/** Faults planted in what makes several brokers one cluster. */
import { expect } from 'chai'
import { Partition } from '../../lib/broker/partition/partition.js'
import { Replicas } from '../../lib/broker/partition/replicas.js'
import { PartitionLog } from '../../lib/log/partition-log.js'
import { firstFailure, patched } from './planting.js'

describe('the simulator finds faults planted in a cluster', function () {
  this.timeout(60_000)

  it('a leader that acknowledges without its followers', async () => {
    const alone = (original: (offset: number, acks: number) => unknown) =>
      function (this: never, offset: number, acks: number): unknown {
        return original.call(this, offset, acks === -1 ? 1 : acks)
      }
    await patched(Partition.prototype, 'acknowledgement', alone as never, async () => {
      expect(await firstFailure(10, { profile: 'cluster' })).to.match(/was acknowledged|missing|was at offset/)
    })
  })

  it('a follower that does not cut its log', async () => {
    await patched(
      Partition.prototype,
      'truncateTo',
      () => async () => {},
      async () => {
        expect(await firstFailure(10, { profile: 'cluster' })).to.match(/All is over for a minute, but/)
      },
    )
  })

  it('a leader out of the cluster that still acknowledges', async () => {
    await patched(
      Replicas.prototype,
      'setStanding',
      () => () => {},
      async () => {
        expect(await firstFailure(20, { profile: 'cluster' })).to.match(
          /is out of the cluster since \d+ ms and says yes/,
        )
      },
    )
  })

  it('brokers that claim what is not synced', async () => {
    const accepted = () =>
      function (this: PartitionLog): number {
        return this.endOffset
      }
    await patched(PartitionLog.prototype, 'writtenOffset', accepted as never, async () => {
      expect(await firstFailure(80, { profile: 'cluster-power' })).to.match(
        /has nothing at offset|missing|went back|is at offset \d+, where/,
      )
    })
  })
})
