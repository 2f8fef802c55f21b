import { expect } from 'chai'
import { plainStart } from '../../lib/cli/start-flags.js'

const DEFAULTS = { profile: 'test', logLevel: 'info' }

describe('cli plain start', () => {
  const plain: Record<string, object> = {
    '': {},
    start: {},
    '--listen 127.0.0.1:0': { listen: { host: '127.0.0.1', port: 0 } },
    'start --listen=[::1]:9 --json --id 3': { listen: { host: '::1', port: 9 }, json: true, id: 3 },
    '--set a=1 --set b=x=y --data-dir /a,/b --data-dir /c': { set: { a: '1', b: 'x=y' }, dataDir: ['/a', '/b', '/c'] },
    '--log-level warn --log-level error --profile kafka': { logLevel: 'error', profile: 'kafka' },
    '--brokers 3 --broker-ids 1,2,3 --racks a,b,c': { brokers: 3, brokerIds: [1, 2, 3], racks: ['a', 'b', 'c'] },
  }
  for (const [line, flags] of Object.entries(plain)) {
    it(`reads "${line}"`, () => {
      expect(plainStart(line.split(' ').filter((word) => word !== ''))).to.deep.equal({ ...DEFAULTS, ...flags })
    })
  }

  for (const line of [
    '--help',
    '-h',
    '--version',
    'help start',
    'topics list',
    'strat',
    '--listn x',
    '--listen',
    '--id 1.5',
    'start now',
    '--zookeeper h:1',
  ]) {
    it(`leaves "${line}" to the library`, () => {
      expect(plainStart(line.split(' '))).to.equal(null)
    })
  }

  it('leaves what ends the flags, and a value that looks like a flag, to the library', () => {
    expect(plainStart(['--'])).to.equal(null)
    expect(plainStart(['--config', '--json'])).to.equal(null)
  })
})
