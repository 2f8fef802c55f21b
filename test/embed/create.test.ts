import { createServer } from 'node:net'
import { expect } from 'chai'
import { Broker, type BrokerOptions, StartError } from '../../lib/index.js'
import { ApiVersions, Metadata } from '../../protocol/messages/index.js'
import { RawClient } from '../support/raw-client.js'

/** What `create` rejects with; it must leave nothing behind. */
async function refusal(options: BrokerOptions): Promise<Error & { code?: string }> {
  const broker = await Broker.create(options).catch((error: Error) => error)
  if (broker instanceof Broker) {
    await broker.close()
    expect.fail('the broker has started')
  }
  return broker
}

async function using<T>(options: BrokerOptions, use: (broker: Broker, client: RawClient) => Promise<T>): Promise<T> {
  const broker = await Broker.create(options)
  try {
    const client = await RawClient.connect(`127.0.0.1:${broker.port}`)
    try {
      return await use(broker, client)
    } finally {
      client.close()
    }
  } finally {
    await broker.close()
  }
}

const everything = { topics: null, allowAutoTopicCreation: false }

describe('embed: Broker.create', () => {
  it('takes a free port and serves when it resolves', () =>
    using({}, async (broker, client) => {
      expect(broker.port).to.be.greaterThan(0)
      expect(broker.bootstrapServers).to.equal(`127.0.0.1:${broker.port}`)
      expect(broker.brokers).to.deep.equal([broker.bootstrapServers])
      expect(broker.brokerId).to.equal(1)
      expect((await client.send(ApiVersions, 0, {})).errorCode).to.equal(0)
      const metadata = await client.send(Metadata, 9, everything)
      expect(metadata.brokers.map(({ nodeId, host, port }) => [nodeId, host, port])).to.deep.equal([
        [1, '127.0.0.1', broker.port],
      ])
      expect(metadata.clusterId).to.equal(broker.clusterId)
      expect(metadata.controllerId).to.equal(1)
    }))

  it('takes the port it is given, and the next broker can have it again', async () => {
    const first = await Broker.create()
    const { port } = first
    await first.close()
    await using({ port }, async (broker) => expect(broker.port).to.equal(port))
  })

  it('says which port is taken', async () => {
    const first = await Broker.create()
    const error = await refusal({ port: first.port })
    await first.close()
    expect(error).to.be.instanceOf(StartError)
    expect(error.code).to.equal('EADDRINUSE')
    expect(error.message).to.match(new RegExp(`127\\.0\\.0\\.1.*${first.port}.*\\.$`))
  })

  it('leaves a port alone that another program has', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    expect((await refusal({ port })).code).to.equal('EADDRINUSE')
    await new Promise((resolve) => other.close(resolve))
  })

  /** What JavaScript lets pass. */
  const untyped = (options: object): BrokerOptions => options as BrokerOptions

  const refused: [string, BrokerOptions, string, RegExp][] = [
    ['an unknown config', { config: { 'log.retention.hous': 1 } }, 'ERR_ODRADEK_CONFIG', /log\.retention\.hous/],
    ['a value of the wrong type', { config: { 'num.partitions': 'many' } }, 'ERR_ODRADEK_CONFIG', /num\.partitions/],
    ['a value out of bounds', { config: { 'num.partitions': 0 } }, 'ERR_ODRADEK_CONFIG', /num\.partitions/],
    ['a port that cannot be', { port: 70000 }, 'ERR_ODRADEK_CONFIG', /70000/],
    ['a broker id that cannot be', { brokerId: -7 }, 'ERR_ODRADEK_CONFIG', /-7/],
    ['a memory limit that is none', { memoryLimit: '5 apples' }, 'ERR_ODRADEK_CONFIG', /5 apples.*512MB/],
    ['a profile that is none', { profile: 'prod' as 'test' }, 'ERR_ODRADEK_CONFIG', /prod.*test, kafka/],
    ['a log level that is none', { logLevel: 4 as unknown as 'info' }, 'ERR_ODRADEK_CONFIG', /4.*silent/],
    ['a topic name that cannot be', { topics: ['a b'] }, 'INVALID_TOPIC_EXCEPTION', /a b/],
    ['a topic twice', { topics: ['a', 'a'] }, 'TOPIC_ALREADY_EXISTS', /a/],
    [
      'a topic config that is none',
      { topics: [{ name: 'a', config: { 'retention.msec': 1 } }] },
      'INVALID_CONFIG',
      /retention\.msec/,
    ],
    [
      'more replicas than brokers',
      { topics: [{ name: 'a', replicationFactor: 2 }] },
      'INVALID_REPLICATION_FACTOR',
      /replication factor/i,
    ],
    [
      'an option that nobody reads',
      untyped({ topic: ['a'] }),
      'ERR_ODRADEK_CONFIG',
      /^Broker\.create has no option topic; there are .*topics/,
    ],
    [
      "a topic's option that nobody reads",
      untyped({ topics: ['a', { name: 'b', numPartitions: 3 }] }),
      'ERR_ODRADEK_CONFIG',
      /^A topic has no option numPartitions; there are name, partitions, /,
    ],
    [
      'topics that are no list',
      untyped({ topics: 'a' }),
      'ERR_ODRADEK_CONFIG',
      /^topics is "a"; it must be an array\.$/,
    ],
    ['no partitions', { topics: [{ name: 'a', partitions: 0 }] }, 'INVALID_PARTITIONS', /partitions/],
  ]
  for (const [what, options, code, message] of refused) {
    it(`refuses ${what}`, async () => {
      const error = await refusal(options)
      expect(error.code).to.equal(code)
      expect(error.message).to.match(message)
    })
  }

  it('creates topics first, with what they ask for or the defaults of the broker', () =>
    using(
      {
        topics: ['plain', { name: 'wide', partitions: 5, config: { 'cleanup.policy': 'compact' } }],
        config: { 'num.partitions': 3 },
      },
      async (_broker, client) => {
        const { topics } = await client.send(Metadata, 9, everything)
        const sizes = topics.map((topic) => [topic.name, topic.partitions.length])
        expect(Object.fromEntries(sizes)).to.include({ plain: 3, wide: 5 })
      },
    ))

  it('creates and deletes topics, and says by name why not', () =>
    using({}, async (broker, client) => {
      await broker.createTopic('a')
      expect((await broker.createTopic('a').catch((error: Error) => error)) as Error).to.include({
        name: 'BrokerError',
        code: 'TOPIC_ALREADY_EXISTS',
      })
      await broker.deleteTopic('a')
      const { topics } = await client.send(Metadata, 9, everything)
      expect(topics.map((topic) => topic.name)).to.not.include('a')
      expect((await broker.deleteTopic('a').catch((error: Error) => error)) as Error).to.include({
        code: 'UNKNOWN_TOPIC_OR_PARTITION',
      })
    }))

  it('is the broker and the cluster that it is told to be', () =>
    using({ brokerId: 7, clusterId: 'AAAAAAAAAAAAAAAAAAAAAQ' }, async (broker, client) => {
      expect([broker.brokerId, broker.clusterId]).to.deep.equal([7, 'AAAAAAAAAAAAAAAAAAAAAQ'])
      const metadata = await client.send(Metadata, 9, everything)
      expect([metadata.brokers[0]!.nodeId, metadata.clusterId]).to.deep.equal([7, 'AAAAAAAAAAAAAAAAAAAAAQ'])
    }))

  const advertised: [string, BrokerOptions, (port: number) => string][] = [
    ['another host', { advertisedHost: 'kafka.example' }, (port) => `kafka.example:${port}`],
    ['another port', { advertisedPort: 19092 }, () => '127.0.0.1:19092'],
    ['another host and port', { advertisedHost: '::1', advertisedPort: 19092 }, () => '[::1]:19092'],
    ['an address by config', { config: { 'advertised.listeners': 'PLAINTEXT://h:5' } }, () => 'h:5'],
    ['the address a client came by, on a wildcard host', { host: '0.0.0.0' }, (port) => `127.0.0.1:${port}`],
  ]
  for (const [what, options, expected] of advertised) {
    it(`tells clients of ${what}`, () =>
      using(options, async (broker, client) => {
        expect(broker.bootstrapServers).to.equal(expected(broker.port))
        const [node] = (await client.send(Metadata, 9, everything)).brokers
        const host = node!.host.includes(':') ? `[${node!.host}]` : node!.host
        expect(`${host}:${node!.port}`).to.equal(expected(broker.port))
      }))
  }

  it('has several listeners by config', () =>
    using(
      {
        config: {
          listeners: 'INSIDE://127.0.0.1:0,OUTSIDE://127.0.0.1:0',
          'advertised.listeners': 'OUTSIDE://kafka.example:443,INSIDE://127.0.0.1:0',
          'listener.security.protocol.map': 'INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT',
          'inter.broker.listener.name': 'INSIDE',
        },
      },
      async (broker, client) => {
        const [node] = (await client.send(Metadata, 9, everything)).brokers
        expect([node!.host, node!.port]).to.deep.equal(['127.0.0.1', broker.port])
      },
    ))

  it('has the defaults of the profile', async () => {
    const partitionsOf = (options: BrokerOptions) =>
      using(options, async (_broker, client) => {
        const name = '__consumer_offsets'
        const { topics } = await client.send(Metadata, 9, { topics: [{ name }], allowAutoTopicCreation: false })
        return topics[0]!.errorCode === 0 ? topics[0]!.partitions.length : null
      })
    expect(await partitionsOf({})).to.be.oneOf([null, 1, 2, 3, 4, 5])
    expect(await partitionsOf({ profile: 'kafka' })).to.be.oneOf([null, 50])
  })

  it('runs beside others in one process, apart from them', async () => {
    const brokers = await Promise.all(['a', 'b', 'c'].map((name) => Broker.create({ topics: [name] })))
    const names = await Promise.all(
      brokers.map(async (broker) => {
        const client = await RawClient.connect(broker.bootstrapServers)
        const { topics } = await client.send(Metadata, 9, everything)
        client.close()
        return topics.map((topic) => topic.name).filter((name) => !name!.startsWith('__'))
      }),
    )
    await Promise.all(brokers.map((broker) => broker.close()))
    expect(names).to.deep.equal([['a'], ['b'], ['c']])
    expect(new Set(brokers.map((broker) => broker.clusterId)).size).to.equal(3)
    expect(new Set(brokers.map((broker) => broker.port)).size).to.equal(3)
  })
})
