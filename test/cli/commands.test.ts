import { expect } from 'chai'
import { Broker } from '../../lib/embed/broker.js'
import { type Ended, launch, run } from './support/program.js'

describe('cli commands', function () {
  this.timeout(20_000)
  let broker: Broker
  let bootstrap: string[]
  before(async () => {
    broker = await Broker.create({ topics: [{ name: 'two', partitions: 2 }, 'one', 'many', 'text', 'codecs', 'gone'] })
    // The first address is dead: every command goes on to the second.
    bootstrap = ['--bootstrap', `127.0.0.1:1,${broker.bootstrapServers}`]
  })
  after(() => broker.close())

  const odradek = (args: readonly string[], input?: string): Promise<Ended> => run([...args, ...bootstrap], input)
  const succeeds = async (args: readonly string[], input?: string): Promise<string> => {
    const { code, out, err } = await odradek(args, input)
    expect([code, err]).to.deep.equal([0, ''])
    return out
  }

  it('topics: create, describe with configs, delete', async () => {
    const args = ['create', 'made', '--partitions', '2', '--replication-factor', '1', '--config', 'retention.ms=5000']
    expect(await succeeds(['topics', ...args])).to.equal('Created topic made.\n')
    const [plain, json] = await Promise.all([
      succeeds(['topics', 'describe', 'made']),
      succeeds(['topics', 'describe', 'made', '--json']),
    ])
    expect(plain).to.match(/^made\t0\t1\t1\t1\t0\t0\nmade\t1\t1\t1\t1\t0\t0\n/)
    expect(plain).to.include('config\tretention.ms=5000\n')
    const described = JSON.parse(json)
    expect(described.configs).to.include({ 'retention.ms': '5000' })
    expect(described.partitions[1]).to.deep.equal({
      partition: 1,
      leader: 1,
      replicas: [1],
      isr: [1],
      low: '0',
      high: '0',
    })
    expect(await succeeds(['topics', 'delete', 'made', 'gone', '--json'])).to.equal('{"deleted":["made","gone"]}\n')
    const names = JSON.parse(await succeeds(['topics', 'list', '--json'])).map((one: { name: string }) => one.name)
    expect(names).to.include('one').and.not.include.members(['made', 'gone'])
  })

  it('produce takes CRLF, empty lines and a last line without its end; consume gives them back', async () => {
    const flags = ['--key-separator', ':', '--header', 'a=1', '--header', 'a=2']
    expect(await succeeds(['produce', 'text', ...flags], 'k:v:w\r\n\r\n:empty\nlast')).to.equal(
      'Produced 4 records to text.\n',
    )
    const from = ['consume', 'text', '--from-beginning', '--max', '4']
    const [plain, json, groups] = await Promise.all([
      succeeds([...from, '--format', '%o %k=%v %h']),
      succeeds([...from, '--json']),
      succeeds(['consume', 'text', '--from-beginning', '--timeout', '1500']),
    ])
    expect(plain).to.equal('0 k=v:w a=1,a=2\n1 = a=1,a=2\n2 =empty a=1,a=2\n3 =last a=1,a=2\n')
    const records = json
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(records.map(({ key, value }) => [key, value])).to.deep.equal([
      ['k', 'v:w'],
      [null, ''],
      ['', 'empty'],
      [null, 'last'],
    ])
    expect(groups).to.equal('v:w\n\nempty\nlast\n')
    expect(await succeeds(['groups', 'list', '--json'])).not.to.include('odradek-cli')
  })

  it('produce compresses with every codec, acks 0 included', async () => {
    for (const codec of ['gzip', 'snappy', 'lz4', 'zstd']) {
      const flags = ['--compression', codec, '--acks', codec === 'zstd' ? '0' : 'all', '--json']
      expect(await succeeds(['produce', 'codecs', ...flags], `${codec}\n`)).to.equal('{"topic":"codecs","records":1}\n')
    }
    expect(await succeeds(['consume', 'codecs', '--from-beginning', '--max', '4'])).to.equal(
      'gzip\nsnappy\nlz4\nzstd\n',
    )
  })

  it('consume ends quietly when the reader of a pipe goes, and leaves nothing', async () => {
    await succeeds(['produce', 'many'], 'line\n'.repeat(20_000))
    const { child, ended, output } = launch(['consume', 'many', '--from-beginning', ...bootstrap])
    await output(/line/)
    child.stdout!.destroy()
    const { code, err } = await ended
    expect([code, err]).to.deep.equal([0, ''])
  })

  it('groups: consume in one, describe it alive, reset it, delete it', async () => {
    await succeeds(['produce', 'two', '--key-separator', ':'], 'a:1\nb:2\nc:3\n')
    const { child, ended, output } = launch(['consume', 'two', '--group', 'g', '--from-beginning', ...bootstrap])
    await output(/(\d\n){3}/)
    const alive = JSON.parse(await succeeds(['groups', 'describe', 'g', '--json']))
    expect([alive.state, alive.members.length]).to.deep.equal(['Stable', 1])
    expect(alive.partitions.map((one: { member: string | null }) => one.member)).not.to.include(null)
    const [reset, removed] = await Promise.all([
      odradek(['groups', 'reset', 'g', '--topic', 'two', '--to', 'earliest']),
      odradek(['groups', 'delete', 'g']),
    ])
    expect([reset.code, reset.err]).to.deep.equal([
      1,
      'The group g has 1 active members: stop them before its offsets are reset.\n',
    ])
    expect([removed.code, removed.err]).to.deep.equal([1, 'The group g has active members: stop them first.\n'])
    child.kill('SIGINT')
    expect((await ended).code).to.equal(0)

    const lags = async (): Promise<number> => {
      const { partitions } = JSON.parse(await succeeds(['groups', 'describe', 'g', '--json']))
      return partitions.reduce((sum: number, one: { lag: string | null }) => sum + Number(one.lag), 0)
    }
    const to = (position: string): Promise<string> =>
      succeeds(['groups', 'reset', 'g', '--topic', 'two', '--to', position])
    expect(await to('earliest')).to.equal('two\t0\t0\ntwo\t1\t0\n')
    expect(await lags()).to.equal(3)
    const [offset, time] = await Promise.all([to('0'), to('2001-01-01T00:00:00Z')])
    expect([offset, time]).to.deep.equal(['two\t0\t0\ntwo\t1\t0\n', 'two\t0\t0\ntwo\t1\t0\n'])
    await to('4102444800000')
    expect(await lags()).to.equal(0)
    expect(await succeeds(['groups', 'delete', 'g'])).to.equal('Deleted group g.\n')
  })

  it('configs: alter and describe a topic and a broker', async () => {
    const alter = ['configs', 'alter', '--topic', 'one', '--set', 'retention.ms=7', '--set', 'segment.ms=8', '--json']
    expect(await succeeds(alter)).to.equal('{"topic":"one","set":{"retention.ms":"7","segment.ms":"8"},"delete":[]}\n')
    expect(await succeeds(['configs', 'alter', '--topic', 'one', '--delete', 'segment.ms'])).to.equal(
      'Altered topic one.\n',
    )
    const [plain, all, brokers] = await Promise.all([
      succeeds(['configs', 'describe', '--topic', 'one']),
      succeeds(['configs', 'describe', '--topic', 'one', '--all', '--json']),
      succeeds(['configs', 'describe', '--broker', '1']),
    ])
    expect(plain).to.include('retention.ms\t7\ttopic\tfalse\n').and.not.include('segment.ms')
    expect(JSON.parse(all).length).to.be.greaterThan(20)
    expect(brokers).to.include('node.id\t1\tstatic broker\ttrue\n')
  })

  it('api-versions names what the broker serves', async () => {
    const [plain, json] = await Promise.all([succeeds(['api-versions']), succeeds(['api-versions', '--json'])])
    expect(plain).to.match(/^0\tProduce\t0\t\d+\t\d+\n/)
    expect(JSON.parse(json)[0]).to.include({ key: 0, name: 'Produce', min: 0 })
  })
})
