import { createServer } from 'node:net'
import { expect } from 'chai'
import { buildBatch } from '../../protocol/index.js'
import type { FakeProgramOptions } from '../support/fake-program.js'
import { run } from './support.js'

const FORM = 'It must be HOST:PORT, like 127\\.0\\.0\\.1:9092\\.'
const ONE_PROCESS = '--brokers and --broker-ids are for one process; with --zookeeper start one process per broker\\.'
const REACHABLE = 'It must be an address that a client can connect to'

/** Every wrong command line: its arguments and its sentence. All end with exit code 2. */
const WRONG: readonly [args: string[], sentence: string][] = [
  [['topic', 'list'], 'There is no command topic: did you mean topics\\?'],
  [['strat'], 'There is no command strat: did you mean start\\?'],
  [['help', 'strat'], 'There is no command strat: did you mean start\\?'],
  [['--listn', 'x'], "error: unknown option '--listn' \\(Did you mean --listen\\?\\)"],
  [['--listen'], ".*'--listen <HOST:PORT>' argument missing"],
  [['--advertise', '[::]:9092'], `.* ${REACHABLE}.*`],
  [['--advertise', ':9092'], `.* ${REACHABLE}.*`],
  [['--id', '1.5'], '.* It must be a whole number from 0 to 2147483647\\.'],
  [['--set', 'listeners=SSL://127.0.0.1:0'], 'The listener SSL wants SSL, which this version does not serve yet.*'],
  [['--set', 'listeners=127.0.0.1:0'], 'listeners has "127\\.0\\.0\\.1:0", which is not of the form .*'],
  [['--set', 'advertised.listeners=A://h:1'], 'advertised\\.listeners names A, which is not among the listeners\\.'],
  [['--config', '/bad'], 'There is no broker config called colour\\.'],
  [['--listen', 'nosuchhost.invalid:0'], 'Cannot listen on nosuchhost\\.invalid:0: .*'],
  [['--brokers', '0'], '.* It must be a whole number from 1 to 100\\.'],
  [['--brokers', '101'], '.* It must be a whole number from 1 to 100\\.'],
  [['--broker-ids', '1,x'], '.* It must be a list of whole numbers, like 101,102,103\\.'],
  [['--broker-ids', '1,2,1'], 'brokerIds has to name 3 different ids, not 1, 2, 1\\.'],
  [['--broker-ids', '1,2', '--brokers', '3'], 'brokerIds has to name 3 different ids, not 1, 2\\.'],
  [['--brokers', '3', '--racks', 'a,b'], 'racks has to name one for each of 3 brokers, not 2\\.'],
  [['--brokers', '2', '--racks', 'a,'], '.* It must be a list of names, like a,b,c\\.'],
  [['--racks', 'a'], '--racks is for several brokers; one broker takes --set broker\\.rack=NAME\\.'],
  [['--brokers', '2', '--id', '1'], 'Several brokers take --broker-ids, not --id\\.'],
  [['--brokers', '2', '--set', 'node.id=1'], 'Several brokers take --broker-ids, not node\\.id\\.'],
  [
    ['--brokers', '2', '--data-dir', '/a,/b'],
    'Several brokers take one --data-dir: each has a folder of its own in it\\.',
  ],
  [
    ['--brokers', '2', '--set', 'listeners=A://:0,B://:1'],
    'Several brokers have one listener each, and listeners names more.*',
  ],
  [['--brokers', '2', '--set', 'colour=blue'], 'There is no broker config called colour\\.'],
  [['--brokers', '2', '--zookeeper', 'a:1'], `${ONE_PROCESS}.*`],
  [['--broker-ids', '1', '--zookeeper', 'a:1'], `${ONE_PROCESS}.*`],
  [['--zookeeper', '127.0.0.1'], `.* ${FORM}`],
  [['--zookeeper', 'a:1/b/../c'], '.* It must be an absolute path, like /odradek\\.'],
  [['--zookeeper', 'a:1/x,b:1/x'], '.* The chroot comes once, behind the last server: .*'],
  [['--zookeeper', 'a:1', '--zookeeper-chroot', 'b'], '.* It must be an absolute path, like /odradek\\.'],
  [
    ['--zookeeper', 'a:1/x', '--zookeeper-chroot', '/y'],
    '--zookeeper ends in the chroot /x, and --zookeeper-chroot is /y: give one of them\\.',
  ],
  [['--zookeeper', 'a:1', '--zookeeper-auth', 'me'], '.* It must be user:password\\.'],
  [['--zookeeper', 'a:1', '--zookeeper-session-timeout', '1'], '.* It must be a whole number from 100 to 600000\\.'],
  [
    ['--zookeeper', 'a:1', '--listen', ':9092'],
    'The other brokers cannot connect to 0\\.0\\.0\\.0: .* --advertise HOST:PORT\\.',
  ],
  [['--zookeeper-chroot', '/a'], '--zookeeper-chroot is of no use without --zookeeper\\.'],
  [['--zookeeper-auth', 'a:b'], '--zookeeper-auth is of no use without --zookeeper\\.'],
  [['--zookeeper-timeout', '1'], '--zookeeper-timeout is of no use without --zookeeper\\.'],
  [['--zookeeper-session-timeout', '6000'], '--zookeeper-session-timeout is of no use without --zookeeper\\.'],
  [['cluster', 'state'], "error: unknown command 'state'.*"],
  [['topics', 'create'], "error: missing required argument 'name'"],
  [['topics', 'create', 'a', '--replication-factor', 'x'], '.* It must be a whole number from 1 to 32767\\.'],
  [['topics', 'create', 'a', '--config', 'x'], '.* It must be key=value\\.'],
  [['topics', 'list', 'extra'], "error: too many arguments for 'list'.*"],
  [['topics', 'list', '--bootstrap', 'a:1,'], `.* ${FORM}`],
  [['topics', 'list', '--bootstrap', 'a:0'], `.* ${REACHABLE}.*`],
  [['groups', 'reset', 'g', '--topic', 't', '--to', 'lates'], '.* It must be earliest, latest, an offset, or a time.*'],
  [['produce'], "error: missing required argument 'topic'"],
  [['consume', 't', '--timeout', 'x'], '.* It must be a whole number from 1 to 2147483647\\.'],
  [['configs', 'describe', '--broker', 'x'], '.* It must be a whole number from 0 to 2147483647\\.'],
  [['explain'], "error: missing required argument 'hex'"],
  [['explain', ''], 'The frame must be an even number of hexadecimal digits\\.'],
  [['explain', '00', '--response', '999:0'], 'No API has the key 999\\.'],
  [['explain', '00', '--response', '18:99'], 'ApiVersions has the versions 0-5, not 99\\.'],
]

