import { Buffer } from 'node:buffer'
import { expect } from 'chai'
import { type Network, NetworkError, type NetworkServer, type Stream } from '../../lib/host/network.js'

/** A stream's story as a test reads it. */
export class Witness {
  received = Buffer.alloc(0)
  ended = false
  closed = false
  closes = 0
  error: Error | null = null
  drains = 0
  readonly #waiters: (() => void)[] = []

  constructor(readonly stream: Stream) {
    stream.attach({
      onData: (view) => {
        this.received = Buffer.concat([this.received, view])
        this.onData(view)
        this.#wake()
      },
      onEnd: () => {
        this.ended = true
        this.onEnd()
        this.#wake()
      },
      onClose: (error) => {
        this.closed = true
        this.closes += 1
        this.error = error
        this.#wake()
      },
      onDrain: () => {
        this.drains += 1
        this.#wake()
      },
    })
  }

  /** To be replaced by a test. */
  onData: (view: Buffer) => void = () => {}
  onEnd: () => void = () => {}

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.push(resolve))
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter()
  }
}

/** What every implementation of the Network port promises. `make` gives a network in which 127.0.0.1 is this process. */
export function networkContract(name: string, make: () => Network): void {
  describe(`${name} keeps the Network contract`, () => {
    let network: Network
    let server: NetworkServer
    const opened: Stream[] = []

    const pair = async (): Promise<{ client: Witness; server: Witness }> => {
      const accepted = new Promise<Witness>((resolve) => {
        accept = (stream) => resolve(new Witness(stream))
      })
      const client = new Witness(await network.connect({ host: '127.0.0.1', port: server.port, timeoutMs: 5000 }))
      const other = await accepted
      opened.push(client.stream, other.stream)
      return { client, server: other }
    }
    let accept: (stream: Stream) => void

    beforeEach(async () => {
      network = make()
      server = await network.listen({ host: '127.0.0.1', port: 0 }, (stream) => accept(stream))
    })
    afterEach(async () => {
      for (const stream of opened.splice(0)) stream.destroy()
      await server.close()
    })

    it('joins two streams that know each other', async () => {
      const both = await pair()
      expect(server.port).to.be.greaterThan(0)
      expect(both.client.stream.remotePort).to.equal(server.port)
      expect(both.client.stream.localPort).to.equal(both.server.stream.remotePort)
      expect(both.server.stream.localPort).to.equal(server.port)
      expect(both.server.stream.remoteAddress).to.equal('127.0.0.1')
      expect(both.client.stream.localAddress).to.equal('127.0.0.1')
    })

    it('carries bytes both ways, in order', async () => {
      const both = await pair()
      both.server.onData = (view) => both.server.stream.write([Buffer.from('<'), Buffer.from(view), Buffer.from('>')])
      both.client.stream.write([Buffer.from('one '), Buffer.alloc(0), Buffer.from('two')])
      await both.server.until(() => both.server.received.length === 7)
      await both.client.until(() => both.client.received.toString().replaceAll(/[<>]/g, '').length === 7)
      expect(both.client.received.toString().replaceAll('><', '')).to.equal('<one two>')
    })

    it('carries much, tells the writer to wait, and when to go on', async () => {
      const both = await pair()
      const bytes = Buffer.alloc(8_000_000)
      for (let index = 0; index < bytes.length; index += 1000) bytes[index] = index / 1000
      both.server.stream.pause()
      const more = both.client.stream.write([bytes.subarray(0, 3_000_000), bytes.subarray(3_000_000)])
      both.client.stream.end()
      expect(more).to.equal(false)
      expect(both.client.stream.bufferedBytes).to.be.greaterThan(0)
      both.server.stream.resume()
      await both.server.until(() => both.server.ended)
      expect(both.server.received.equals(bytes)).to.equal(true)
      expect(both.client.stream.bufferedBytes).to.equal(0)
    })

    it('says when nobody looks at written memory any more', async () => {
      const both = await pair()
      both.server.stream.pause()
      const memory = Buffer.alloc(4_000_000, 'a')
      const sent: string[] = []
      const all = new Promise<void>((resolve) => {
        both.client.stream.write([memory.subarray(0, 10), memory.subarray(10)], () => {
          sent.push('first')
          memory.fill('b')
        })
        both.client.stream.write([Buffer.from('c')], () => {
          sent.push('second')
          resolve()
        })
      })
      expect(sent).to.deep.equal([])
      both.server.stream.resume()
      await all
      await both.server.until(() => both.server.received.length === 4_000_001)
      expect(both.server.received.equals(Buffer.concat([Buffer.alloc(4_000_000, 'a'), Buffer.from('c')]))).to.equal(
        true,
      )
      both.client.stream.destroy()
      both.client.stream.write([memory], () => sent.push('never'))
      await both.server.until(() => both.server.closed || both.server.ended)
      expect(sent).to.deep.equal(['first', 'second'])
    })

    it('calls onDrain after a write that was too much', async () => {
      const both = await pair()
      both.server.stream.pause()
      while (both.client.stream.write([Buffer.alloc(1_000_000)])) {}
      expect(both.client.drains).to.equal(0)
      both.server.stream.resume()
      await both.client.until(() => both.client.drains === 1)
      expect(both.client.stream.write([Buffer.from('x')])).to.equal(true)
    })

    it('brings nothing while paused, also when paused from within onData', async () => {
      const both = await pair()
      both.server.onData = () => both.server.stream.pause()
      both.client.stream.write([Buffer.from('a')])
      await both.server.until(() => both.server.received.length === 1)
      both.client.stream.write([Buffer.from('b')])
      // The way of bytes back and forth on a second connection takes longer than theirs.
      const other = await pair()
      other.server.onData = (view) => other.server.stream.write([Buffer.from(view)])
      other.client.stream.write([Buffer.from('x')])
      await other.client.until(() => other.client.received.length === 1)
      expect(both.server.received.toString()).to.equal('a')
      both.server.stream.resume()
      await both.server.until(() => both.server.received.length === 2)
      both.server.stream.pause()
      both.server.stream.resume()
      both.server.stream.resume()
      both.client.stream.write([Buffer.from('c')])
      await both.server.until(() => both.server.received.length === 3)
      expect(both.server.received.toString()).to.equal('abc')
    })

    it('still answers a peer that has ended its half', async () => {
      const both = await pair()
      both.server.onEnd = () => {
        both.server.stream.write([Buffer.from('the answer')])
        both.server.stream.end()
      }
      both.client.stream.write([Buffer.from('the question')])
      both.client.stream.end()
      await both.client.until(() => both.client.closed)
      await both.server.until(() => both.server.closed)
      expect(both.client.received.toString()).to.equal('the answer')
      expect([both.client.ended, both.server.ended]).to.deep.equal([true, true])
      expect([both.client.error, both.server.error]).to.deep.equal([null, null])
      expect(both.server.stream.write([Buffer.from('too late')])).to.equal(false)
    })

    it('destroy closes once, without an error, and the peer hears of it', async () => {
      const both = await pair()
      both.client.stream.destroy()
      both.client.stream.destroy()
      await both.client.until(() => both.client.closed)
      expect(both.client.error).to.equal(null)
      await both.server.until(() => both.server.ended || both.server.closed)
      both.server.stream.destroy()
      await both.server.until(() => both.server.closed)
      expect([both.client.closes, both.server.closes]).to.deep.equal([1, 1])
    })

    it('destroying in the middle of onData brings nothing more', async () => {
      const both = await pair()
      both.server.onData = () => both.server.stream.destroy()
      for (let round = 0; round < 50; round += 1) both.client.stream.write([Buffer.alloc(50_000)])
      await both.server.until(() => both.server.closed)
      const { length } = both.server.received
      await both.client.until(() => both.client.ended || both.client.closed)
      expect(both.server.received.length).to.equal(length)
    })

    it('writing to a peer that is gone ends in a broken connection', async () => {
      const both = await pair()
      both.client.stream.destroy()
      await both.server.until(() => both.server.ended)
      both.server.stream.write([Buffer.from('anybody?')])
      const ticks = setInterval(() => both.server.stream.write([Buffer.from('anybody?')]), 1)
      await both.server.until(() => both.server.closed)
      clearInterval(ticks)
      expect(both.server.error).to.be.instanceOf(NetworkError)
      expect((both.server.error as NetworkError).code).to.be.oneOf(['ECONNRESET', 'EPIPE'])
    })

    it('says who has the port, and gives it back', async () => {
      const error = await network.listen({ host: '127.0.0.1', port: server.port }, () => {}).catch((reason) => reason)
      expect(error).to.be.instanceOf(NetworkError)
      expect(error.code).to.equal('EADDRINUSE')
      expect(error.message).to.match(/^Cannot listen on 127\.0\.0\.1:\d+: the port is taken/)
      const both = await pair()
      await server.close()
      await server.close()
      server = await network.listen({ host: '127.0.0.1', port: server.port }, () => {})
      // Streams live on without the listener that has accepted them.
      both.client.stream.write([Buffer.from('still here')])
      await both.server.until(() => both.server.received.length === 10)
    })

    it('refuses a port that is none and a connection that nobody takes', async () => {
      const bad = await network.listen({ host: '127.0.0.1', port: 70_000 }, () => {}).catch((reason) => reason)
      expect(bad.code).to.equal('ERR_SOCKET_BAD_PORT')
      const { port } = server
      await server.close()
      const refused = await network.connect({ host: '127.0.0.1', port, timeoutMs: 2000 }).catch((reason) => reason)
      expect(refused).to.be.instanceOf(NetworkError)
      expect(refused.code).to.equal('ECONNREFUSED')
      expect(refused.message).to.match(/^Cannot connect to 127\.0\.0\.1:\d+: nobody listens there/)
    })
  })
}
