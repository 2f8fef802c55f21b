/** What a broker does with bytes that are no request, or not quite one: over TCP, with a well-behaved client beside. */
import { expect } from 'chai'
import { Broker } from '../../lib/embed/broker.js'
import { silentLogger } from '../../lib/host/logger.js'
import {
  ApiVersions,
  decodeRequestFrame,
  decodeResponseFrame,
  encodeRequestFrame,
  Fetch,
  Heartbeat,
  type Message,
  Metadata,
  Produce,
  type RequestInput,
} from '../../protocol/index.js'
import { RawClient } from '../support/raw-client.js'
import { batch } from './versions/world.js'

const header = { correlationId: 77, clientId: 'c' }

/** A whole frame out of pieces: numbers are bytes. */
function frame(...pieces: (Buffer | number[])[]): Buffer {
  const body = Buffer.concat(pieces.map((piece) => Buffer.from(piece as Uint8Array)))
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

function requestHead(apiKey: number, apiVersion: number, clientId: Buffer | null = null): Buffer {
  const head = Buffer.alloc(10)
  head.writeInt16BE(apiKey, 0)
  head.writeInt16BE(apiVersion, 2)
  head.writeInt32BE(header.correlationId, 4)
  head.writeInt16BE(clientId === null ? -1 : clientId.length, 8)
  return clientId === null ? head : Buffer.concat([head, clientId])
}

/** The same request with bytes added at its end. */
function withTail<M extends Message>(message: M, version: number, value: RequestInput<M>, tail: Buffer): Buffer {
  return frame(encodeRequestFrame(message, version, header, value).subarray(4), tail)
}

/** Mulberry32: the same bytes in every run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

describe('server/bad-input', () => {
  let broker: Broker
  let neighbour: RawClient
  const open: RawClient[] = []
  /** What the broker calls a fault of its own: nothing that a client sends may be one. */
  const faults: string[] = []
  before(async () => {
    const logger = { ...silentLogger, error: (line: string) => void faults.push(line) }
    broker = await Broker.create({ topics: ['t'], logger, config: { 'auto.create.topics.enable': false } })
    neighbour = await RawClient.connect(broker.bootstrapServers)
  })
  afterEach('the well-behaved client does not notice', async () => {
    for (const client of open.splice(0)) client.close()
    const { topics } = await neighbour.send(Metadata, 12, { topics: [{ name: 't' }] })
    expect(topics[0]!.errorCode).to.equal(0)
    expect(faults.splice(0)).to.deep.equal([])
  })
  after(async () => {
    neighbour.close()
    await broker.close()
  })

  async function connect(options = {}): Promise<RawClient> {
    const client = await RawClient.connect(broker.bootstrapServers, options)
    open.push(client)
    return client
  }

  /** The broker closes the connection and sends nothing. */
  async function closes(bytes: Buffer, what: string): Promise<void> {
    const client = await connect()
    let answered = 0
    client.stream.on('data', (chunk: Buffer) => (answered += chunk.length))
    client.bytes(bytes)
    await client.closed
    expect(answered, what).to.equal(0)
  }

  async function answers(bytes: Buffer, what: string): Promise<Buffer> {
    const client = await connect()
    client.bytes(bytes)
    const answer = await client.frame()
    expect(answer.readInt32BE(0), what).to.equal(header.correlationId)
    const goesOn = await client.send(ApiVersions, 0, {})
    expect(goesOn.errorCode, what).to.equal(0)
    return answer
  }

  it('behaviour 1: keys that are not served here close the connection', async () => {
    for (const key of [-1, 4, 7, 52, 56, 58, 62, 63, 70, 95, 999, 32767]) {
      await closes(frame(requestHead(key, 0), Buffer.alloc(20)), `key ${key}`)
    }
  })

  it('behaviour 1: versions that are not served close the connection', async () => {
    const wrong = { 0: [0, 2, 14], 1: [3, 19], 3: [-1, 14], 12: [5, 32767], 47: [1] }
    for (const [key, versions] of Object.entries(wrong)) {
      for (const version of versions) {
        await closes(frame(requestHead(Number(key), version), Buffer.alloc(40)), `${key} v${version}`)
      }
    }
  })

  it('behaviour 1: a body cut short anywhere closes the connection', async () => {
    const value = { topics: [{ name: 'topic' }], allowAutoTopicCreation: false }
    for (const version of [4, 9, 12]) {
      const whole = encodeRequestFrame(Metadata, version, header, value).subarray(4)
      for (let length = 1; length < whole.length; length++) {
        await closes(frame(whole.subarray(0, length)), `Metadata v${version} of ${length} bytes`)
      }
    }
  })

  it('behaviour 2: what came before a bad request is answered first', async () => {
    const client = await connect()
    client.post(ApiVersions, 0, {})
    client.post(Metadata, 1, { topics: null })
    client.post(Heartbeat, 4, { groupId: 'nosuch', generationId: 1, memberId: 'm' })
    client.bytes(frame(requestHead(999, 0)))
    const ids = [await client.frame(), await client.frame(), await client.frame()].map((one) => one.readInt32BE(0))
    expect(ids).to.deep.equal([1, 2, 3])
    await client.closed
    expect(await client.frame().catch(String)).to.match(/closed the connection/)
  })

  it('behaviours 2 and 3: a Fetch that waits holds back what follows, and the close behind it', async () => {
    await broker.createTopic('quiet')
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }]
    const client = await connect()
    client.post(Fetch, 12, { maxWaitMs: 30_000, minBytes: 1, topics: [{ topic: 'quiet', partitions }] })
    client.post(ApiVersions, 0, {})
    client.post(Metadata, 1, { topics: [] })
    client.bytes(frame(requestHead(999, 0)))
    const order: number[] = []
    const answered = [1, 2, 3].map(() => client.frame().then((answer) => order.push(answer.readInt32BE(0))))
    // Two round trips on another connection: those requests have been read by now.
    for (let trip = 0; trip < 2; trip++) await neighbour.send(ApiVersions, 0, {})
    expect(order).to.deep.equal([])
    await neighbour.send(Produce, 9, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: 'quiet', partitionData: [{ index: 0, records: batch('a') }] }],
    })
    await Promise.all(answered)
    await client.closed
    expect(order).to.deep.equal([1, 2, 3])
  })

  it('behaviour 4: a frame of no, a negative or too large a length closes at once', async () => {
    for (const length of [0, -1, -2147483648, 104_857_601, 2147483647, 0x47455420]) {
      const bytes = Buffer.alloc(4)
      bytes.writeInt32BE(length)
      await closes(bytes, `length ${length}`)
    }
  })

  it('behaviour 4: the largest length allowed is waited for', async () => {
    const client = await connect()
    const bytes = Buffer.alloc(16)
    bytes.writeInt32BE(104_857_600)
    client.bytes(bytes)
    // The next connection is served after those bytes were read; the first is still open then.
    await neighbour.send(ApiVersions, 0, {})
    const state = await Promise.race([client.closed.then(() => 'closed'), neighbour.send(ApiVersions, 0, {})])
    expect(state).to.not.equal('closed')
  })

  it('behaviour 5: bytes after the body are ignored', async () => {
    for (const [version, message] of [
      [1, Metadata],
      [12, Metadata],
      [4, Heartbeat],
      [0, Heartbeat],
    ] as const) {
      const value = message === Metadata ? { topics: [] } : { groupId: 'g', generationId: 1, memberId: 'm' }
      const bytes = withTail(message as Message, version, value as never, Buffer.from('left over'))
      await answers(bytes, `${message.name} v${version}`)
    }
  })

  it('behaviour 6: unknown tagged fields in header and body are ignored', async () => {
    const whole = encodeRequestFrame(Metadata, 12, header, { topics: [{ name: 't' }] }).subarray(4)
    const { header: decoded } = decodeRequestFrame(whole)
    const headBytes = 10 + header.clientId.length
    expect(decoded.clientId).to.equal('c')
    const body = whole.subarray(headBytes + 1)
    const tags = [2, 99, 3, 1, 2, 3, 0xe8, 0x07, 1, 9]
    const bytes = frame(whole.subarray(0, headBytes), tags, body.subarray(0, -1), tags)
    const { body: answer } = decodeResponseFrame(Metadata, 12, await answers(bytes, 'tagged'))
    expect(answer.topics[0]).to.include({ name: 't', errorCode: 0 })
  })

  it('behaviour 7: an array length of -2 is null where null may be', async () => {
    const answer = await answers(frame(requestHead(3, 1), [255, 255, 255, 254]), 'Metadata v1')
    const { body } = decodeResponseFrame(Metadata, 1, answer)
    expect(body.topics.map((topic) => topic.name)).to.include('t')
  })

  it('behaviour 7: a length beyond the frame, or null where it may not be, closes', async () => {
    await closes(frame(requestHead(3, 1), [0, 0, 0, 9, 0, 1, 116]), 'nine topics announced')
    await closes(frame(requestHead(3, 1), [127, 255, 255, 255]), 'two billion topics')
    await closes(frame(requestHead(3, 0), [255, 255, 255, 255]), 'null topics in v0')
    await closes(frame(requestHead(3, 1), [0, 0, 0, 1, 255, 255]), 'a null name')
    await closes(frame(requestHead(3, 1), [0, 0, 0, 1, 127, 255, 116]), 'a name longer than the frame')
    await closes(frame(requestHead(12, 4), [0, 0, 0, 0, 0, 0, 0, 0, 0]), 'a null compact string')
    await closes(frame(requestHead(3, 12), [0, 255, 255, 255, 255, 255, 255]), 'an endless varint')
  })

  it('behaviour 8, details 3: any client id is accepted', async () => {
    const ids = [null, '', 'käfka ☕', Buffer.from([0xff, 0xfe, 0x80]), 'x'.repeat(20_000), '\0\n']
    for (const id of ids) {
      const bytes = id === null ? null : Buffer.from(id)
      await answers(frame(requestHead(3, 1, bytes), [0, 0, 0, 0]), `v1 ${bytes?.length}`)
      await answers(frame(requestHead(3, 9, bytes), [0], [1, 0, 0, 0, 0]), `v9 ${bytes?.length}`)
    }
  })

  it('behaviour 9: a client that half-closes is answered, then the broker closes', async () => {
    const client = await connect({ allowHalfOpen: true })
    client.post(ApiVersions, 0, {})
    client.post(Metadata, 1, { topics: [] })
    client.stream.end()
    expect((await client.frame()).readInt32BE(0)).to.equal(1)
    expect((await client.frame()).readInt32BE(0)).to.equal(2)
    await client.closed
  })

  it('outlives random bytes', async () => {
    const random = seeded(4)
    for (let round = 0; round < 150; round++) {
      const client = await connect()
      const noise = Buffer.from(
        Array.from({ length: 1 + Math.floor(random() * 300) }, () => Math.floor(random() * 256)),
      )
      // Half of them as the body of a served API, so that the decoders get something to chew.
      const key = Math.floor(random() * 24)
      client.bytes(round % 2 === 0 ? noise : frame(requestHead(key, Math.floor(random() * 10)), noise))
      client.stream.end()
      await client.closed
    }
  })

  it('outlives half frames and clients that vanish in the middle of a request', async () => {
    const { topics } = await neighbour.send(Metadata, 12, { topics: [{ name: 't' }] })
    const partitions = [{ partition: 0, fetchOffset: 1000, partitionMaxBytes: 1000 }]
    const far = { maxWaitMs: 30_000, minBytes: 1e6, topics: [{ topicId: topics[0]!.topicId, partitions }] }
    const whole = encodeRequestFrame(Metadata, 12, header, { topics: null })
    for (let length = 1; length < whole.length; length++) {
      const client = await connect()
      client.post(Fetch, 13, far)
      client.bytes(whole.subarray(0, length))
      client.close()
    }
    await neighbour.send(ApiVersions, 0, {})
  })

  it('outlives 2,000 connects and closes', async function () {
    this.timeout(30_000)
    for (let round = 0; round < 100; round++) {
      const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(broker.bootstrapServers)))
      for (const client of clients) client.close()
    }
  })
})