describe('cli usage', () => {
  for (const [args, sentence] of WRONG) {
    it(`odradek ${args.map((arg) => arg || "''").join(' ')}: one sentence and exit code 2`, async () => {
      const program = await run(args, { files: { '/bad': 'colour=blue' } })
      expect(program.stderr).to.match(new RegExp(`^${sentence}\\n$`))
      expect(program.stdout).to.equal('')
      expect(program.exitCode).to.equal(2)
    })
  }

  it('odradek --version', async () => {
    const program = await run(['--version'])
    expect(program.stdout).to.match(/^\d+\.\d+\.\d+\n$/)
    expect(program.exitCode).to.equal(0)
  })

  it('something that is no Kafka', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {}).resume()
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const program = await run(['api-versions', '--bootstrap', `127.0.0.1:${port}`])
    await new Promise((resolve) => server.close(resolve))
    expect(program.stderr).to.equal(
      'Lost the connection to the broker: what answers there does not speak the Kafka protocol.\n',
    )
    expect(program.exitCode).to.equal(1)
  })
})

describe('cli explain', () => {
  it('a response: body alone, with its header, with its size', async () => {
    const body = '0000000000010012000000050'.slice(0, 24)
    for (const hex of [body, `00000001${body}`, `0000001000000001${body}`]) {
      const program = await run(['explain', '--response', '18:0', hex])
      expect({ hex, code: program.exitCode, err: program.stderr }).to.deep.equal({ hex, code: 0, err: '' })
      expect(program.stdout).to.match(/apiKeys\[0\]\.maxVersion\t5/)
    }
  })
})

