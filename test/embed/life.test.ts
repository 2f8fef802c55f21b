import { once } from 'node:events'
import { connect } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import FakeTimers from '@sinonjs/fake-timers'
import { expect } from 'chai'
import { type ISocketFactory, Kafka, logLevel } from 'kafkajs'
import { Broker, BrokerError, type Logger } from '../../lib/index.js'
import { ErrorCode } from '../../protocol/index.js'
import { ApiVersions, Fetch, FindCoordinator, JoinGroup, Metadata } from '../../protocol/messages/index.js'
import { RawClient } from '../support/raw-client.js'

/** The client's end of a stream into the broker, dressed as the socket that kafkajs expects. */
const streamFactory =
  (broker: Broker): ISocketFactory =>
  ({ onConnect }) => {
    const [ours, theirs] = duplexPair()
    broker.handle(theirs)
    queueMicrotask(onConnect)
    return Object.assign(ours, { unref: () => {} }) as unknown as ReturnType<ISocketFactory>
  }

const kafkaOf = (broker: Broker, options: { socketFactory?: ISocketFactory } = {}): Kafka =>
  new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING, retry: { retries: 0 }, ...options })

function joinRequest(memberId: string) {
  return {
    groupId: 'g',
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    memberId,
    groupInstanceId: null,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    reason: null,
  }
}

/** A member that has joined as the leader and does not sync: whoever asks is told that the group is on its way. */
async function joinAlone(client: RawClient): Promise<string> {
  expect((await client.send(FindCoordinator, 1, { key: 'g', keyType: 0 })).errorCode).to.equal(0)
  const { memberId } = await client.send(JoinGroup, 5, joinRequest(''))
  expect((await client.send(JoinGroup, 5, joinRequest(memberId))).errorCode).to.equal(0)
  return memberId
}

/** A fetch at the end of the topic that nothing will answer for a minute. */
function postLongFetch(client: RawClient, topic: string): void {
  const partition = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }
  client.post(Fetch, 4, {
    replicaId: -1,
    maxWaitMs: 60_000,
    minBytes: 1,
    maxBytes: 1 << 20,
    isolationLevel: 0,
    topics: [{ topic, partitions: [partition] }],
  })
}

async function rejection(promise: Promise<unknown>): Promise<BrokerError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).to.be.instanceOf(BrokerError)
  return error as BrokerError
}

const notReady = (broker: Broker): Promise<BrokerError> =>
  rejection(broker.groupReady('g', { members: 3, timeoutMs: 1 }))

async function timeOf(work: Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work
  return performance.now() - start
}

/** What the broker may not add to: everything that keeps a process alive. */
const resources = (): Record<string, number> => {
  const found: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) {
    // The test runner's own.
    if (!/^(Timeout|Immediate|TTYWrap|PipeWrap|FSReqCallback|FSReqPromise)$/.test(name))
      found[name] = (found[name] ?? 0) + 1
  }
  return found
}

