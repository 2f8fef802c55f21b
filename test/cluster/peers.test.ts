import { expect } from 'chai'
import { Peers } from '../../lib/cluster/peers.js'
import { MemoryNetwork } from '../../lib/host/memory-network.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { emptyImage, type Image } from '../../lib/metadata/image.js'
import { ApiVersions, InitProducerId } from '../../protocol/index.js'
import { VirtualCluster } from '../support/virtual-cluster.js'

describe('cluster/peers', () => {
  it('makes no connection once it is closed, whoever asks again', async () => {
    let connections = 0
    const network = {
      listen: () => Promise.reject(new Error('not here')),
      connect: () => {
        connections++
        return Promise.reject(new Error('nobody there'))
      },
    }
    const endpoints = new Map([['CONTROLLER', { host: 'h', port: 1, securityProtocol: 'PLAINTEXT' }]])
    const image = { ...emptyImage('c'), brokers: new Map([[1, { endpoints }]]) } as unknown as Image
    const peers = new Peers(
      { brokerId: 2, requestTimeoutMs: 1000 },
      { clock: new VirtualClock(), network, image: () => image },
    )
    const ask = (kind: 'short' | 'forwarded') =>
      peers
        .to(1, kind)
        .request(ApiVersions, 3, {})
        .catch((error: Error) => error.name)
    expect(await ask('short')).to.equal('PeerLost')
    expect(connections).to.equal(1)
    peers.close()
    expect(await Promise.all([ask('short'), ask('forwarded')])).to.deep.equal(['PeerLost', 'PeerLost'])
    expect(connections).to.equal(1)
  })

  it('an answer that cannot be read is none, and the connection is given up: who asks on gets another one', async () => {
    const clock = new VirtualClock()
    const network = new MemoryNetwork({}, { clock })
    let connections = 0
    await network.listen({ host: '127.0.0.1', port: 7 }, (stream) => {
      connections++
      stream.attach({
        onData: () => stream.write([Buffer.from([0, 0, 0, 6, 0, 0, 0, 1, 0, 0])]),
        onEnd: () => stream.destroy(),
        onClose() {},
        onDrain() {},
      })
    })
    const endpoints = new Map([['CONTROLLER', { host: '127.0.0.1', port: 7, securityProtocol: 'PLAINTEXT' }]])
    const image = { ...emptyImage('c'), brokers: new Map([[1, { endpoints }]]) } as unknown as Image
    const peers = new Peers({ brokerId: 2, requestTimeoutMs: 1000 }, { clock, network, image: () => image })
    for (const count of [1, 2]) {
      const asked = peers
        .to(1, 'short')
        .request(ApiVersions, 3, {})
        .catch((error: Error) => `${error.name}: ${error.message}`)
      await clock.advanceAsync(10)
      expect(await asked).to.match(/^PeerLost: broker 1 does not answer: its answer cannot be read: /)
      expect(connections).to.equal(count)
    }
    peers.close()
  })

  it('a broker that is closed while it asks the controller does not ask on', async () => {
    const cluster = await VirtualCluster.start({ brokerIds: [1, 2] })
    await cluster.pass(1000)
    cluster.cut(1, 2)
    const init = { transactionalId: null, transactionTimeoutMs: 1000, producerId: -1n, producerEpoch: -1 }
    cluster.send(2, InitProducerId, 4, init as never).catch(() => {})
    await cluster.pass(100)
    await cluster.stopBroker(2)
    cluster.heal()
    await cluster.pass(5000)
    expect(cluster.node(1).image.nextProducerId).to.equal(0)
    await cluster.close()
  })
})
