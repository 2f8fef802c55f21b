/** The limits on connections and requests that a user can set, over TCP; and what each listener tells its clients. */
import { expect } from 'chai'
import { Broker } from '../../lib/embed/broker.js'
import { startNode } from '../../lib/server/wire-up.js'
import { ApiVersions, DescribeCluster, encodeRequestFrame, FindCoordinator, Metadata } from '../../protocol/index.js'
import { RawClient } from '../support/raw-client.js'

describe('server/limits', () => {
  let broker: Broker
  let clients: RawClient[]
  beforeEach(() => {
    clients = []
  })
  afterEach(async () => {
    for (const client of clients) client.close()
    await broker.close()
  })

  async function connect(address = broker.bootstrapServers): Promise<RawClient> {
    const client = await RawClient.connect(address)
    clients.push(client)
    return client
  }
  const works = async (client: RawClient): Promise<boolean> =>
    client.send(ApiVersions, 0, {}).then(
      ({ errorCode }) => errorCode === 0,
      () => false,
    )

  it('max.connections turns away one too many, until another goes', async () => {
    broker = await Broker.create({ config: { 'max.connections': 2 } })
    const first = await connect()
    const second = await connect()
    expect([await works(first), await works(second)]).to.deep.equal([true, true])
    expect(await works(await connect())).to.equal(false)
    expect(await works(first)).to.equal(true)
    second.stream.end()
    await second.closed
    expect(await works(await connect())).to.equal(true)
  })

  it('max.connections.per.ip counts by address, with overrides', async () => {
    broker = await Broker.create({
      config: { 'max.connections.per.ip': 1, 'max.connections.per.ip.overrides': '127.0.0.1:3' },
    })
    for (let i = 0; i < 3; i++) expect(await works(await connect())).to.equal(true)
    expect(await works(await connect())).to.equal(false)
    await broker.close()
    broker = await Broker.create({
      config: { 'max.connections.per.ip': 1, 'max.connections.per.ip.overrides': '10.9.8.7:3' },
    })
    expect(await works(await connect())).to.equal(true)
    expect(await works(await connect())).to.equal(false)
  })

  it('connections.max.idle.ms closes who says nothing, not who talks', async () => {
    broker = await Broker.create({ config: { 'connections.max.idle.ms': 100 } })
    const silent = await connect()
    const talker = await connect()
    let gone = false
    const closed = silent.closed.then(() => {
      gone = true
    })
    while (!gone) expect(await works(talker)).to.equal(true)
    await closed
    expect(await works(talker)).to.equal(true)
  })

  it('socket.request.max.bytes closes a larger frame', async () => {
    broker = await Broker.create({ config: { 'socket.request.max.bytes': 1000 } })
    const client = await connect()
    await client.send(Metadata, 1, { topics: [{ name: 'x'.repeat(200) }] })
    client.post(Metadata, 1, { topics: [{ name: 'x'.repeat(1000) }] })
    await client.closed
    expect(await works(await connect())).to.equal(true)
  })

  it('queued.max.request.bytes lets nobody begin a request while it is used up, and everybody when there is room', async () => {
    broker = await Broker.create({ config: { 'queued.max.request.bytes': 2000, 'socket.request.max.bytes': 1500 } })
    const slow = await Promise.all([connect(), connect()])
    const quick = await Promise.all([connect(), connect(), connect()])
    const long = { correlationId: 1, clientId: 'x'.repeat(1400) }
    const frame = encodeRequestFrame(ApiVersions, 0, long, {})
    for (const client of slow) client.bytes(frame.subarray(0, 1200))
    // When these are answered, the bytes above have been read.
    for (let trip = 0; trip < 2; trip++) expect(await works(await connect())).to.equal(true)
    // One read of each: what it brought is answered, and then the broker reads no more.
    for (const client of quick) expect(await works(client)).to.equal(true)
    const answered: string[] = []
    const waiting = quick.map((client, i) => works(client).then(() => answered.push(`quick ${i}`)))
    // New connections are read from once: when they are answered, the others could have been.
    for (let trip = 0; trip < 3; trip++) expect(await works(await connect())).to.equal(true)
    expect(answered).to.deep.equal([])
    for (const client of slow) client.bytes(frame.subarray(1200))
    await Promise.all([...waiting, ...slow.map((client) => client.frame())])
    expect(answered).to.have.length(3)
    for (const client of [...slow, ...quick]) expect(await works(client)).to.equal(true)
  })

  it('each named listener tells its own addresses', async () => {
    const node = await startNode({
      profile: 'test',
      values: {
        listeners: 'INSIDE://127.0.0.1:0,OUTSIDE://127.0.0.1:0',
        'advertised.listeners': 'INSIDE://inside.example:1111,OUTSIDE://outside.example:2222',
        'listener.security.protocol.map': 'INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT',
        'inter.broker.listener.name': 'INSIDE',
      },
    })
    try {
      for (const { port, spec } of node.listeners) {
        const there = spec.name === 'INSIDE' ? 'inside.example:1111' : 'outside.example:2222'
        expect(await told(await connect(`127.0.0.1:${port}`)), spec.name).to.deep.equal([there, there, there])
      }
      expect(node.listeners).to.have.length(2)
    } finally {
      for (const client of clients) client.close()
      await node.close()
    }
  })

  it('a wildcard listener tells the address that the client came in by', async () => {
    broker = await Broker.create({ host: '0.0.0.0' })
    for (const host of ['127.0.0.1', '127.0.0.2']) {
      const here = `${host}:${broker.port}`
      expect(await told(await connect(here))).to.deep.equal([here, here, here])
    }
  })

  it('an advertised host alone keeps the port that was bound', async () => {
    broker = await Broker.create({ advertisedHost: 'broker.example' })
    const there = `broker.example:${broker.port}`
    expect(await told(await connect(`127.0.0.1:${broker.port}`))).to.deep.equal([there, there, there])
  })

  /** The address as Metadata, FindCoordinator and DescribeCluster say it. */
  async function told(client: RawClient): Promise<string[]> {
    const metadata = await client.send(Metadata, 12, { topics: [] })
    const coordinator = await client.send(FindCoordinator, 3, { key: 'g' })
    const cluster = await client.send(DescribeCluster, 1, {})
    return [metadata.brokers[0]!, coordinator, cluster.brokers[0]!].map(({ host, port }) => `${host}:${port}`)
  }
})
