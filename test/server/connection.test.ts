import { expect } from 'chai'
import { silentLogger } from '../../lib/host/logger.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { Connection } from '../../lib/server/connection.js'
import {
  type FrameDispatcher,
  type FrameOutcome,
  type FrameReply,
  Hangup,
  LentReply,
  NO_REPLY,
  PendingReply,
  ReplyAfterWrite,
} from '../../lib/server/reply.js'
import { RequestMemory } from '../../lib/server/request-memory.js'
import { FakeStream } from '../support/fake-stream.js'

/**
 * A frame of two bytes API key and a text: upper case answers later, lower case at once, with `+` at its end after the write (which it
 * then counts), or later if it is upper case.
 */
function frame(key: number, text: string): Buffer {
  const bytes = Buffer.alloc(6 + text.length)
  bytes.writeInt32BE(2 + text.length, 0)
  bytes.writeInt16BE(key, 4)
  bytes.write(text, 6, 'latin1')
  return bytes
}

const PIPELINED_KEY = 7

class Script implements FrameDispatcher {
  readonly seen: string[] = []
  readonly waiting = new Map<string, (outcome: FrameOutcome) => void>()
  /** What a read appended has been written so often. */
  writes = 0
  onDispatch: (text: string) => unknown = () => undefined

  apiKeyOf(bytes: Buffer): number {
    return bytes.readInt16BE(0)
  }

  dispatch(bytes: Buffer): FrameReply {
    const text = bytes.toString('latin1', 2)
    this.seen.push(text)
    this.onDispatch(text)
    if (text === 'bad') return new Hangup('bad')
    if (text === 'mute') return NO_REPLY
    const key = this.apiKeyOf(bytes)
    if (text.endsWith('+')) {
      return new ReplyAfterWrite(
        () => (text === text.toUpperCase() ? this.later(text, key) : [Buffer.from(text + this.writes)]),
        key,
      )
    }
    return text === text.toUpperCase() ? this.later(text, key) : [Buffer.from(text)]
  }

  private later(text: string, key: number): PendingReply {
    const outcome = new Promise<FrameOutcome>((resolve) => this.waiting.set(text, resolve))
    return new PendingReply(outcome, key === PIPELINED_KEY ? key : -1)
  }

  async answer(text: string, outcome: FrameOutcome = [Buffer.from(text)]): Promise<void> {
    this.waiting.get(text)!(outcome)
    this.waiting.delete(text)
    await turn()
  }
}

/** Lets promise callbacks run. */
async function turn(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve()
}

function setUp(options: { maxHeldBytes?: number; memoryBytes?: number; maxFrameBytes?: number } = {}) {
  const stream = new FakeStream()
  const script = new Script()
  const clock = new VirtualClock()
  const memory = new RequestMemory(options.memoryBytes ?? -1)
  let closed = 0
  const connection = new Connection(
    {
      id: 'c',
      listenerName: 'PLAINTEXT',
      securityProtocol: 'PLAINTEXT',
      principal: 'User:ANONYMOUS',
      maxFrameBytes: options.maxFrameBytes ?? 1000,
      maxHeldBytes: options.maxHeldBytes ?? 100,
    },
    {
      stream,
      dispatcher: script,
      logger: silentLogger,
      clock,
      memory,
      currentSweep: () => 0,
      onReadDone: () => script.writes++,
      onClosed: () => closed++,
    },
  )
  return { stream, script, clock, memory, connection, closed: () => closed }
}

