/** `odradek start --data-dir` as a process that is killed. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { launch, type Running, run } from './support/program.js'

describe('cli start --data-dir', function () {
  this.timeout(60_000)
  let directory = ''
  let running: Running | null = null

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'odradek-data-'))
  })
  afterEach(async () => {
    running?.child.kill('SIGKILL')
    await running?.ended
    rmSync(directory, { recursive: true })
  })

  async function start(...args: string[]): Promise<string[]> {
    running = launch(['--listen', '127.0.0.1:0', '--data-dir', directory, ...args])
    const [, address] = /^ready (\S+)\n$/.exec(await running.output(/\n/))!
    return ['--bootstrap', address!]
  }

  async function kill(): Promise<string> {
    running!.child.kill('SIGKILL')
    return (await running!.ended).err
  }

  it('keeps topics, configs, records and offsets through kill -9, and says where', async () => {
    let at = await start('--fsync', 'always')
    expect((await run(['topics', 'create', 'kept', '--config', 'retention.ms=777000', ...at])).code).to.equal(0)
    expect((await run(['produce', 'kept', ...at], 'one\ntwo\n')).code).to.equal(0)
    const first = await run(['consume', 'kept', '--from-beginning', '--group', 'g', '--max', '1', ...at])
    expect(first.out).to.equal('one\n')
    expect(await kill()).to.include(`everything is kept in ${directory}`)

    at = await start()
    const described = JSON.parse((await run(['topics', 'describe', 'kept', '--json', ...at])).out)
    expect(JSON.stringify(described)).to.include('777000')
    expect((await run(['produce', 'kept', ...at], 'three\n')).code).to.equal(0)
    const rest = await run(['consume', 'kept', '--from-beginning', '--group', 'g', '--max', '2', ...at])
    expect(rest.out).to.equal('two\nthree\n')
    running!.child.kill('SIGTERM')
    expect((await running!.ended).code).to.equal(0)
  })

  it('stops with 1 when another process has taken its directory over', async () => {
    await start()
    const taker = { generation: 99, pid: 1, started: '', place: 'elsewhere' }
    writeFileSync(join(directory, '.lock'), JSON.stringify(taker))
    const { code, err } = await running!.ended
    expect(code).to.equal(1)
    expect(err).to.include(`Another process has taken ${directory} over: it took this one for dead. The broker stops.`)
    // Nothing of an end is noted: the other one writes there now.
    expect(readdirSync(directory)).not.to.include('.kafka_cleanshutdown')
    expect(JSON.parse(readFileSync(join(directory, '.lock'), 'utf8'))).to.deep.equal(taker)
  })

  it('refuses a directory that another process uses, with one sentence', async () => {
    await start()
    const { code, err, out } = await run(['--listen', '127.0.0.1:0', '--data-dir', directory])
    expect([code, out]).to.deep.equal([2, ''])
    expect(err).to.equal(
      `${directory} is in use by another process (pid ${running!.child.pid}): stop that one, or name another directory.\n`,
    )
  })
})
