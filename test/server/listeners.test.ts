import { expect } from 'chai'
import {
  ListenerConfigError,
  type ListenerSettings,
  parseListeners,
  withPeerListener,
} from '../../lib/server/listeners.js'

const defaults: ListenerSettings = {
  listeners: 'PLAINTEXT://127.0.0.1:9092',
  advertisedListeners: null,
  securityProtocolMap: 'PLAINTEXT:PLAINTEXT,SSL:SSL',
  interBrokerListenerName: null,
}
const parse = (settings: Partial<ListenerSettings>) => parseListeners({ ...defaults, ...settings })

describe('server/listeners', () => {
  it('takes one listener and uses it between brokers', () => {
    expect(parse({})).to.deep.equal({
      specs: [{ name: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: '127.0.0.1', port: 9092, advertised: null }],
      interBrokerListenerName: 'PLAINTEXT',
    })
  })

  it('gives each named listener its own advertised address', () => {
    const { specs, interBrokerListenerName } = parse({
      listeners: 'internal://:9093, EXTERNAL://[::1]:9092',
      advertisedListeners: 'EXTERNAL://kafka.example:19092,INTERNAL://broker-1:9093',
      securityProtocolMap: 'INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT',
      interBrokerListenerName: 'INTERNAL',
    })
    expect(specs.map(({ name, host, advertised }) => [name, host, advertised?.host, advertised?.port])).to.deep.equal([
      ['INTERNAL', '0.0.0.0', 'broker-1', 9093],
      ['EXTERNAL', '::1', 'kafka.example', 19092],
    ])
    expect(interBrokerListenerName).to.equal('INTERNAL')
  })

  it('lets brokers connect to a free port beside the first listener, or to CONTROLLER where it is named', () => {
    const free = withPeerListener(parse({ advertisedListeners: 'PLAINTEXT://broker-1:9092' }))
    expect(free.map(({ name, host, port, advertised }) => [name, host, port, advertised?.host])).to.deep.equal([
      ['PLAINTEXT', '127.0.0.1', 9092, 'broker-1'],
      ['CONTROLLER', '127.0.0.1', 0, 'broker-1'],
    ])
    const fixed = withPeerListener(parse({ listeners: 'PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093' }))
    expect(fixed.map(({ name, port, securityProtocol }) => [name, port, securityProtocol])).to.deep.equal([
      ['PLAINTEXT', 9092, 'PLAINTEXT'],
      ['CONTROLLER', 9093, 'PLAINTEXT'],
    ])
  })

  const refused: [string, Partial<ListenerSettings>, RegExp][] = [
    ['an empty list', { listeners: '' }, /listeners is empty/],
    ['a form that is not NAME://HOST:PORT', { listeners: '127.0.0.1:9092' }, /not of the form NAME/],
    ['a port out of range', { listeners: 'PLAINTEXT://h:65536' }, /not of the form/],
    ['a name twice', { listeners: 'PLAINTEXT://h:1,PLAINTEXT://h:2' }, /listener PLAINTEXT twice/],
    ['a port twice', { listeners: 'A://h:1,B://h:1', securityProtocolMap: 'A:PLAINTEXT,B:PLAINTEXT' }, /port 1 twice/],
    ['an advertised name that does not listen', { advertisedListeners: 'OTHER://h:1' }, /OTHER, which is not among/],
    ['an advertised wildcard', { advertisedListeners: 'PLAINTEXT://0.0.0.0:9092' }, /no client can connect to/],
    ['a listener without a protocol', { listeners: 'ODD://h:1' }, /ODD has no security protocol/],
    ['a protocol that does not exist', { securityProtocolMap: 'PLAINTEXT:TLS' }, /it must be one of/],
    ['a protocol that is not served yet', { listeners: 'SSL://h:1' }, /does not serve yet/],
    ['a broken protocol map', { securityProtocolMap: 'PLAINTEXT' }, /not of the form NAME:PROTOCOL/],
    ['an inter-broker listener that does not exist', { interBrokerListenerName: 'X' }, /X, which is not among/],
  ]
  for (const [what, settings, message] of refused) {
    it(`refuses ${what} with a sentence`, () => {
      expect(() => parse(settings)).to.throw(ListenerConfigError, message)
    })
  }
})
