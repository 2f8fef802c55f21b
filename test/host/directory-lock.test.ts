import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { DirectoryLock, DirectoryLockedError } from '../../lib/host/directory-lock.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'

describe('host/directory-lock', () => {
  let directory = ''
  const clock = new VirtualClock()
  const take = (ports = {}) => DirectoryLock.acquire(directory, { clock, ...ports })
  const failure = async (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(() => null).catch((error) => error)
  const lock = () => JSON.parse(readFileSync(join(directory, '.lock'), 'utf8'))
  const plant = (owner: object) =>
    writeFileSync(join(directory, '.lock'), JSON.stringify({ generation: 4, pid: 1, started: '', place: '', ...owner }))

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'odradek-lock-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  it('lets one in at a time', async () => {
    const first = await take()
    const error = await failure(take())
    expect(error).to.be.instanceOf(DirectoryLockedError)
    expect((error as Error).message).to.equal(
      `${directory} is in use already by this process: another broker of it has it, or it is named twice.`,
    )
    first.release()
    first.release()
    const second = await take()
    second.release()
    expect(readdirSync(directory)).to.deep.equal(['.lock'])
  })

  it("sees the system's lock, which is Apache Kafka's way to take a directory", async function () {
    if (process.platform !== 'linux') this.skip()
    const file = join(directory, '.lock')
    const holder = spawn('flock', ['-F', '-x', file, 'sh', '-c', 'echo held; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const gone = once(holder, 'exit')
    await once(holder.stdout, 'data')
    const error = await failure(take())
    expect(error).to.be.instanceOf(DirectoryLockedError).with.property('pid', holder.pid)
    expect(readFileSync(file, 'utf8')).to.equal('')
    holder.kill('SIGKILL')
    await gone
    ;(await take()).release()
  })

  it('gives a directory to one of many that start at once over a dead owner', async () => {
    plant({ pid: 999_999_999, ...(await ownPlace()) })
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => take()))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1)
    expect(lock().generation).to.equal(5)
    expect(readdirSync(directory)).to.deep.equal(['.lock'])
  })

  it('takes over from a process that was killed, though another has its pid now', async () => {
    plant({ pid: process.pid, ...(await ownPlace()), started: '1' })
    ;(await take()).release()
  })

  it('goes on where a starter died between its claim and the lock', async () => {
    writeFileSync(
      join(directory, '.lock.7'),
      JSON.stringify({ generation: 7, pid: 999_999_999, ...(await ownPlace()) }),
    )
    const won = await take()
    expect(lock().generation).to.equal(8)
    expect(readdirSync(directory)).to.deep.equal(['.lock'])
    won.release()
  })

  it('does not fall for a claim that is over: the generation never goes back', async () => {
    const first = await take()
    first.release()
    const second = await take()
    expect(lock().generation).to.equal(2)
    second.release()
    expect(lock()).to.deep.include({ generation: 2, pid: 0 })
  })

  it('watches the heartbeat of an owner in another place: silence is death', async () => {
    plant({ place: 'elsewhere/boot/pid:[1]', started: '5' })
    let watched = 0
    const taking = take({ onWatch: (pid: number) => (watched = pid) })
    expect(watched).to.equal(1)
    clock.advance(5000)
    ;(await taking).release()
  })

  it('and a beat is life', async () => {
    plant({ place: 'elsewhere/boot/pid:[1]', started: '5' })
    const taking = failure(take())
    plant({ place: 'elsewhere/boot/pid:[1]', started: '5', beat: 1 })
    clock.advance(5000)
    expect(await taking).to.be.instanceOf(DirectoryLockedError)
  })

  it('tells an owner that was taken for dead', async () => {
    let lost = 0
    await take({ onLost: () => lost++ })
    plant({ generation: 9 })
    clock.advance(1000)
    expect(lost).to.equal(1)
    clock.advance(60_000)
    expect(lost).to.equal(1)
  })

  it('holds against a real process, until that is killed', async () => {
    const script = `import(${JSON.stringify(new URL('../../lib/host/directory-lock.js', import.meta.url).href)})
      .then(({ DirectoryLock }) => DirectoryLock.acquire(${JSON.stringify(directory)}, { clock: { setTimer: () => ({ cancel() {} }) } }))
      .then(() => console.log('held')); setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    expect(await failure(take())).to.be.instanceOf(DirectoryLockedError)
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
    ;(await take()).release()
  })

  /** What this process would write. */
  async function ownPlace(): Promise<{ place: string; started: string }> {
    const other = mkdtempSync(join(tmpdir(), 'odradek-lock-'))
    const held = await DirectoryLock.acquire(other, { clock })
    const { place, started } = JSON.parse(readFileSync(join(other, '.lock'), 'utf8'))
    held.release()
    rmSync(other, { recursive: true })
    return { place, started }
  }
})