describe('server/connection', () => {
  it('answers with one write what one turn has made known', async () => {
    const { stream, script } = setUp()
    const read = ['A', 'B', 'C', 'D'].map((text) => frame(PIPELINED_KEY, text))
    stream.arrive(Buffer.concat(read))
    const answers = [script.answer('A'), script.answer('B'), script.answer('C')]
    await Promise.all(answers)
    expect(stream.writes.map(String)).to.deep.equal(['ABC'])
    await script.answer('D')
    expect(stream.writes.map(String)).to.deep.equal(['ABC', 'D'])
  })

  it('answers the requests of one read with one write, after the read was worked through', () => {
    const { stream, script } = setUp()
    stream.arrive(Buffer.concat([frame(1, 'a'), frame(1, 'b'), frame(1, 'c')]))
    expect(stream.writes.map(String)).to.deep.equal(['abc'])
    expect(script.writes).to.equal(1)
  })

  it('asks after one write for the answers that wait for no more, in the turn of the read', () => {
    const { stream, connection } = setUp()
    stream.arrive(Buffer.concat(['a+', 'b+', 'c+'].map((text) => frame(PIPELINED_KEY, text))))
    expect(stream.writes.map(String)).to.deep.equal(['a+1b+1c+1'])
    expect(connection.busy).to.equal(false)
  })

  it('writes earlier for a request that may not overtake, and for an answer that is known', () => {
    const { stream, script } = setUp()
    const read = [frame(PIPELINED_KEY, 'a+'), frame(1, 'b'), frame(PIPELINED_KEY, 'c+'), frame(PIPELINED_KEY, 'd')]
    stream.arrive(Buffer.concat([...read, frame(PIPELINED_KEY, 'e+')]))
    expect(stream.writes.map(String)).to.deep.equal(['a+1bc+2de+3'])
    expect(script.writes).to.equal(3)
  })

  it('keeps the order where the write was not all, and lets nothing overtake', async () => {
    const { stream, script } = setUp()
    const read = ['A+', 'b+', 'c'].map((text) => frame(PIPELINED_KEY, text))
    stream.arrive(Buffer.concat([...read, frame(1, 'd')]))
    expect([script.seen, stream.sent]).to.deep.equal([['A+', 'b+', 'c'], ''])
    await script.answer('A+')
    expect(stream.sent).to.equal('A+b+1cd')
  })

  it('answers what waits for the write before it hangs up or drains', () => {
    for (const end of [frame(1, 'bad'), Buffer.from([0, 0, 0, 0])]) {
      const { stream } = setUp()
      stream.arrive(Buffer.concat([frame(PIPELINED_KEY, 'a+'), end]))
      expect([stream.sent, stream.ended]).to.deep.equal(['a+1', true])
    }
    const { stream, script, connection } = setUp()
    script.onDispatch = (text) => text === 'b+' && connection.drain()
    stream.arrive(Buffer.concat([frame(PIPELINED_KEY, 'a+'), frame(PIPELINED_KEY, 'b+')]))
    expect([stream.sent, stream.ended]).to.deep.equal(['a+1b+1', true])
  })

  it('reads frames split at every byte', () => {
    const whole = Buffer.concat([frame(1, 'one'), frame(1, 'two')])
    for (let at = 1; at < whole.length; at++) {
      const { stream } = setUp()
      stream.arrive(whole.subarray(0, at), whole.subarray(at))
      expect(stream.sent).to.equal('onetwo')
    }
  })

  it('details 20: holds frames back behind one that waits, and goes on in order', async () => {
    const { stream, script } = setUp()
    stream.arrive(Buffer.concat([frame(1, 'a'), frame(1, 'WAIT'), frame(1, 'b')]), frame(1, 'c'))
    expect(stream.sent).to.equal('a')
    expect(script.seen).to.deep.equal(['a', 'WAIT'])
    await script.answer('WAIT')
    expect(stream.sent).to.equal('aWAITbc')
  })

  it('lets requests of a pipelined API start together and keeps their replies in order', async () => {
    const { stream, script } = setUp()
    stream.arrive(Buffer.concat([frame(PIPELINED_KEY, 'P1'), frame(PIPELINED_KEY, 'P2'), frame(PIPELINED_KEY, 'p3')]))
    expect(script.seen).to.deep.equal(['P1', 'P2', 'p3'])
    await script.answer('P2')
    expect(stream.sent).to.equal('')
    await script.answer('P1')
    expect(stream.sent).to.equal('P1P2p3')
  })

  it('does not let another API overtake pipelined requests', async () => {
    const { stream, script } = setUp()
    stream.arrive(Buffer.concat([frame(PIPELINED_KEY, 'P1'), frame(1, 'x'), frame(1, 'y')]), frame(1, 'z'))
    expect(script.seen).to.deep.equal(['P1'])
    await script.answer('P1')
    expect(stream.sent).to.equal('P1xyz')
  })

  it('answers what came before a broken frame, then closes', async () => {
    const { stream, script } = setUp()
    stream.arrive(Buffer.concat([frame(1, 'a'), frame(1, 'WAIT')]))
    stream.arrive(Buffer.from([0, 0, 0, 0]))
    await script.answer('WAIT')
    expect(stream.sent).to.equal('aWAIT')
    expect(stream.ended).to.equal(true)
  })

  it('closes for a frame above the limit without keeping it', () => {
    const { stream, memory } = setUp({ maxFrameBytes: 10 })
    stream.arrive(Buffer.from([0, 0, 0, 11, 1, 2, 3]))
    expect(stream.ended).to.equal(true)
    expect(memory.usedBytes).to.equal(0)
  })

  it('hangs up where the dispatcher says so, and looks at nothing further', () => {
    const { stream, script } = setUp()
    stream.arrive(Buffer.concat([frame(1, 'a'), frame(1, 'bad'), frame(1, 'b')]))
    expect(stream.sent).to.equal('a')
    expect(stream.ended).to.equal(true)
    stream.arrive(frame(1, 'c'))
    expect(script.seen).to.deep.equal(['a', 'bad'])
  })

  it('drops a peer that does not close after it was hung up on', () => {
    const { stream, clock, closed } = setUp()
    stream.arrive(frame(1, 'bad'))
    expect(stream.destroyed).to.equal(false)
    clock.advance(1000)
    expect(stream.destroyed).to.equal(true)
    expect(closed()).to.equal(1)
  })

  it('sends nothing for a request without a response', () => {
    const { stream } = setUp()
    stream.arrive(Buffer.concat([frame(1, 'mute'), frame(1, 'a')]))
    expect(stream.sent).to.equal('a')
  })

  it('answers a client that has half-closed, then closes', async () => {
    const { stream, script } = setUp()
    stream.arrive(Buffer.concat([frame(1, 'WAIT'), frame(1, 'b')]))
    stream.peerEnds()
    expect(stream.ended).to.equal(false)
    await script.answer('WAIT')
    expect(stream.sent).to.equal('WAITb')
    expect(stream.ended).to.equal(true)
  })

  it('stops for a peer that does not read its replies', () => {
    const { stream, script } = setUp()
    stream.writable = false
    stream.arrive(frame(1, 'a'))
    stream.arrive(frame(1, 'b'))
    expect(script.seen).to.deep.equal(['a'])
    stream.drain()
    expect(stream.sent).to.equal('ab')
  })

  it('reads no further request of a producer that is to wait, and goes on in order', async () => {
    const { stream, script, connection } = setUp({ maxHeldBytes: 20 })
    let resolve = (): void => {}
    connection.stall(new Promise<void>((done) => (resolve = done)))
    expect(connection.busy).to.equal(true)
    stream.arrive(frame(1, 'a'), frame(1, 'b'), frame(1, 'c'))
    expect(script.seen).to.deep.equal([])
    expect(stream.paused).to.equal(true)
    resolve()
    await turn()
    expect(script.seen).to.deep.equal(['a', 'b', 'c'])
    expect([stream.paused, stream.sent, connection.busy]).to.deep.equal([false, 'abc', false])
  })

  it('gives borrowed memory back when the answer has left, and not when it has not', async () => {
    const { stream, script } = setUp()
    const released: string[] = []
    const lent = (text: string) => new LentReply([Buffer.from(text)], () => released.push(text))
    stream.arrive(frame(1, 'A'))
    await script.answer('A', lent('a'))
    stream.arrive(frame(PIPELINED_KEY, 'B'), frame(PIPELINED_KEY, 'C'))
    await script.answer('C', lent('c'))
    expect([stream.sent, stream.onSent.length]).to.deep.equal(['a', 1])
    await script.answer('B', lent('b'))
    expect([stream.sent, stream.onSent.length, released]).to.deep.equal(['abc', 2, []])
    stream.onSent[0]!()
    expect(released).to.deep.equal(['a'])
    stream.onSent[1]!()
    expect(released).to.deep.equal(['a', 'b', 'c'])
    stream.arrive(frame(1, 'D'))
    stream.destroy()
    await script.answer('D', lent('d'))
    expect([stream.onSent.length, released.length]).to.deep.equal([2, 3])
  })

  it('pauses the stream when too much is held, and resumes', async () => {
    const { stream, script } = setUp({ maxHeldBytes: 10 })
    stream.arrive(frame(1, 'WAIT'))
    stream.arrive(frame(1, 'abc'))
    expect(stream.paused).to.equal(false)
    stream.arrive(frame(1, 'def'))
    expect(stream.paused).to.equal(true)
    await script.answer('WAIT')
    expect(stream.paused).to.equal(false)
    expect(stream.sent).to.equal('WAITabcdef')
  })

  it('starts no frame while the request memory is full, and goes on when there is room', async () => {
    const { stream, script, memory } = setUp({ memoryBytes: 8 })
    stream.arrive(frame(1, 'WAIT'))
    stream.arrive(frame(1, 'abc'))
    expect(memory.full).to.equal(true)
    expect(stream.paused).to.equal(true)
    await script.answer('WAIT')
    expect(memory.usedBytes).to.equal(0)
    expect(stream.paused).to.equal(false)
  })

  it('forgets everything when the connection breaks while a request waits', async () => {
    const { stream, script, memory, connection, closed } = setUp()
    let told = 0
    connection.onClose(() => told++)
    stream.arrive(frame(1, 'WAIT'), frame(1, 'held'))
    stream.destroy()
    expect([told, closed(), memory.usedBytes, connection.closed]).to.deep.equal([1, 1, 0, true])
    await script.answer('WAIT')
    expect(stream.sent).to.equal('')
  })

  it('drains: takes nothing new, sends what is owed', async () => {
    const { stream, script, connection } = setUp()
    stream.arrive(frame(1, 'WAIT'), frame(1, 'later'))
    connection.drain()
    expect(stream.ended).to.equal(false)
    await script.answer('WAIT')
    expect(stream.sent).to.equal('WAIT')
    expect(stream.ended).to.equal(true)
  })
})