describe('embed: without a socket', () => {
  it('listens nowhere and names itself so that no client goes astray', async () => {
    const broker = await Broker.create({ listen: false })
    expect([broker.port, broker.bootstrapServers, broker.brokers]).to.deep.equal([
      0,
      'odradek.invalid:9092',
      ['odradek.invalid:9092'],
    ])
    const [ours, theirs] = duplexPair()
    broker.handle(theirs)
    const client = new RawClient(ours)
    const { brokers } = await client.send(Metadata, 9, { topics: [], allowAutoTopicCreation: false })
    expect(brokers.map(({ host, port }) => `${host}:${port}`)).to.deep.equal(broker.brokers)
    await broker.close()
    await client.closed
  })

  it('names itself as it is told', async () => {
    const broker = await Broker.create({ listen: false, advertisedHost: 'broker-7', advertisedPort: 7 })
    expect(broker.brokers).to.deep.equal(['broker-7:7'])
    await broker.close()
  })

  it('serves kafkajs over streams: a group consumes what is produced', async () => {
    const broker = await Broker.create({ listen: false, topics: ['orders'] })
    const kafka = kafkaOf(broker, { socketFactory: streamFactory(broker) })
    const consumer = kafka.consumer({ groupId: 'g' })
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders' })
    const seen = new Promise<string>((resolve) => {
      void consumer.run({ eachMessage: async ({ message }) => resolve(String(message.value)) })
    })
    const [member] = await broker.groupReady('g')
    expect(member!.clientId).to.equal('kafkajs')
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic: 'orders', messages: [{ value: 'first' }] })
    expect(await seen).to.equal('first')
    await producer.disconnect()
    await consumer.disconnect()
    await broker.close()
  })

  it('takes streams beside its listener', async () => {
    const broker = await Broker.create({ host: '0.0.0.0' })
    const [ours, theirs] = duplexPair()
    broker.handle(theirs)
    const client = new RawClient(ours)
    const { brokers } = await client.send(Metadata, 9, { topics: [], allowAutoTopicCreation: false })
    expect(brokers[0]).to.include({ host: '127.0.0.1', port: broker.port })
    client.close()
    await broker.close()
  })

  it('destroys a stream that comes after the close', async () => {
    const broker = await Broker.create({ listen: false })
    await broker.close()
    const [, theirs]: Duplex[] = duplexPair()
    broker.handle(theirs!)
    expect(theirs!.destroyed).to.equal(true)
  })
})

describe('embed: groupReady', () => {
  it('says how far the group is when it takes too long', async () => {
    const broker = await Broker.create()
    const none = await rejection(broker.groupReady('g', { timeoutMs: 5 }))
    expect(none.code).to.equal('ERR_ODRADEK_GROUP_NOT_READY')
    expect(none.message).to.equal('The group g was not ready with 1 member within 5 ms: it is not there.')
    const client = await RawClient.connect(broker.bootstrapServers)
    await joinAlone(client)
    const joined = await rejection(broker.groupReady('g', { members: 2, timeoutMs: 5 }))
    expect(joined.message).to.match(/with 2 members within 5 ms: it is CompletingRebalance with 1 member/)
    client.close()
    await broker.close()
  })

  it('waits for as many members as asked for', async () => {
    const broker = await Broker.create({ topics: [{ name: 'orders', partitions: 2 }] })
    const kafka = kafkaOf(broker)
    // The first hears of the second with its next heartbeat, which kafkajs sends between fetches.
    const options = { groupId: 'g', heartbeatInterval: 20, maxWaitTimeInMs: 20 }
    const consumers = [kafka.consumer(options), kafka.consumer(options)]
    const ready = broker.groupReady('g', { members: 2 })
    const running: Promise<void>[] = []
    for (const consumer of consumers) {
      await consumer.connect()
      await consumer.subscribe({ topic: 'orders' })
      running.push(consumer.run({ eachMessage: async () => {} }))
    }
    expect(await ready).to.have.length(2)
    expect(await broker.groupReady('g', { members: 2 })).to.have.length(2)
    // A kafkajs consumer that is disconnected before its `run` is through starts itself again, and again.
    await Promise.all(running)
    await Promise.all(consumers.map((consumer) => consumer.disconnect()))
    await broker.close()
  })

  it('gives up when the broker closes, and at once when it is closed', async () => {
    const broker = await Broker.create()
    const waiting = rejection(broker.groupReady('g'))
    await broker.close()
    expect((await waiting).message).to.equal('The broker was closed before the group g was ready.')
    for (const call of [broker.groupReady('g'), broker.createTopic('a'), broker.deleteTopic('a')]) {
      expect((await rejection(call)).code).to.equal('ERR_ODRADEK_CLOSED')
    }
  })
})

