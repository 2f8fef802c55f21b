import { Buffer } from 'node:buffer'
import { expect } from 'chai'
import { FaultyNetwork, type NetworkFaultPlan } from '../../lib/faults/faulty-network.js'
import { MemoryNetwork } from '../../lib/host/memory-network.js'
import { NodeNetwork } from '../../lib/host/node-network.js'
import { SystemClock } from '../../lib/host/system-clock.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { networkContract, Witness } from '../contracts/network.js'

const clock = new SystemClock()
networkContract('FaultyNetwork without faults', () => {
  return new FaultyNetwork({ seed: 1 }, { network: new MemoryNetwork({}, { clock }), clock })
})
networkContract('FaultyNetwork that splits and delays', () => {
  return new FaultyNetwork(
    { seed: 2, splitChance: 0.5, delayChance: 0.2, delayMaxMs: 2 },
    { network: new NodeNetwork(), clock },
  )
})

describe('FaultyNetwork', () => {
  const scene = async (plan: NetworkFaultPlan) => {
    const time = new VirtualClock()
    const network = new FaultyNetwork(plan, { network: new MemoryNetwork({}, { clock: time }), clock: time })
    network.armed = false
    let server!: Witness
    await network.listen({ host: '127.0.0.1', port: 9092 }, (stream) => (server = new Witness(stream)))
    const connecting = network.connect({ host: '127.0.0.1', port: 9092 })
    await time.advanceAsync(1)
    const client = new Witness(await connecting)
    network.armed = true
    return { time, network, client, server }
  }

  it('splits, and loses and repeats nothing', async () => {
    const { time, client, server } = await scene({ seed: 3, splitChance: 0.9, delayChance: 0.5 })
    const sizes: number[] = []
    server.onData = (view) => sizes.push(view.length)
    for (let word = 0; word < 50; word += 1) client.stream.write([Buffer.from(`word${word} `)])
    client.stream.end()
    await time.advanceAsync(10_000)
    expect(server.received.toString()).to.equal(Array.from({ length: 50 }, (_, word) => `word${word} `).join(''))
    expect(server.ended).to.equal(true)
    expect(Math.min(...sizes)).to.be.lessThan(4)
  })

  it('resets both ends', async () => {
    const { time, client, server } = await scene({ seed: 4, resetChance: 1 })
    client.stream.write([Buffer.from('x')])
    await time.advanceAsync(10)
    expect(client.error).to.have.property('code', 'ECONNRESET')
    expect(client.closes).to.equal(1)
    server.stream.destroy()
    await time.advanceAsync(10)
    expect(server.closed).to.equal(true)
  })

  it('nothing that is written after a reset arrives: a stream has no holes', async () => {
    const { time, network, client, server } = await scene({ seed: 4, resetChance: 1 })
    client.stream.write([Buffer.from('lost')])
    network.armed = false
    client.stream.write([Buffer.from('and what follows')])
    await time.advanceAsync(10)
    expect(server.received.toString()).to.equal('')
    expect(client.error).to.have.property('code', 'ECONNRESET')
  })

  it('a half-open connection is silent until its owner ends it', async () => {
    const { time, client, server } = await scene({ seed: 5, halfOpenChance: 1 })
    client.stream.write([Buffer.from('x')])
    await time.advanceAsync(100_000)
    expect([server.received.length, server.ended, server.closed]).to.deep.equal([0, false, false])
    server.stream.destroy()
    await time.advanceAsync(10)
    expect(server.closed).to.equal(true)
  })

  it('refuses', async () => {
    const { network } = await scene({ seed: 6, refuseChance: 1 })
    const error = await network.connect({ host: '127.0.0.1', port: 9092 }).catch((reason) => reason)
    expect(error.code).to.equal('ECONNREFUSED')
  })
})
