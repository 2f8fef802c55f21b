import { expect } from 'chai'
import { BrokerConfig } from '../../lib/metadata/broker-config.js'
import { brokerIdOf, checkValues, connectionLimits, listenersOf, StartError } from '../../lib/server/options.js'

const config = (values: Record<string, string> = {}) => new BrokerConfig({ brokerId: 1, values })

function refusal(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    expect(error).to.be.instanceOf(StartError)
    expect((error as StartError).code).to.equal('ERR_ODRADEK_CONFIG')
    return (error as StartError).message
  }
  throw new Error('nothing was refused')
}

describe('server/options', () => {
  it('refuses names that Kafka does not know and values that it would refuse, in a sentence', () => {
    checkValues({ 'num.partitions': '3', 'listener.name.inside.ssl.keystore.location': '/x' })
    expect(refusal(() => checkValues({ 'num.partition': '3' }))).to.include('num.partition')
    expect(refusal(() => checkValues({ 'num.partitions': 'three' }))).to.include('three')
    expect(refusal(() => checkValues({ 'num.partitions': '0' }))).to.include('num.partitions')
    const bad = { 'max.connections.per.ip.overrides': '10.0.0.1:many' }
    expect(refusal(() => checkValues(bad))).to.include("'10.0.0.1:many'")
  })

  it('finds the broker’s id', () => {
    expect(brokerIdOf({})).to.equal(1)
    expect(brokerIdOf({ 'broker.id': '7' })).to.equal(7)
    expect(brokerIdOf({ 'broker.id': '7', 'node.id': '8' })).to.equal(8)
    for (const bad of ['-1', 'x', '1.5']) expect(refusal(() => brokerIdOf({ 'node.id': bad }))).to.include(bad)
  })

  it('reads the listeners', () => {
    const { specs } = listenersOf(
      config({ listeners: 'PLAINTEXT://0.0.0.0:9092', 'advertised.listeners': 'PLAINTEXT://kafka.example:19092' }),
    )
    expect(specs[0]).to.deep.include({
      host: '0.0.0.0',
      port: 9092,
      advertised: { host: 'kafka.example', port: 19092 },
    })
    expect(refusal(() => listenersOf(config({ listeners: 'nonsense' })))).to.include('nonsense')
  })

  it('has Kafka’s limits for connections', () => {
    const limits = connectionLimits(config())
    expect(limits).to.include({ maxFrameBytes: 104_857_600, maxIdleMs: 600_000, maxQueuedRequestBytes: -1 })
    expect([limits.maxConnections(), limits.maxConnectionsPerAddress('10.0.0.1')]).to.deep.equal([
      2 ** 31 - 1,
      2 ** 31 - 1,
    ])
    // Kafka's own default of 50 is not taken: too few for many clients that come back at once.
    expect(limits.backlog).to.equal(undefined)
    expect(connectionLimits(config({ 'socket.listen.backlog.size': '50' })).backlog).to.equal(50)
    expect(connectionLimits(config({ 'socket.listen.backlog.size': '-1' })).backlog).to.equal(undefined)
  })

  it('reads the limits per address, IPv6 too', () => {
    const overrides = '10.0.0.1:3, ::1:0,fe80::1:12'
    const limits = connectionLimits(
      config({ 'max.connections.per.ip': '5', 'max.connections.per.ip.overrides': overrides }),
    )
    const of = (address: string) => limits.maxConnectionsPerAddress(address)
    expect([of('10.0.0.1'), of('::1'), of('fe80::1'), of('10.0.0.2')]).to.deep.equal([3, 0, 12, 5])
  })
})
