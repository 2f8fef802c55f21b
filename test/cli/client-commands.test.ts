import { expect } from 'chai'
import { runProgram } from '../../lib/cli/program.js'
import { Broker } from '../../lib/embed/broker.js'
import { FakeProgram, type FakeProgramOptions } from '../support/fake-program.js'
import { run } from './support.js'

describe('cli client commands', () => {
  let broker: Broker
  let topic = ''
  let count = 0

  before(async () => {
    broker = await Broker.create()
  })
  after(() => broker.close())
  beforeEach(() => {
    topic = `t${++count}`
  })

  const cli = (line: string, options: FakeProgramOptions = {}): Promise<FakeProgram> =>
    run([...words(line), '--bootstrap', broker.bootstrapServers], options)

  /** Runs a command that must succeed without a word on standard error. */
  const ok = async (line: string, options: FakeProgramOptions = {}): Promise<FakeProgram> => {
    const program = await cli(line, options)
    expect({ stderr: program.stderr, code: program.exitCode }, line).to.deep.equal({ stderr: '', code: 0 })
    return program
  }

  const fails = async (line: string, code: number, sentence: string | RegExp, input: string[] = []): Promise<void> => {
    const program = await cli(line, { input })
    const said = program.stderr.replace(/\n$/, '')
    expect(said, line).not.to.include('\n')
    if (typeof sentence === 'string') expect(said, line).to.equal(sentence)
    else expect(said, line).to.match(sentence)
    expect(program.exitCode, line).to.equal(code)
  }

  describe('topics', () => {
    it('create, list, describe, delete', async () => {
      expect((await ok(`topics create ${topic} --partitions 2 --config retention.ms=5000000`)).stdout).to.equal(
        `Created topic ${topic}.\n`,
      )
      expect((await ok('topics list')).rows).to.deep.include([topic, '2', '1'])
      const described = (await ok(`topics describe ${topic}`)).rows
      expect(described[0]).to.deep.equal([topic, '0', '1', '1', '1', '0', '0'])
      expect(described).to.deep.include(['config', 'retention.ms=5000000'])
      const json = (await ok(`topics describe ${topic} --json`)).json as { partitions: unknown[] }
      expect(json.partitions).to.have.length(2)
      expect((await ok(`topics delete ${topic} --json`)).json).to.deep.equal({ deleted: [topic] })
      expect(((await ok('topics list --json')).json as { name: string }[]).map((one) => one.name)).not.to.include(topic)
    })

    it('is a table on a terminal', async () => {
      await broker.createTopic(topic)
      const { stdout } = await ok('topics list', { outIsTerminal: true })
      expect(stdout).to.match(/^TOPIC +PARTITIONS +REPLICAS\n/)
    })

    it("gives the broker's own reasons", async () => {
      await broker.createTopic(topic)
      await fails(`topics create ${topic}`, 1, `The topic ${topic} exists already.`)
      await fails('topics create x --config foo=bar', 2, /^INVALID_CONFIG: .*foo.*\.$/)
      await fails('topics create x --replication-factor 3', 2, /^INVALID_REPLICATION_FACTOR: .*\.$/)
      await fails('topics describe nope', 1, 'There is no topic nope.')
      await fails(`topics delete ${topic} nope`, 1, 'There is no topic nope; nothing was deleted.')
    })
  })

  describe('produce and consume', () => {
    it('a record per line, keys, headers, formats', async () => {
      const produced = await ok(`produce ${topic} --key-separator : --header a=1 --header a=2`, {
        input: ['k1:hello\r\nk2:wor', 'ld:!\n\nno key'],
      })
      expect(produced.stdout).to.equal(`Produced 4 records to ${topic}.\n`)
      const pattern = await ok(`consume ${topic} --from-beginning --max 4 --format %p|%o|%k|%v|%h`)
      expect(pattern.stdout).to.equal(
        ['0|0|k1|hello|a=1,a=2', '0|1|k2|world:!|a=1,a=2', '0|2|||a=1,a=2', '0|3||no key|a=1,a=2', ''].join('\n'),
      )
      const json = await ok(`consume ${topic} --from-beginning --max 1 --json`)
      expect(json.json).to.deep.include({ topic, partition: 0, offset: 0, key: 'k1', value: 'hello' })
    })

    for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
      it(`compression ${codec}, bytes as they are`, async () => {
        const bytes = Buffer.from([0xff, 0x00, 0xfe, 0x0d, 0x41, 0x0a])
        const { json } = await ok(`produce ${topic} --compression ${codec} --json`, { input: [bytes, bytes] })
        expect(json).to.deep.equal({ topic, records: 2 })
        for (const group of ['', ' --group g-codecs']) {
          const read = await ok(`consume ${topic} --from-beginning --max 2${group}`)
          expect(read.bytes).to.deep.equal(Buffer.concat([bytes, bytes]))
        }
      })
    }

    it('acks 0, 1 and all', async () => {
      for (const acks of ['0', '1', 'all']) await ok(`produce ${topic} --acks ${acks}`, { input: [`${acks}\n`] })
      expect((await ok(`consume ${topic} --from-beginning --max 3`)).stdout).to.equal('0\n1\nall\n')
    })

    it('batches stay below the limit of the broker however many lines there are', async () => {
      const line = `${'x'.repeat(3000)}\n`
      expect((await ok(`produce ${topic}`, { input: [line.repeat(2000)] })).stdout).to.include('2000 records')
      const read = await ok(`consume ${topic} --from-beginning --max 2000`)
      expect(read.bytes.length).to.equal(2000 * line.length)
    })

    it('says how much was produced before a record was refused', async () => {
      const input = ['small\n', `${'x'.repeat(2_000_000)}\n`]
      await fails(`produce ${topic}`, 1, new RegExp(` Before that, 1 record had been produced to ${topic}\\.$`), input)
    })

    it('sends a line at once, and what was typed before an interruption', async () => {
      async function* typing(): AsyncGenerator<Buffer> {
        yield Buffer.from('one\ntw')
        await new Promise(() => {})
      }
      await broker.createTopic(topic)
      const program = new FakeProgram(['produce', topic, '--bootstrap', broker.bootstrapServers], { input: typing() })
      const running = runProgram(program)
      expect((await ok(`consume ${topic} --from-beginning --max 1`)).stdout).to.equal('one\n')
      program.interrupt()
      await running
      expect(program.exitCode).to.equal(1)
      expect(program.stdout).to.equal(`Produced 2 records to ${topic}.\n`)
      expect(program.stderr).to.equal('Interrupted: what came after is not produced.\n')
    })

    it('nothing to produce is no error', async () => {
      expect((await ok(`produce ${topic}`)).stdout).to.equal(`Produced 0 records to ${topic}.\n`)
    })

    it('leaves nothing behind without a group', async () => {
      const other = await Broker.create({ topics: ['a'] })
      try {
        const bootstrap = ['--bootstrap', other.bootstrapServers]
        await run(['produce', 'a', ...bootstrap], { input: ['1\n'] })
        expect((await run(['consume', 'a', '--from-beginning', '--max', '1', ...bootstrap])).stdout).to.equal('1\n')
        expect((await run(['topics', 'list', ...bootstrap])).rows).to.deep.equal([['a', '1', '1']])
        expect((await run(['groups', 'list', ...bootstrap])).rows).to.deep.equal([])
      } finally {
        await other.close()
      }
    })

    it('starts at the end without --from-beginning, and ends when interrupted', async () => {
      await ok(`produce ${topic}`, { input: ['old\n'] })
      const program = new FakeProgram(['consume', topic, '--bootstrap', broker.bootstrapServers])
      const running = runProgram(program)
      // The reader has found its place some time: from then on all that is produced is seen.
      let settled = false
      const seen = program.said('new').then(() => {
        settled = true
      })
      while (!settled) await ok(`produce ${topic}`, { input: ['new\n'] })
      await seen
      program.interrupt()
      await running
      expect(program.exitCode).to.equal(0)
      expect(program.stdout).to.match(/^(new\n)+$/)
    })

    it('ends when nobody reads the output any more', async () => {
      await ok(`produce ${topic}`, { input: ['1\n'] })
      for (const group of [[], ['--group', 'g-closed']]) {
        const args = ['consume', topic, '--from-beginning', ...group, '--bootstrap', broker.bootstrapServers]
        const program = new FakeProgram(args)
        const running = runProgram(program)
        await program.said('1')
        program.closeOutput()
        await running
        expect(program.exitCode).to.equal(0)
      }
    })

    it('--timeout is enough silence; with --max it is too few', async () => {
      await ok(`produce ${topic}`, { input: ['1\n'] })
      expect((await ok(`consume ${topic} --from-beginning --timeout 50`)).stdout).to.equal('1\n')
      await fails(
        `consume ${topic} --from-beginning --timeout 50 --max 5`,
        1,
        '1 of 5 records came before nothing came for 50 ms.',
      )
    })

    it('a group goes on where it stopped', async () => {
      await ok(`produce ${topic}`, { input: ['1\n2\n3\n'] })
      const group = `g-${topic}`
      expect((await ok(`consume ${topic} --group ${group} --from-beginning --max 2`)).stdout).to.equal('1\n2\n')
      expect((await ok(`consume ${topic} --group ${group} --max 1`)).stdout).to.equal('3\n')
    })

    it('a topic that is not there', async () => {
      await fails('consume nope', 1, 'There is no topic nope.')
      await fails('consume nope --group g', 1, 'There is no topic nope.')
    })
  })

  describe('groups', () => {
    it('list, describe, reset, delete', async () => {
      const group = `g-${topic}`
      await broker.createTopic({ name: topic, partitions: 2 })
      const input = ['a:1\nb:2\nc:3\nd:4\n']
      await ok(`produce ${topic} --key-separator :`, { input })
      await ok(`consume ${topic} --group ${group} --from-beginning --max 4`)
      expect((await ok('groups list')).rows).to.deep.include([group, 'Empty', 'consumer', '0'])
      const lags = async (): Promise<string[]> =>
        (await ok(`groups describe ${group}`)).rows.map((row) => `${row[3]}: ${row[6]}`)
      expect(await lags()).to.deep.equal(['0: 0', '1: 0'])
      const reset = async (to: string): Promise<string[]> =>
        (await ok(`groups reset ${group} --topic ${topic} --to ${to}`)).rows.map((row) => row[2]!)
      const ends = await reset('latest')
      expect(await reset('earliest')).to.deep.equal(['0', '0'])
      expect(await reset('1')).to.deep.equal(ends.map((end) => (Number(end) < 1 ? end : '1')))
      expect(await reset('99')).to.deep.equal(ends)
      expect(await reset('2001-09-10')).to.deep.equal(['0', '0'])
      expect(await reset('4102444800000')).to.deep.equal(ends)
      const json = (await ok(`groups describe ${group} --json`)).json
      expect(json).to.deep.include({ group, state: 'Empty', members: [] })
      await ok(`groups delete ${group}`)
      await fails(`groups delete ${group}`, 1, `There is no group ${group}.`)
      await fails(`groups describe ${group}`, 1, `There is no group ${group}.`)
    })

    it('a reset makes a group that was not there', async () => {
      await broker.createTopic(topic)
      await ok(`groups reset g-${topic} --topic ${topic} --to earliest`)
      expect((await ok(`groups describe g-${topic}`)).rows).to.deep.equal([
        [`g-${topic}`, 'Empty', topic, '0', '0', '0', '0', '-'],
      ])
      await fails(`groups reset g --topic nope --to latest`, 1, 'There is no topic nope.')
    })

    it('does not move a group that runs', async () => {
      await ok(`produce ${topic}`, { input: ['1\n'] })
      const group = `g-${topic}`
      const args = ['consume', topic, '--group', group, '--from-beginning', '--bootstrap', broker.bootstrapServers]
      const member = new FakeProgram(args)
      const running = runProgram(member)
      await member.said('1')
      await fails(
        `groups reset ${group} --topic ${topic} --to earliest`,
        1,
        `The group ${group} has 1 active members: stop them before its offsets are reset.`,
      )
      await fails(`groups delete ${group}`, 1, `The group ${group} has active members: stop them first.`)
      await fails(`groups delete nope ${group}`, 1, /^There is no group nope\. The group .* first\.$/)
      expect((await ok(`groups describe ${group}`)).rows[0]![7]).to.match(/^odradek-cli-/)
      member.interrupt()
      await running
      expect(member.exitCode).to.equal(0)
    })
  })

  describe('configs', () => {
    it('of a topic', async () => {
      await broker.createTopic(topic)
      await ok(`configs alter --topic ${topic} --set retention.ms=5000 --set cleanup.policy=compact`)
      const described = (await ok(`configs describe --topic ${topic}`)).rows
      expect(described).to.deep.include(['retention.ms', '5000', 'topic', 'false'])
      const altered = await ok(`configs alter --topic ${topic} --delete retention.ms --json`)
      expect(altered.json).to.deep.equal({ topic, set: {}, delete: ['retention.ms'] })
      const all = (await ok(`configs describe --topic ${topic} --all`)).rows
      expect(all).to.deep.include(['retention.ms', '604800000', 'default', 'false'])
      await fails(`configs alter --topic ${topic} --set foo=1`, 2, /^INVALID_CONFIG: .*foo.*\.$/)
      await fails(`configs alter --topic ${topic} --set retention.ms=x`, 2, /^INVALID_CONFIG: .*retention\.ms.*\.$/)
      await fails('configs describe --topic nope', 1, 'There is no topic nope.')
    })

    it('of a broker and of all brokers', async () => {
      await ok('configs alter --broker 1 --set message.max.bytes=2000000')
      expect((await ok('configs describe --broker 1')).rows).to.deep.include([
        'message.max.bytes',
        '2000000',
        'broker',
        'false',
      ])
      await ok('configs alter --broker 1 --delete message.max.bytes')
      await ok('configs alter --broker default --set log.retention.ms=700000')
      const json = (await ok('configs describe --broker default --json')).json
      expect(json).to.deep.include({
        name: 'log.retention.ms',
        value: '700000',
        source: 'default broker',
        readOnly: false,
        sensitive: false,
      })
      await ok('configs alter --broker default --delete log.retention.ms')
      await fails('configs describe --broker 7', 1, 'There is no broker 7: the cluster has 1.')
    })

    it('says what is missing', async () => {
      const whose = 'Say whose configs: either --topic NAME, --broker ID or --broker default.'
      await fails('configs describe', 2, whose)
      await fails('configs describe --topic a --broker 1', 2, whose)
      await fails(`configs alter --topic a`, 2, 'Say what to change: --set key=value or --delete key.')
    })
  })

  it('api-versions lists what is served', async () => {
    expect((await ok('api-versions')).rows).to.deep.include(['18', 'ApiVersions', '0', '5', '5'])
    expect((await ok('api-versions --json')).json).to.deep.include({
      key: 0,
      name: 'Produce',
      min: 0,
      max: 13,
      knownMax: 13,
    })
  })

  it('goes past a dead first address', async () => {
    await broker.createTopic(topic)
    const bootstrap = ['--bootstrap', `127.0.0.1:1,${broker.bootstrapServers}`]
    for (const line of ['topics list', 'api-versions', `consume ${topic} --timeout 20`, 'groups list']) {
      const program = await run([...words(line), ...bootstrap])
      expect({ line, code: program.exitCode, stderr: program.stderr }).to.deep.equal({ line, code: 0, stderr: '' })
    }
  })

  it("takes the name of Kafka's own tools for the flag, too", async () => {
    await broker.createTopic(topic)
    const program = await run(['topics', 'list', '--bootstrap-server', `127.0.0.1:1,${broker.bootstrapServers}`])
    expect({ code: program.exitCode, stderr: program.stderr }).to.deep.equal({ code: 0, stderr: '' })
    expect(program.rows.map(([name]) => name)).to.include(topic)
    const refused = await run(['topics', 'list', '--bootstrap-server', 'nowhere'])
    expect(refused.exitCode).to.not.equal(0)
    expect(refused.stderr).to.match(/--bootstrap-server/)
  })

  it('says so when nobody answers', async () => {
    for (const line of ['produce t']) {
      const program = await run([...words(line), '--bootstrap', '127.0.0.1:1'], { input: ['x\n'] })
      expect(program.exitCode, line).to.equal(1)
      expect(program.stderr, line).to.match(/^Cannot (reach a broker at|connect to) 127\.0\.0\.1:1[^\n]*\n$/)
    }
  })

  it('ends when the broker goes away under a reader', async () => {
    const other = await Broker.create({ topics: ['a'] })
    const args = ['consume', 'a', '--from-beginning', '--bootstrap', other.bootstrapServers]
    const readers = [new FakeProgram(args), new FakeProgram([...args, '--group', 'g'])]
    await run(['produce', 'a', '--bootstrap', other.bootstrapServers], { input: ['1\n'] })
    const running = readers.map((reader) => runProgram(reader))
    await Promise.all(readers.map((reader) => reader.said('1')))
    await other.close()
    await Promise.all(running)
    for (const { exitCode, stderr } of readers) {
      expect(exitCode).to.equal(1)
      expect(stderr).to.match(/^(Cannot|Lost)[^\n]*\n$/)
    }
  }).timeout(20_000)
})

function words(line: string): string[] {
  return line.split(' ').filter((word) => word !== '')
}
