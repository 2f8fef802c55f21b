import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { silentLogger } from '../../lib/host/logger.js'
import { machineMemoryBytes } from '../../lib/host/machine-memory.js'
import { openSpillFolder, sweepSpillFolders } from '../../lib/host/spill-folder.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'

const moduleUrl = new URL('../../lib/host/spill-folder.js', import.meta.url).href
const ports = { logger: silentLogger, clock: new VirtualClock() }

describe('host/spill-folder', () => {
  let parent = ''
  beforeEach(() => {
    parent = fs.mkdtempSync(join(tmpdir(), 'odradek-test-spill-'))
  })
  afterEach(() => fs.rmSync(parent, { recursive: true, force: true }))

  /** Opens a folder with a file in another process, which then runs `end`; resolves with what is left when it has ended. */
  async function leftBy(end: string, signal?: NodeJS.Signals): Promise<string[]> {
    const program = `import { openSpillFolder } from '${moduleUrl}'
      const clock = { setTimer: () => ({ cancel() {} }) }
      const { disk } = openSpillFolder({ logger: console, clock }, ${JSON.stringify(parent)})
      disk.open('0', { create: true }).append([Buffer.from('x')])
      console.log('open')
      ${end}`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const closed = once(child, 'close')
    await once(child.stdout, 'data')
    expect(signal === undefined || fs.readdirSync(parent).length === 1).to.equal(true)
    if (signal !== undefined) child.kill(signal)
    const [, by] = await closed
    if (signal !== undefined) expect(by).to.equal(signal)
    return fs.readdirSync(parent)
  }

  it('is for its owner alone, and gone when closed', async () => {
    const { disk, name, close } = openSpillFolder(ports, parent)
    disk.open('0', { create: true }).close()
    expect(fs.statSync(name).mode & 0o777).to.equal(0o700)
    expect(name).to.include(`odradek-${process.pid}-`)
    expect(await sweepSpillFolders(ports, [parent])).to.equal(0)
    await close()
    expect(fs.readdirSync(parent)).to.deep.equal([])
  })

  it('does not grow old, as temporary folders are swept by others', async () => {
    const clock = new VirtualClock()
    const { disk, name, close } = openSpillFolder({ logger: silentLogger, clock }, parent)
    disk.open('0', { create: true }).close()
    const paths = [join(name, '0'), name]
    for (let day = 0; day < 2; day++) {
      for (const path of paths) fs.utimesSync(path, new Date(0), new Date(0))
      clock.advance(24 * 60 * 60 * 1000)
      const times = (): number[] => paths.flatMap((path) => [fs.statSync(path).atimeMs, fs.statSync(path).mtimeMs])
      while (Math.min(...times()) === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await close()
    expect(clock.pendingTimers).to.equal(0)
  })

  it('is gone when the process exits without closing it', async () =>
    expect(await leftBy('process.exit(1)')).to.be.empty)

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`is gone when ${signal} ends the process, which it still does`, async () =>
      expect(await leftBy('setInterval(() => {}, 1000)', signal)).to.be.empty)
  }

  it('leaves signals to those who listen for them', async () => {
    const end = `process.on('SIGTERM', () => { process.exitCode = 3; clearInterval(timer) })
      const timer = setInterval(() => {}, 1000)
      process.kill(process.pid, 'SIGTERM')`
    expect(await leftBy(end)).to.be.empty
  })

  it('is removed by the next start when its process was killed; those of others and of the living stay', async () => {
    const [left] = await leftBy('setInterval(() => {}, 1000)', 'SIGKILL')
    expect(left).to.match(/^odradek-\d+-/)
    const host = hostname().replaceAll(/[^A-Za-z0-9.]/g, '_')
    const others = [`odradek-${process.ppid}-${host}-aaaaaa`, 'odradek-99999999-elsewhere-aaaaaa', 'something-else']
    for (const name of others) fs.mkdirSync(join(parent, name))
    fs.writeFileSync(join(parent, `odradek-99999999-${host}-aaaaaa`), 'a file, no folder')
    expect(await sweepSpillFolders(ports, [parent, join(parent, 'absent')])).to.equal(1)
    expect(fs.readdirSync(parent)).to.have.members([...others, `odradek-99999999-${host}-aaaaaa`])
  })

  it('one of our own process id is a leftover when it is older than the process', async () => {
    const { name, close } = openSpillFolder(ports, parent)
    const older = name.replace(/.{6}$/, 'aaaaaa')
    fs.mkdirSync(older)
    fs.utimesSync(older, 1000, 1000)
    expect(await sweepSpillFolders(ports, [parent])).to.equal(1)
    expect(fs.existsSync(name)).to.equal(true)
    await close()
  })

  it('says where it cannot be made', () => {
    expect(() => openSpillFolder(ports, join(parent, 'absent'))).to.throw(
      /Cannot make a folder for records in .*absent/,
    )
  })
})

describe('host/machine-memory', () => {
  it('is more than this process has', () => {
    expect(machineMemoryBytes()).to.be.greaterThan(process.memoryUsage.rss())
  })
})
