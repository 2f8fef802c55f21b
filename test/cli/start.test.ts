import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Broker } from '../../lib/embed/broker.js'
import { type Ended, launch, type Running, run, runAll } from './support/program.js'

const FREE = ['--listen', '127.0.0.1:0']

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('cli start', function () {
  this.timeout(20_000)
  let running: Running | null = null
  afterEach(async () => {
    running?.child.kill('SIGKILL')
    await running?.ended
    running = null
  })

  const start = (...args: string[]): Running => {
    running = launch(args)
    return running
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`says ready with the address first, serves from then on, and ends with 0 at ${signal}`, async () => {
      const { child, ended, output } = start(...FREE)
      const [, address] = /^ready (127\.0\.0\.1:\d+)\n$/.exec(await output(/\n/)) ?? []
      expect((await run(['groups', 'list', '--bootstrap', address!])).code).to.equal(0)
      child.kill(signal)
      const { code, out, err } = await ended
      expect([code, out]).to.deep.equal([0, `ready ${address}\n`])
      expect(err).to.include(`Stopping: ${signal}.`)
      expect(err.split('\n')[0]).to.include(`Clients connect to ${address} (listener PLAINTEXT).`)
    })
  }

  it('moves records beyond --memory-limit to a temporary folder, reads them from there, and removes it when it stops', async () => {
    const temporary = mkdtempSync(join(tmpdir(), 'odradek-cli-'))
    const before = process.env['TMPDIR']
    process.env['TMPDIR'] = temporary
    try {
      const { child, ended, output } = start(...FREE, '--memory-limit', '1MB')
      const [, address] = /^ready (\S+)\n$/.exec(await output(/\n/))!
      const at = ['--bootstrap', address!]
      const lines = Array.from({ length: 4000 }, (_, i) => `${i}-${'x'.repeat(1000)}`)
      expect((await run(['produce', 't', ...at], `${lines.join('\n')}\n`)).code).to.equal(0)
      expect(readdirSync(temporary).filter((name) => name.startsWith(`odradek-${child.pid}-`))).to.have.length(1)
      const { out } = await run(['consume', 't', '--from-beginning', '--max', '4000', ...at])
      expect(out.split('\n').slice(0, 4000)).to.deep.equal(lines)
      child.kill('SIGTERM')
      expect((await ended).code).to.equal(0)
      expect(readdirSync(temporary)).to.deep.equal([])
    } finally {
      if (before === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = before
      rmSync(temporary, { recursive: true })
    }
  })

  it('writes the ready line and the log as JSON with --json', async () => {
    const { child, ended, output } = start('start', ...FREE, '--id', '7', '--json')
    const ready = JSON.parse(await output(/\n/))
    expect(ready).to.include({ brokerId: 7 })
    expect(ready.ready).to.match(/^127\.0\.0\.1:\d+$/)
    child.kill('SIGTERM')
    for (const line of (await ended).err.trimEnd().split('\n')) expect(JSON.parse(line)).to.have.property('message')
  })

  it('takes a properties file, and --set before it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'odradek-cli-'))
    try {
      const file = join(folder, 'server.properties')
      writeFileSync(file, 'listeners=PLAINTEXT://127.0.0.1:0\nnum.partitions=5\nnode.id=3\n')
      const { output } = start('--config', file, '--set', 'num.partitions=2', '--json')
      const { ready, brokerId } = JSON.parse(await output(/\n/))
      await run(['topics', 'create', 't', '--bootstrap', ready])
      expect((await run(['topics', 'list', '--bootstrap', ready])).out).to.equal('t\t2\t1\n')
      expect(brokerId).to.equal(3)
      writeFileSync(file, 'no.such.config=1\n')
      const { code, err } = await run(['--config', file, ...FREE])
      expect([code, err]).to.deep.equal([2, 'There is no broker config called no.such.config.\n'])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('refuses a port that is taken with 2 and one line', async () => {
    const broker = await Broker.create()
    const { code, out, err } = await run(['--listen', broker.bootstrapServers])
    await broker.close()
    expect([code, out]).to.deep.equal([2, ''])
    expect(err).to.match(/^Cannot listen on 127\.0\.0\.1:\d+: the port is taken .*\n$/)
  })

  it('warns once of a wildcard without an advertised address', async () => {
    const { child, ended, log } = start('--listen', '0.0.0.0:0')
    expect(await log(/WARN .*\n/)).to.match(/^.* INFO {2}Clients connect to port \d+ of any address of this machine/)
    child.kill('SIGTERM')
    expect((await ended).err.match(/WARN .*/g)).to.have.length(1)
    expect((await ended).err).to.match(/WARN .*every interface.*--advertise HOST:PORT/)
  })

  it('warns of an advertised address that nobody answers at', async () => {
    const { log } = start(...FREE, '--advertise', `127.0.0.1:${await freePort()}`)
    expect(await log(/WARN .*\n/)).to.match(/WARN .*cannot be reached.*ECONNREFUSED.*--advertise HOST:PORT/)
  })

  it('does not warn of an advertised address that works', async () => {
    const port = await freePort()
    const { child, ended, output } = start('--listen', `0.0.0.0:${port}`, '--advertise', `127.0.0.1:${port}`)
    expect(await output(/\n/)).to.equal(`ready 127.0.0.1:${port}\n`)
    await run(['api-versions', '--bootstrap', `127.0.0.1:${port}`])
    child.kill('SIGTERM')
    expect((await ended).err).not.to.include('WARN')
  })
})

describe('cli help', () => {
  const commands = [
    ...[[], ['start'], ['topics'], ['groups'], ['configs'], ['produce'], ['consume'], ['dump'], ['explain']],
    ...['list', 'create', 'describe', 'delete'].map((name) => ['topics', name]),
    ...['list', 'describe', 'reset', 'delete'].map((name) => ['groups', name]),
    ...['describe', 'alter'].map((name) => ['configs', name]),
    ...[['cluster'], ['cluster', 'status'], ['api-versions']],
  ]
  let ends: Ended[] = []
  before(async function () {
    this.timeout(20_000)
    ends = await runAll(commands.map((command) => ({ args: [...command, '--help'] })))
  })
  commands.forEach((command, index) => {
    it(`of odradek ${command.join(' ')} has an example`, () => {
      const { code, out } = ends[index]!
      expect(code).to.equal(0)
      expect(out).to.match(/^Usage: odradek/)
      expect(out).to.match(/\nExample:\n {2}\$ odradek|\nExample:\n {2}\$ printf .* \| odradek/)
      expect(out).not.to.match(/default: (\{\}|\[\])/)
    })
  })
})
