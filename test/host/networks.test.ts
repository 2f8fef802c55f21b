import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { createServer, connect as netConnect, type Socket } from 'node:net'
import { Duplex, duplexPair, PassThrough } from 'node:stream'
import { expect } from 'chai'
import { fromDuplex } from '../../lib/host/duplex-stream.js'
import { MemoryNetwork } from '../../lib/host/memory-network.js'
import type { Network, Stream } from '../../lib/host/network.js'
import { NodeNetwork } from '../../lib/host/node-network.js'
import { SystemClock } from '../../lib/host/system-clock.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { networkContract, Witness } from '../contracts/network.js'

networkContract('NodeNetwork', () => new NodeNetwork())
networkContract('NodeNetwork with data events', () => new NodeNetwork({ sharedReads: false }))
networkContract('MemoryNetwork', () => new MemoryNetwork({}, { clock: new SystemClock() }))
networkContract('MemoryNetwork with latency', () => new MemoryNetwork({ latencyMs: 2 }, { clock: new SystemClock() }))

/** Sockets of node:net through `fromDuplex`, as `broker.handle(duplex)` gets them. */
class DuplexNetwork implements Network {
  async listen(options: { host: string; port: number }, onStream: (stream: Stream) => void) {
    const inner = await new NodeNetwork().listen({ ...options, port: options.port }, () => {})
    await inner.close()
    const server = createServer({ allowHalfOpen: true }, (socket) => onStream(fromDuplex(socket, addresses(socket))))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(options.port === 0 ? inner.port : options.port, options.host, resolve)
    })
    return {
      host: options.host,
      port: inner.port,
      close: () =>
        new Promise<void>((resolve) => {
          if (server.listening) server.close()
          setImmediate(resolve)
        }),
    }
  }

  connect(options: { host: string; port: number }): Promise<Stream> {
    const network = new NodeNetwork({ sharedReads: false })
    return network.connect(options)
  }
}
const addresses = (socket: Socket) => ({
  remoteAddress: socket.remoteAddress!,
  remotePort: socket.remotePort!,
  localAddress: socket.localAddress!,
  localPort: socket.localPort!,
})
networkContract('A network of duplexes', () => new DuplexNetwork())

describe('NodeNetwork', () => {
  it('reads every connection into the same memory', async () => {
    const memories = new Set<ArrayBufferLike>()
    const network = new NodeNetwork()
    const server = await network.listen({ host: '127.0.0.1', port: 0 }, (stream) => {
      stream.attach({
        onData(view) {
          memories.add(view.buffer)
          stream.write([Buffer.from(view)])
        },
        onEnd: () => stream.end(),
        onClose() {},
        onDrain() {},
      })
    })
    const clients = await Promise.all(
      Array.from(
        { length: 20 },
        async () => new Witness(await network.connect({ host: 'localhost', port: server.port })),
      ),
    )
    for (const client of clients) client.stream.write([Buffer.from('x')])
    for (const client of clients) {
      await client.until(() => client.received.length === 1)
      client.stream.end()
      await client.until(() => client.closed)
    }
    expect(memories.size).to.equal(1)
    await server.close()
  })

  it('serves IPv6, and names IPv4 peers of a dual-stack listener plainly', async function () {
    const network = new NodeNetwork()
    const seen: string[] = []
    const server = await network
      .listen({ host: '', port: 0 }, (stream) => {
        seen.push(stream.remoteAddress)
        stream.destroy()
      })
      .catch(() => null)
    if (server === null) return this.skip()
    for (const host of server.host === '::' ? ['::1', '127.0.0.1'] : ['127.0.0.1']) {
      const client = new Witness(await network.connect({ host, port: server.port }))
      await client.until(() => client.ended || client.closed)
      client.stream.destroy()
      await client.until(() => client.closed)
    }
    expect(seen.at(-1)).to.equal('127.0.0.1')
    await server.close()
  })

  it('survives a thousand connects and closes, and leaves nothing open', async () => {
    const network = new NodeNetwork()
    let open = 0
    const server = await network.listen({ host: '127.0.0.1', port: 0 }, (stream) => {
      open += 1
      stream.attach({ onData() {}, onEnd: () => stream.destroy(), onClose: () => (open -= 1), onDrain() {} })
    })
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(
        Array.from({ length: 100 }, (_, index) => {
          return new Promise<void>((resolve) => {
            const socket = netConnect(server.port, '127.0.0.1', () => {
              if (index % 2 === 0) socket.resetAndDestroy()
              else socket.end('bye')
            })
            socket.on('error', () => {})
            socket.on('close', () => resolve())
            socket.resume()
          })
        }),
      )
    }
    await server.close()
    while (open > 0) await new Promise<void>((resolve) => setImmediate(resolve))
    expect(process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCP'))).to.deep.equal([])
  })
})