describe('embed: close', () => {
  it('answers a waiting fetch and a waiting join, and takes no time for it', async () => {
    const broker = await Broker.create({ topics: ['orders'] })
    const [fetcher, first, second] = await Promise.all([1, 2, 3].map(() => RawClient.connect(broker.bootstrapServers)))
    postLongFetch(fetcher!, 'orders')
    await joinAlone(first!)
    const { memberId } = await second!.send(JoinGroup, 5, joinRequest(''))
    const join = second!.send(JoinGroup, 5, joinRequest(memberId))
    while (!/it is PreparingRebalance with 2 members/.test((await notReady(broker)).message));
    const elapsedMs = await timeOf(broker.close())
    expect((await join).errorCode).to.equal(ErrorCode.NOT_COORDINATOR)
    expect((await fetcher!.frame()).length).to.be.greaterThan(0)
    await Promise.all([fetcher!.closed, first!.closed, second!.closed])
    expect(elapsedMs).to.be.lessThan(250)
  })

  it('is done once, however often it is asked for', async () => {
    const broker = await Broker.create()
    await Promise.all([broker.close(), broker.close(), broker[Symbol.asyncDispose]()])
    await broker.close()
    const socket = connect(broker.port, '127.0.0.1')
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).to.equal('ECONNREFUSED')
  })

  it('goes with its scope', async () => {
    let port = 0
    {
      await using broker = await Broker.create()
      port = broker.port
    }
    const next = await Broker.create({ port })
    await next.close()
  })

  it('leaves nothing that keeps the process alive', async () => {
    const before = resources()
    for (let round = 0; round < 3; round += 1) {
      const broker = await Broker.create({ topics: ['orders'] })
      const client = await RawClient.connect(broker.bootstrapServers)
      postLongFetch(client, 'orders')
      const closed = client.closed
      await broker.close()
      await closed
      client.close()
    }
    await new Promise((resolve) => setImmediate(resolve))
    expect(resources()).to.deep.equal(before)
  })

  it('says nothing afterwards', async () => {
    const lines: string[] = []
    const say = (message: string): void => void lines.push(message)
    const logger: Logger = { trace: say, debug: say, info: say, warn: say, error: say }
    const broker = await Broker.create({ logger, topics: ['orders'] })
    const client = await RawClient.connect(broker.bootstrapServers)
    client.bytes(Buffer.from([0x7f, 0xff, 0xff, 0xff]))
    await client.closed
    expect(lines.join('\n')).to.match(/Closing connection/)
    const late = await RawClient.connect(broker.bootstrapServers)
    postLongFetch(late, 'orders')
    await broker.close()
    const said = lines.length
    late.close()
    broker.handle(duplexPair()[0])
    await new Promise((resolve) => setImmediate(resolve))
    expect(lines.length).to.equal(said)
  })
})

describe('embed: in a test with fake timers', () => {
  it('goes on while time stands still', async () => {
    // Not nextTick and queueMicrotask: Node's own streams stand still without them, the client's first.
    const clock = FakeTimers.install({ toNotFake: ['nextTick', 'queueMicrotask'] })
    try {
      const broker = await Broker.create({ topics: ['orders'] })
      const client = await RawClient.connect(broker.bootstrapServers)
      expect((await client.send(ApiVersions, 0, {})).errorCode).to.equal(0)
      // The fetch's own time runs in the broker, in real time.
      const partition = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1024 }
      const fetched = await client.send(Fetch, 4, {
        replicaId: -1,
        maxWaitMs: 10,
        minBytes: 1,
        maxBytes: 1024,
        isolationLevel: 0,
        topics: [{ topic: 'orders', partitions: [partition] }],
      })
      expect(fetched.responses[0]!.partitions[0]!.errorCode).to.equal(0)
      expect((await rejection(broker.groupReady('g', { timeoutMs: 5 }))).code).to.equal('ERR_ODRADEK_GROUP_NOT_READY')
      client.close()
      await broker.close()
      expect(clock.countTimers()).to.equal(0)
    } finally {
      clock.uninstall()
    }
  })
})
