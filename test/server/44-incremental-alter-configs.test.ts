import { expect } from 'chai'
import { DescribeConfigs, ErrorCode, IncrementalAlterConfigs } from '../../protocol/index.js'
import { AdminBroker } from '../support/admin-broker.js'

const TOPIC = 2
const BROKER = 4
const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3]
type Change = [name: string, operation: number | undefined, value: string | null]

describe('server/44-incremental-alter-configs', () => {
  let broker: AdminBroker
  before(async () => {
    broker = await AdminBroker.start()
    await broker.topic('t')
  })
  after(() => broker.close())

  const resource = (resourceType: number, resourceName: string, ...changes: Change[]) => ({
    resourceType,
    resourceName,
    configs: changes.map(([name, configOperation = 0, value]) => ({ name, configOperation, value })),
  })
  const alter = async (resources: ReturnType<typeof resource>[], version = 1, validateOnly = false) => {
    const { responses } = await broker.send(IncrementalAlterConfigs, version, { resources, validateOnly })
    return responses.map(({ errorCode }) => errorCode)
  }
  const one = async (...args: Parameters<typeof resource>) => (await alter([resource(...args)]))[0]
  const configValue = async (name: string, type = TOPIC, resourceName = 't') => {
    const resources = [{ resourceType: type, resourceName, configurationKeys: [name] }]
    const { results } = await broker.send(DescribeConfigs, 4, { resources })
    return results[0]?.configs[0]?.value
  }

  it('sets and deletes in every version', async () => {
    for (const version of [0, 1]) {
      expect(await alter([resource(TOPIC, 't', ['retention.ms', SET, '5'])], version)).to.deep.equal([0])
      expect(await configValue('retention.ms')).to.equal('5')
      expect(await alter([resource(TOPIC, 't', ['retention.ms', DELETE, null])], version)).to.deep.equal([0])
      expect(await configValue('retention.ms')).to.equal('604800000')
    }
  })

  it('appends and subtracts list members (behaviour 75, details 22)', async () => {
    expect(await one(TOPIC, 't', ['cleanup.policy', APPEND, 'compact'])).to.equal(0)
    expect(await configValue('cleanup.policy')).to.equal('delete,compact')
    expect(await one(TOPIC, 't', ['cleanup.policy', APPEND, 'compact'])).to.equal(0)
    expect(await one(TOPIC, 't', ['cleanup.policy', SUBTRACT, 'delete'])).to.equal(0)
    expect(await one(TOPIC, 't', ['cleanup.policy', SUBTRACT, 'delete'])).to.equal(0)
    expect(await configValue('cleanup.policy')).to.equal('compact')
    expect(await one(TOPIC, 't', ['cleanup.policy', DELETE, null])).to.equal(0)
    for (const operation of [APPEND, SUBTRACT]) {
      expect(await one(TOPIC, 't', ['retention.ms', operation, '5'])).to.equal(ErrorCode.INVALID_CONFIG)
    }
  })

  it("begins lists without a value of their own with Kafka's default, not with the brokers' value", async () => {
    await broker.topic('lists')
    const change = (operation: number, value: string | null, name = 'cleanup.policy') =>
      one(TOPIC, 'lists', [name, operation, value])
    const policy = () => configValue('cleanup.policy', TOPIC, 'lists')
    expect(await one(BROKER, '', ['log.cleanup.policy', SET, 'compact'])).to.equal(0)
    expect(await policy()).to.equal('compact')
    expect(await change(APPEND, 'delete')).to.equal(0)
    expect(await policy()).to.equal('delete')
    expect(await change(APPEND, ' compact')).to.equal(0)
    expect(await policy()).to.equal('delete,compact')
    for (const nothing of [',', 'delete,']) expect(await change(APPEND, nothing)).to.equal(0)
    expect(await change(APPEND, '')).to.equal(ErrorCode.INVALID_CONFIG)
    expect(await change(DELETE, null)).to.equal(0)
    expect(await change(SUBTRACT, 'compact')).to.equal(0)
    expect(await policy()).to.equal('delete')
    expect(await one(BROKER, '', ['log.cleanup.policy', DELETE, null])).to.equal(0)
  })

  it('refuses values and keys that do not hold (behaviour 75)', async () => {
    expect(await one(TOPIC, 't', ['retention.ms', SET, null])).to.equal(ErrorCode.INVALID_REQUEST)
    expect(await one(TOPIC, 't', ['nonsense', SET, '1'])).to.equal(ErrorCode.INVALID_CONFIG)
    expect(await one(TOPIC, 't', ['nonsense', DELETE, null])).to.equal(ErrorCode.NONE)
    expect(await one(TOPIC, 't', ['retention.ms', SET, 'x'])).to.equal(ErrorCode.INVALID_CONFIG)
    expect(await one(TOPIC, 't', ['retention.ms', 9, '1'])).to.equal(ErrorCode.INVALID_REQUEST)
    expect(await one(TOPIC, 't', ['max.compaction.lag.ms', SET, '1'], ['min.compaction.lag.ms', SET, '2'])).to.equal(40)
    expect(await one(TOPIC, 'unknown', ['retention.ms', SET, '1'])).to.equal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await one(TOPIC, 'a/b', ['retention.ms', SET, '1'])).to.equal(ErrorCode.INVALID_TOPIC_EXCEPTION)
    expect(await one(TOPIC, '', ['retention.ms', SET, '1'])).to.equal(ErrorCode.INVALID_REQUEST)
    expect(await one(99, 'x', ['retention.ms', SET, '1'])).to.equal(ErrorCode.INVALID_REQUEST)
  })

  it('spoils doubles, and each resource for itself (behaviour 76)', async () => {
    expect(await one(TOPIC, 't', ['retention.ms', SET, '1'], ['retention.ms', SET, '2'])).to.equal(42)
    const twice = resource(TOPIC, 't', ['retention.ms', SET, '1'])
    expect(await alter([twice, twice])).to.deep.equal([42, 42])
    await broker.topic('u')
    const bad = resource(TOPIC, 'u', ['retention.ms', SET, '9'], ['nonsense', SET, '1'])
    expect(await alter([bad, resource(TOPIC, 't', ['retention.ms', SET, '8'])])).to.deep.equal([40, 0])
    expect([await configValue('retention.ms', TOPIC, 'u'), await configValue('retention.ms')]).to.deep.equal([
      '604800000',
      '8',
    ])
  })

  it('changes broker configs that are dynamic (behaviour 77)', async () => {
    expect(await one(BROKER, '1', ['num.partitions', SET, '3'])).to.equal(ErrorCode.INVALID_REQUEST)
    expect(await one(BROKER, '1', ['message.max.bytes', SET, 'x'])).to.equal(ErrorCode.INVALID_REQUEST)
    expect(await one(BROKER, '1', ['made.up', SET, 'x'])).to.equal(ErrorCode.NONE)
    expect(await one(BROKER, '2', ['message.max.bytes', SET, '1'])).to.equal(ErrorCode.INVALID_REQUEST)
    expect(await one(BROKER, 'x', ['message.max.bytes', SET, '1'])).to.equal(ErrorCode.INVALID_REQUEST)
    expect(await one(BROKER, '', ['ssl.keystore.type', SET, 'PEM'])).to.equal(ErrorCode.INVALID_REQUEST)
    for (const name of ['log.retention.ms', 'log.roll.ms']) {
      for (const id of ['', '1']) expect(await one(BROKER, id, [name, SET, '0'])).to.equal(ErrorCode.INVALID_REQUEST)
    }
    expect(await one(BROKER, '', ['message.max.bytes', SET, '2000'])).to.equal(ErrorCode.NONE)
    expect(await configValue('max.message.bytes')).to.equal('2000')
    expect(await one(BROKER, '1', ['message.max.bytes', SET, '3000'])).to.equal(ErrorCode.NONE)
    expect(await configValue('max.message.bytes')).to.equal('3000')
  })

  it('moves counts of threads between half and double of what they are', async () => {
    const refused = ErrorCode.INVALID_REQUEST
    const threads = (id: string, value: string) => one(BROKER, id, ['num.io.threads', SET, value])
    for (const id of ['', '1']) {
      for (const far of ['3', '17', '100']) expect(await threads(id, far), far).to.equal(refused)
      const tried = (name: string, value: string) => alter([resource(BROKER, id, [name, SET, value])], 1, true)
      for (const [name, least, most] of [
        ['background.threads', 5, 20],
        ['log.cleaner.threads', 1, 2],
        ['num.network.threads', 1, 6],
        ['num.recovery.threads.per.data.dir', 1, 4],
        ['num.replica.fetchers', 1, 2],
        ['remote.log.reader.threads', 5, 20],
      ] as const) {
        for (const good of [least, most]) expect(await tried(name, String(good)), name).to.deep.equal([0])
        for (const bad of [least - 1, most + 1]) expect(await tried(name, String(bad)), name).to.deep.equal([refused])
      }
    }
    expect(await threads('1', '16')).to.equal(0)
    // Not in force here, so that it changes nothing.
    expect(await threads('', '99')).to.equal(0)
    expect(await one(BROKER, '', ['num.io.threads', DELETE, null])).to.equal(0)
    expect(await threads('1', '32')).to.equal(0)
    expect(await one(BROKER, '1', ['num.io.threads', DELETE, null]), 'from 32 to 8').to.equal(refused)
    expect(await threads('1', '16')).to.equal(0)
    expect(await one(BROKER, '1', ['num.io.threads', DELETE, null])).to.equal(0)
  })

  it('refuses what does not go with the other settings of a broker', async () => {
    const bad = ErrorCode.INVALID_REQUEST
    for (const id of ['', '1']) {
      expect(await one(BROKER, id, ['max.connections.per.ip', SET, '0'])).to.equal(bad)
      const allowed: Change[] = [
        ['max.connections.per.ip', SET, '0'],
        ['max.connections.per.ip.overrides', SET, '127.0.0.1:9'],
      ]
      expect(await alter([resource(BROKER, id, ...allowed)], 1, true)).to.deep.equal([0])
      expect(await one(BROKER, id, ['log.cleaner.dedupe.buffer.size', SET, '1048576'])).to.equal(bad)
      expect(await one(BROKER, id, ['max.connection.creation.rate', SET, '0'])).to.equal(bad)
      expect(await one(BROKER, id, ['max.connections', SET, '0'])).to.equal(bad)
      expect(await one(BROKER, id, ['log.cleanup.policy', SET, 'compact, compact'])).to.equal(bad)
    }
    for (const dirs of ['*,/x', '/x,/x', '/x'])
      expect(await one(BROKER, '1', ['cordoned.log.dirs', SET, dirs])).to.equal(bad)
    expect(await one(BROKER, '1', ['listeners', SET, 'PLAINTEXT://127.0.0.1:1'])).to.equal(bad)
    expect(await one(BROKER, '1', ['listener.security.protocol.map', SET, 'PLAINTEXT:SSL'])).to.equal(bad)
    for (const dirs of ['*', '']) expect(await one(BROKER, '1', ['cordoned.log.dirs', SET, dirs])).to.equal(0)
    expect(await one(BROKER, '1', ['cordoned.log.dirs', DELETE, null])).to.equal(0)
  })

  it('guards min.insync.replicas while ELR is on', async () => {
    expect(await one(BROKER, '1', ['min.insync.replicas', SET, '1'])).to.equal(ErrorCode.INVALID_CONFIG)
    expect(await one(BROKER, '1', ['min.insync.replicas', SET, '0'])).to.equal(ErrorCode.INVALID_REQUEST)
    expect(await one(BROKER, '', ['min.insync.replicas', DELETE, null])).to.equal(ErrorCode.INVALID_CONFIG)
    expect(await one(BROKER, '', ['min.insync.replicas', SET, '2'])).to.equal(ErrorCode.NONE)
    expect(await configValue('min.insync.replicas')).to.equal('2')
  })

  it('changes groups and client-metrics subscriptions', async () => {
    expect(await one(32, 'g', ['consumer.session.timeout.ms', SET, '50000'])).to.equal(0)
    expect(await configValue('consumer.session.timeout.ms', 32, 'g')).to.equal('50000')
    expect(await one(32, 'g', ['consumer.session.timeout.ms', SET, '1'])).to.equal(ErrorCode.INVALID_CONFIG)
    expect(await one(32, 'g', ['nonsense', SET, '1'])).to.equal(ErrorCode.INVALID_CONFIG)
    expect(await one(32, '', ['consumer.session.timeout.ms', SET, '50000'])).to.equal(ErrorCode.INVALID_REQUEST)
    expect(await one(16, 'm', ['interval.ms', SET, '1000'], ['match', SET, 'client_id=a.*'])).to.equal(0)
    expect(await configValue('interval.ms', 16, 'm')).to.equal('1000')
    expect(await one(16, 'm', ['interval.ms', SET, '1'])).to.equal(ErrorCode.INVALID_REQUEST)
    expect(await one(16, 'm', ['match', SET, 'shoe_size=44'])).to.equal(ErrorCode.INVALID_CONFIG)
    expect(await one(16, 'm', ['match', SET, 'client_id=a=b'])).to.equal(ErrorCode.INVALID_CONFIG)
  })

  it('refuses names in the configs of groups that cannot be meant', async () => {
    const bad = ErrorCode.INVALID_CONFIG
    const dead = 'errors.deadletterqueue.topic.name'
    for (const [topic, errorCode] of [
      ['__offsets', bad],
      ['', 0],
      ['dead', 0],
    ] as const)
      expect(await one(32, 'g', [dead, SET, topic]), topic).to.equal(errorCode)
    expect(await one(32, 'g', ['streams.assignor.name', SET, 'nobody'])).to.equal(bad)
    expect(await one(32, 'g', ['streams.assignor.name', SET, 'sticky'])).to.equal(0)
    expect(await one(32, 'g', ['streams.rack.aware.assignment.tags', SET, 'zone, zone'])).to.equal(bad)
    expect(await one(32, 'g', ['streams.rack.aware.assignment.tags', SET, 'zone,cluster'])).to.equal(0)
  })

  it('only validates when asked to', async () => {
    await broker.topic('dry')
    expect(await alter([resource(TOPIC, 'dry', ['retention.ms', SET, '5'])], 1, true)).to.deep.equal([0])
    expect(await configValue('retention.ms', TOPIC, 'dry')).to.equal('604800000')
  })
})