describe('cli dump', () => {
  const dump = (name: string, content: Buffer, ...flags: string[]) =>
    run(['dump', name, ...flags], { files: { [name]: content } } as FakeProgramOptions)
  const first = buildBatch([{ key: 'k', value: 'v', timestamp: 1000 }], { baseOffset: 5 })
  const second = buildBatch(
    [{ value: Buffer.from([0xff]), timestamp: 2000, headers: [{ key: 'h', value: Buffer.from('x') }] }],
    { baseOffset: 6 },
  )
  const log = Buffer.concat([first, second])

  it('batches of a segment', async () => {
    const program = await dump('a-0/00000000000000000005.log', log)
    expect(program.exitCode).to.equal(0)
    expect(program.rows.map((row) => row.slice(0, 5))).to.deep.equal([
      ['0', String(first.length), '5', '5', '1'],
      [String(first.length), String(second.length), '6', '6', '1'],
    ])
  })

  it('records of a segment, bytes that are no text too', async () => {
    const program = await dump('x.log', log, '--records', '--json')
    expect(program.json).to.deep.equal([
      { offset: 5, timestamp: 1000, key: 'k', value: 'v', headers: [] },
      { offset: 6, timestamp: 2000, key: null, value: { base64: '/w==' }, headers: [{ key: 'h', value: 'x' }] },
    ])
    expect((await dump('x.log', log, '--records')).rows[0]).to.deep.equal(['5', '1000', 'k', 'v', '-'])
  })

  it('what is broken, after what is not', async () => {
    const torn = await dump('x.log', log.subarray(0, -1))
    expect(torn.exitCode).to.equal(1)
    expect(torn.rows).to.have.length(1)
    expect(torn.stderr).to.equal(
      `x.log: the last ${second.length - 1} bytes, from byte ${first.length}, are no whole batch.\n`,
    )
    const flipped = Buffer.from(log)
    flipped[first.length - 1]! ^= 1
    const wrong = await dump('x.log', flipped, '--records')
    expect(wrong.exitCode).to.equal(1)
    expect(wrong.rows).to.have.length(1)
    expect(wrong.stderr).to.equal('x.log: the batch at byte 0 has a wrong CRC.\n')
    const noise = await dump('x.log', Buffer.alloc(100, 0xff))
    expect(noise.exitCode).to.equal(1)
    expect(noise.stderr).to.match(/^x\.log: a batch at byte 0 declares 11 bytes/)
  })

  it('indexes, without the zeros they are preallocated with', async () => {
    const offsets = Buffer.alloc(24)
    offsets.writeInt32BE(3, 0)
    offsets.writeInt32BE(4096, 4)
    expect((await dump('00000000000000000100.index', offsets)).rows).to.deep.equal([['103', '4096']])
    const times = Buffer.alloc(24)
    times.writeBigInt64BE(1000n, 0)
    times.writeInt32BE(3, 8)
    expect((await dump('00000000000000000100.timeindex', times)).rows).to.deep.equal([['1000', '103']])
    expect((await dump('00000000000000000000.index', Buffer.alloc(80))).rows).to.deep.equal([])
    expect((await dump('00000000000000000000.timeindex', Buffer.alloc(120))).rows).to.deep.equal([])
    const aborted = Buffer.alloc(34)
    aborted.writeBigInt64BE(9n, 2)
    aborted.writeBigInt64BE(1n, 10)
    aborted.writeBigInt64BE(4n, 18)
    aborted.writeBigInt64BE(2n, 26)
    expect((await dump('x.txnindex', aborted)).rows).to.deep.equal([['9', '1', '4', '2']])
    const odd = await dump('x.index', Buffer.alloc(9))
    expect(odd.exitCode).to.equal(1)
    expect(odd.stderr).to.match(/no whole number of entries of 8 bytes\.\n$/)
  })

  it('an empty segment', async () => {
    const program = await dump('x.log', Buffer.alloc(0))
    expect([program.stdout, program.exitCode]).to.deep.equal(['', 0])
  })
})
