/** How long a broker takes to stop that the others do not answer. */
import { expect } from 'chai'
import { VirtualCluster } from '../support/virtual-cluster.js'

describe('server/leaving in order', () => {
  let cluster: VirtualCluster
  afterEach(() => {
    cluster.heal()
    return cluster.close()
  })

  async function msToStop(brokerId: number): Promise<number> {
    const { clock } = cluster
    const began = clock.monotonic()
    await cluster.whenDone(cluster.node(brokerId).close({ handOver: true }))
    return clock.monotonic() - began
  }

  it('takes no longer than it may, also when the controller does not answer', async () => {
    cluster = await VirtualCluster.start({ brokerIds: [1, 2] })
    cluster.cut(1, 2)
    expect(await msToStop(2)).to.be.within(4000, 7000)
  })

  it('is at once where the broker is not in the cluster: it leads nothing', async () => {
    cluster = await VirtualCluster.start({ brokerIds: [1, 2] })
    cluster.cut(1, 2)
    cluster.node(2).controller.onDoubt(true)
    expect(await msToStop(2)).to.be.below(1000)
  })
})
