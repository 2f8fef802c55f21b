import { expect } from 'chai'
import { RequestPipe } from '../../lib/cluster/request-pipe.js'
import type { Stream, StreamHandlers } from '../../lib/host/network.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { ProtocolError } from '../../protocol/index.js'

const REQUEST = Buffer.from('request')

/** A frame as it comes over the wire. */
function framed(text: string): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(text.length)
  return Buffer.concat([size, Buffer.from(text)])
}

class Scene {
  readonly clock = new VirtualClock()
  readonly pipe: RequestPipe
  written = 0
  destroyed = false
  ends = 0
  #handlers!: StreamHandlers

  constructor() {
    const stream = {
      attach: (handlers: StreamHandlers) => {
        this.#handlers = handlers
      },
      write: () => {
        this.written++
        return true
      },
      destroy: () => {
        this.destroyed = true
      },
    }
    this.pipe = new RequestPipe(stream as unknown as Stream, {
      clock: this.clock,
      maxFrameBytes: 100,
      failure: (reason) => new Error(reason),
      onEnd: () => this.ends++,
    })
  }

  send(read: (answer: Buffer) => string = String): Promise<string> {
    return this.pipe.send(REQUEST, 1000, read).catch((error: Error) => `failed: ${error.message}`)
  }

  comes(...bytes: Buffer[]): void {
    this.#handlers.onData(Buffer.concat(bytes))
  }

  closes(): void {
    this.#handlers.onClose(null)
  }
}

describe('cluster/request-pipe', () => {
  it('has several requests under way, and gives each the answer that is its turn', async () => {
    const scene = new Scene()
    const answers = [scene.send(), scene.send()]
    expect(scene.written).to.equal(2)
    const both = Buffer.concat([framed('one'), framed('two')])
    scene.comes(both.subarray(0, 9))
    scene.comes(both.subarray(9))
    expect(await Promise.all(answers)).to.deep.equal(['one', 'two'])
    scene.clock.advance(5000)
    expect(scene.destroyed, 'no timer is left').to.equal(false)
  })

  it('ends for all when one answer does not come in time', async () => {
    const scene = new Scene()
    const first = scene.send()
    scene.clock.advance(500)
    const second = scene.send()
    scene.clock.advance(500)
    const told = 'failed: no answer came within 1000 ms'
    expect(await Promise.all([first, second, scene.send()])).to.deep.equal([told, told, told])
    expect([scene.destroyed, scene.ends, scene.written]).to.deep.equal([true, 1, 2])
  })

  it('ends with the connection, with what nobody asked for, and with what is not Kafka’s', async () => {
    const closed = new Scene()
    const lost = closed.send()
    closed.closes()
    expect(await lost).to.equal('failed: the peer closed the connection')
    const talkative = new Scene()
    talkative.comes(framed('hello'))
    expect(await talkative.send()).to.equal('failed: the peer answers what nobody asked')
    const other = new Scene()
    const asked = other.send()
    other.comes(Buffer.from('HTTP/1.1 400 Bad Request'))
    expect(await asked).to.equal('failed: what answers there does not speak the Kafka protocol')
  })

  it('fails the one whose answer cannot be used; unreadable answers end it', async () => {
    const scene = new Scene()
    const throwing = (error: Error) => () => {
      throw error
    }
    const answers = [scene.send(throwing(new Error('not today'))), scene.send()]
    scene.comes(framed('one'), framed('two'))
    expect(await Promise.all(answers)).to.deep.equal(['failed: not today', 'two'])
    const unreadable = [scene.send(throwing(new ProtocolError('TRUNCATED', 'short by 3 bytes'))), scene.send()]
    scene.comes(framed('three'))
    expect(await Promise.all(unreadable)).to.deep.equal(['failed: short by 3 bytes', 'failed: short by 3 bytes'])
  })
})
