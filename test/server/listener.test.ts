import { expect } from 'chai'
import { silentLogger } from '../../lib/host/logger.js'
import { type ListenOptions, type Network, NetworkError, type Stream } from '../../lib/host/network.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { Acceptor, type ConnectionLimits } from '../../lib/server/listener.js'
import type { ListenerSpec } from '../../lib/server/listeners.js'
import { NO_REPLY } from '../../lib/server/reply.js'
import { FakeStream } from '../support/fake-stream.js'

const spec: ListenerSpec = {
  name: 'PLAINTEXT',
  host: '127.0.0.1',
  port: 9092,
  securityProtocol: 'PLAINTEXT',
  advertised: null,
}

/** A network that only remembers: what was listened for, and how a stream comes in. */
class FakeNetwork implements Network {
  options: ListenOptions | null = null
  arrive: (stream: Stream) => void = () => {}
  closed = false

  async listen(options: ListenOptions, onStream: (stream: Stream) => void) {
    this.options = options
    this.arrive = onStream
    return {
      host: options.host,
      port: options.port,
      close: async () => {
        this.closed = true
      },
    }
  }

  connect(): never {
    throw new Error('nobody connects here')
  }
}

function setUp(changed: Partial<ConnectionLimits> = {}) {
  const network = new FakeNetwork()
  const clock = new VirtualClock()
  const warnings: string[] = []
  const limits: ConnectionLimits = {
    maxFrameBytes: 1000,
    maxConnections: () => 10,
    maxConnectionsPerAddress: () => 10,
    maxIdleMs: 50_000,
    maxHeldBytes: 1000,
    maxQueuedRequestBytes: -1,
    ...changed,
  }
  const acceptor = new Acceptor(limits, {
    network,
    clock,
    logger: { ...silentLogger, warn: (text) => void warnings.push(text) },
    dispatcher: { apiKeyOf: () => 0, dispatch: () => NO_REPLY },
    onReadDone: () => {},
  })
  return { network, clock, warnings, acceptor }
}

describe('server/listener', () => {
  it('listens with the backlog that is asked for', async () => {
    const plain = setUp()
    expect(await plain.acceptor.listen(spec, () => true)).to.include({ host: '127.0.0.1', port: 9092 })
    expect(plain.network.options).to.not.have.property('backlog')
    const set = setUp({ backlog: 7 })
    await set.acceptor.listen(spec, () => true)
    expect(set.network.options).to.include({ backlog: 7 })
  })

  it('turns away who comes before the broker serves', async () => {
    const { acceptor, network } = setUp()
    let serving = false
    await acceptor.listen(spec, () => serving)
    const early = new FakeStream()
    network.arrive(early)
    serving = true
    const later = new FakeStream()
    network.arrive(later)
    expect([early.destroyed, later.destroyed, acceptor.connections.size]).to.deep.equal([true, false, 1])
  })

  it('says that connections are refused, once in a thousand', () => {
    const { acceptor, warnings } = setUp({ maxConnections: () => 1 })
    acceptor.accept(new FakeStream(), spec)
    for (let i = 0; i < 1001; i++) acceptor.accept(new FakeStream(), spec)
    expect(acceptor.refusedConnections).to.equal(1001)
    expect(warnings).to.have.length(2)
    expect(warnings[0]).to.include('max.connections')
  })

  it('says that the system could not accept a connection', async () => {
    const { acceptor, network, warnings } = setUp()
    await acceptor.listen(spec, () => true)
    for (let i = 0; i < 10; i++)
      network.options!.onError!(new NetworkError('EMFILE', 'Cannot accept: too many open files'))
    expect(warnings).to.have.length(1)
    expect(warnings[0]).to.include('too many open files')
  })

  it('has a timer only while there are connections', () => {
    const { acceptor, clock } = setUp()
    expect(clock.pendingTimers).to.equal(0)
    const stream = new FakeStream()
    acceptor.accept(stream, spec)
    expect(clock.pendingTimers).to.equal(1)
    stream.destroy()
    expect([clock.pendingTimers, acceptor.connections.size]).to.deep.equal([0, 0])
  })

  it('hangs up on who is idle, a fifth of the time late at most', () => {
    const { acceptor, clock } = setUp()
    const stream = new FakeStream()
    acceptor.accept(stream, spec)
    clock.advance(50_000)
    expect(stream.ended).to.equal(false)
    stream.arrive(Buffer.from([0]))
    clock.advance(50_000)
    expect(stream.ended).to.equal(false)
    clock.advance(10_000)
    expect(stream.ended).to.equal(true)
  })

  it('closes: the ports first, then who does not go by himself', async () => {
    const { acceptor, clock, network } = setUp()
    await acceptor.listen(spec, () => true)
    const [polite, stubborn] = [new FakeStream(), new FakeStream()]
    for (const stream of [polite, stubborn]) network.arrive(stream)
    // It does not read what it is owed.
    stubborn.bufferedBytes = 1
    const closed = acceptor.close(500)
    expect([network.closed, polite.ended, stubborn.ended]).to.deep.equal([true, true, true])
    const late = new FakeStream()
    acceptor.accept(late, spec)
    expect(late.destroyed).to.equal(true)
    polite.destroy()
    clock.advance(499)
    expect(stubborn.destroyed).to.equal(false)
    clock.advance(1)
    await closed
    expect(stubborn.destroyed).to.equal(true)
    expect(clock.pendingTimers).to.equal(0)
  })
})
