/** `odradek start` with several brokers, as a process. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { launch, type Running, run } from './support/program.js'

const IDS = ['--broker-ids', '101,102,103']
const FREE = ['--listen', '127.0.0.1:0']

async function bound(port = 0): Promise<{ server: Server; port: number }> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return { server, port: (server.address() as { port: number }).port }
}

/** A port that is free and whose next one is taken. */
async function freeBefore(): Promise<{ server: Server; port: number }> {
  for (;;) {
    const { server, port } = await bound()
    const before = await bound(port - 1).catch(() => null)
    if (before !== null) {
      await new Promise((resolve) => before.server.close(resolve))
      return { server, port: port - 1 }
    }
    await new Promise((resolve) => server.close(resolve))
  }
}

/** Every file below with its bytes, but for locks. */
function filesOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = names.filter((one) => one.isFile() && !one.name.startsWith('.lock'))
  return Object.fromEntries(
    files.map((one) => {
      const path = join(one.parentPath, one.name)
      return [path, readFileSync(path).toString('base64')]
    }),
  )
}

describe('cli start of several brokers', function () {
  this.timeout(60_000)
  let directory = ''
  let running: Running | null = null

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'odradek-cluster-'))
  })
  afterEach(async () => {
    running?.child.kill('SIGKILL')
    await running?.ended
    running = null
    rmSync(directory, { recursive: true })
  })

  async function start(...args: string[]): Promise<string[]> {
    running = launch([...FREE, ...args])
    const [, addresses] = /^ready (\S+)\n$/.exec(await running.output(/\n/))!
    return addresses!.split(',')
  }

  async function stop(signal: NodeJS.Signals): Promise<number | null> {
    running!.child.kill(signal)
    return (await running!.ended).code
  }

  const refuses = async (args: string[], sentence: RegExp): Promise<void> => {
    const { code, out, err } = await run([...FREE, ...args])
    expect(err).to.match(sentence)
    expect(err.trimEnd()).not.to.include('\n')
    expect([code, out]).to.deep.equal([2, ''])
  }

  it('is ready with every broker, and each is the whole cluster', async () => {
    const addresses = await start('--brokers', '3', '--racks', 'a,b,c')
    expect(addresses).to.have.length(3)
    expect(await run(['topics', 'create', 't', '--bootstrap', addresses[2]!])).to.include({ code: 0 })
    for (const address of addresses) {
      const { out } = await run(['cluster', 'status', '--bootstrap', address])
      const brokers = out.split('\n').slice(1, 4)
      expect(brokers.map((line) => line.split('\t').slice(0, 3).join())).to.deep.equal([
        `1,${addresses[0]},a`,
        `2,${addresses[1]},b`,
        `3,${addresses[2]},c`,
      ])
    }
    expect(await stop('SIGTERM')).to.equal(0)
  })

  it('JSON names their ids', async () => {
    running = launch([...FREE, ...IDS, '--json'])
    const ready = JSON.parse(await running.output(/\n/))
    expect(ready.brokerIds).to.deep.equal([101, 102, 103])
    expect(ready.ready.split(',')).to.have.length(3)
  })

  it('takes consecutive ports, and advertises consecutive ones', async () => {
    running = launch([...FREE, '--brokers', '2', '--advertise', 'kafka.example:19092'])
    expect(await running.output(/\n/)).to.equal('ready kafka.example:19092,kafka.example:19093\n')
  })

  it('refuses a port that is taken for the second broker with 2 and one line', async () => {
    const { server, port } = await freeBefore()
    try {
      const { code, out, err } = await run(['--listen', `127.0.0.1:${port}`, '--brokers', '3'])
      expect([code, out]).to.deep.equal([2, ''])
      expect(err).to.match(new RegExp(`^Cannot listen on 127\\.0\\.0\\.1:${port + 1}: the port is taken .*\\n$`))
    } finally {
      server.close()
    }
  })

  it('refuses ports beyond the last', () =>
    run(['--listen', '127.0.0.1:65535', '--brokers', '2']).then(({ code, err }) => {
      expect(err).to.equal('Broker 2 would listen on port 65536; the last one is 65535.\n')
      expect(code).to.equal(2)
    }))

  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    it(`--data-dir keeps topics, records and groups through ${signal}`, async () => {
      let [at] = await start(...IDS, '--data-dir', directory)
      const created = await run(['topics', 'create', 'kept', '--partitions', '3', '--bootstrap', at!])
      expect(created.code, created.err).to.equal(0)
      expect((await run(['produce', 'kept', '--bootstrap', at!], 'one\ntwo\nthree\n')).code).to.equal(0)
      const group = ['consume', 'kept', '--from-beginning', '--group', 'g', '--bootstrap']
      const first = await run([...group, at!, '--max', '1'])
      await stop(signal)

      ;[at] = await start(...IDS, '--data-dir', directory)
      // Until the replicas have found together again.
      while ((await run(['cluster', 'status', '--bootstrap', at!])).code !== 0);
      const rest = await run([...group, at!, '--max', '2'])
      expect((first.out + rest.out).split('\n').sort()).to.deep.equal(['', 'one', 'three', 'two'])
    })
  }

  it('refuses a folder of other brokers, of another cluster, in use or incomplete, and changes nothing', async () => {
    await start(...IDS, '--data-dir', directory)
    await refuses(
      ['--broker-ids', '104,105', '--data-dir', directory],
      /belongs to the brokers 101, 102, 103, and these are 104, 105: /,
    )
    await refuses([...IDS, '--data-dir', directory], /is in use by another process \(pid \d+\)/)
    await refuses(
      ['--broker-ids', '101,109', '--data-dir', directory],
      /metadata is in use by another process \(pid \d+\)/,
    )
    await stop('SIGTERM')
    const before = filesOf(directory)
    await refuses(['--broker-ids', '104,105', '--data-dir', directory], /start with --broker-ids 101,102,103, or name/)
    await refuses(
      ['--data-dir', directory],
      /is the folder of several brokers \(broker-101 \.\.\.\): start them with --brokers/,
    )
    await refuses(
      ['--id', '104', '--data-dir', join(directory, 'broker-101')],
      /belongs to broker 101, and this is broker 104/,
    )
    expect(filesOf(directory)).to.deep.equal(before)
  })

  it('refuses the directory of a single broker', async () => {
    await start('--data-dir', directory)
    await stop('SIGTERM')
    const before = filesOf(directory)
    await refuses(
      [...IDS, '--data-dir', directory],
      /is the directory of a single broker: start that one without --brokers/,
    )
    expect(filesOf(directory)).to.deep.equal(before)
  })

  it('gives up on ZooKeeper when asked to: what is wrong in one line, then the end', async () => {
    const { server, port } = await bound()
    await new Promise((resolve) => server.close(resolve))
    const where = ['--zookeeper', `127.0.0.1:${port}/place`, '--zookeeper-timeout', '300']
    const { code, out, err } = await run([...FREE, ...where])
    expect([code, out]).to.deep.equal([2, ''])
    const [warning, end, ...more] = err.trimEnd().split('\n')
    expect(warning).to.match(/WARN {2}ZooKeeper at 127\.0\.0\.1:\d+ is not reachable: .*ECONNREFUSED/)
    expect(end).to.equal(`No ZooKeeper server answered within 300 ms (127.0.0.1:${port}).`)
    expect(more).to.deep.equal([])
  })
})