describe('fromDuplex', () => {
  it('never says that written memory is free: the other end may be in this process, with the same buffers', async () => {
    const [ours, theirs] = duplexPair()
    let sent = false
    const written = Buffer.from('abc')
    fromDuplex(ours).write([written], () => {
      sent = true
    })
    const [read] = (await once(theirs, 'data')) as [Buffer]
    await new Promise((resolve) => setImmediate(resolve))
    expect([read.buffer === written.buffer, sent]).to.deep.equal([true, false])
  })

  it('speaks over any duplex, strings too', async () => {
    const toUs = new PassThrough()
    const fromUs = new PassThrough()
    const witness = new Witness(fromDuplex(Duplex.from({ readable: toUs, writable: fromUs })))
    toUs.write('hello')
    await witness.until(() => witness.received.toString() === 'hello')
    witness.stream.write([Buffer.from('wor'), Buffer.from('ld')])
    expect((await new Promise<Buffer>((resolve) => fromUs.once('data', resolve))).toString()).to.match(/^wor/)
    toUs.end()
    await witness.until(() => witness.ended)
    witness.stream.end()
    fromUs.resume()
    await witness.until(() => witness.closed)
    expect(witness.stream.remoteAddress).to.equal('')
  })

  it('answers the other end of a pair after its write has returned, not from inside', async () => {
    const [ours, theirs] = duplexPair()
    const stream = fromDuplex(theirs)
    stream.attach({
      onData: (view) => void stream.write([Buffer.from(view)]),
      onEnd: () => {},
      onDrain: () => {},
      onClose: () => {},
    })
    const seen: string[] = []
    const answered = once(ours, 'data').then(([chunk]) => seen.push(String(chunk)))
    ours.write('one')
    seen.push('written')
    await answered
    expect(seen).to.deep.equal(['written', 'one'])
    ours.destroy()
    theirs.destroy()
  })
})

describe('MemoryNetwork', () => {
  const scene = async (latencyMs: number) => {
    const clock = new VirtualClock()
    const network = new MemoryNetwork({ latencyMs }, { clock })
    let accepted!: Witness
    const server = await network
      .at('b2')
      .listen({ host: 'b2', port: 9092 }, (stream) => (accepted = new Witness(stream)))
    const connecting = network.at('b1').connect({ host: 'b2', port: 9092 })
    await clock.advanceAsync(2 * latencyMs)
    return { clock, network, server, b1: new Witness(await connecting), b2: accepted }
  }

  it('takes its latency, to the millisecond, and keeps the order', async () => {
    const { clock, b1, b2 } = await scene(5)
    b1.stream.write([Buffer.from('a')])
    clock.advance(4)
    b1.stream.write([Buffer.from('b')])
    expect(b2.received.toString()).to.equal('')
    clock.advance(1)
    expect(b2.received.toString()).to.equal('a')
    clock.advance(4)
    expect(b2.received.toString()).to.equal('ab')
    expect(b2.stream.remoteAddress).to.equal('b1')
  })

  it('a cut makes bytes wait, a heal brings them', async () => {
    const { clock, network, b1, b2 } = await scene(1)
    network.cut('b1', 'b2', { oneWay: true })
    b1.stream.write([Buffer.from('lost?')])
    b2.stream.write([Buffer.from('one way')])
    clock.advance(1000)
    expect(b2.received.toString()).to.equal('')
    expect(b1.received.toString()).to.equal('one way')
    const refused = network.at('b1').connect({ host: 'b2', port: 9092, timeoutMs: 50 })
    const outcome = refused.catch((error) => error.code)
    await clock.advanceAsync(60)
    expect(await outcome).to.equal('ETIMEDOUT')
    network.heal()
    clock.advance(1)
    expect(b2.received.toString()).to.equal('lost?')
  })

  it('a crashed host says nothing', async () => {
    const { clock, network, b1, b2 } = await scene(1)
    b2.stream.write([Buffer.from('last words')])
    network.crash('b2')
    b1.stream.write([Buffer.from('hello?')])
    clock.advance(10_000)
    expect([b1.received.length, b1.ended, b1.closed, b2.received.length]).to.deep.equal([0, false, false, 0])
    b1.stream.destroy()
    clock.advance(1)
    expect(b1.closed).to.equal(true)
    expect(network.connections).to.equal(0)
  })

  it('spoils a view that is kept past its callback', async () => {
    const { clock, b1, b2 } = await scene(0)
    let kept!: Buffer
    b2.onData = (view) => (kept = view)
    b1.stream.write([Buffer.from('mine')])
    clock.advance(0)
    expect(b2.received.toString()).to.equal('mine')
    expect(kept.toString()).to.not.equal('mine')
  })
})
