import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { ownFolder } from '../../lib/host/compiled-code.js'

const moduleUrl = new URL('../../lib/host/compiled-code.js', import.meta.url).href

const PROGRAM = fileURLToPath(new URL('../../../dist/odradek.cjs', import.meta.url))

describe('host/compiled-code', () => {
  let root: string
  let folder: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'odradek-compiled-'))
    folder = ownFolder(root)!
  })
  afterEach(() => rmSync(root, { recursive: true }))

  /** What this source says in a process of its own, and whether the engine took what was kept for it. */
  const run = (source: string): string => {
    const statements = `
      import { compiled } from '${moduleUrl}'
      const script = compiled(process.env.SOURCE, 'x.cjs', process.env.FOLDER)
      const taken = script.cachedDataRejected === undefined ? 'nothing kept' : script.cachedDataRejected ? 'rejected' : 'kept'
      process.stdout.write(script.runInThisContext()() + ', ' + taken)`
    const env = { ...process.env, SOURCE: source, FOLDER: folder }
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', statements], { env })
    expect([status, String(stderr)]).to.deep.equal([0, ''])
    return String(stdout)
  }
  const files = () => readdirSync(folder).map((name) => join(folder, name))

  it('keeps code for the next process, by its source', () => {
    expect(run('(() => "one")')).to.equal('one, nothing kept')
    expect(run('(() => "one")')).to.equal('one, kept')
    // As long, so the engine itself would not see the difference.
    expect(run('(() => "two")')).to.equal('two, nothing kept')
    expect(files()).to.have.length(2)
  })

  it('does not run what is damaged or cut off, and makes it anew', () => {
    run('(() => "one")')
    const [file] = files()
    const good = readFileSync(file!)
    const flipped = Buffer.from(good)
    flipped[good.length - 20]! ^= 0xff
    for (const bad of [flipped, good.subarray(0, good.length - 1), good.subarray(0, 10), Buffer.alloc(0)]) {
      writeFileSync(file!, bad)
      expect(run('(() => "one")')).to.equal('one, nothing kept')
      expect(run('(() => "one")')).to.equal('one, kept')
    }
  })

  it('keeps no more than a few files, the newest', () => {
    for (let i = 0; i < 12; i++) run(`(() => ${i})`)
    expect(files()).to.have.length(8)
    expect(run('(() => 11)')).to.equal('11, kept')
  })

  it('is what the bundled program starts by the second time', async () => {
    const env = { ...process.env, NODE_COMPILE_CACHE: root }
    const start = async (): Promise<string[]> => {
      const child = spawn(process.execPath, [PROGRAM, 'start', '--listen', '127.0.0.1:0'], { env, stdio: 'pipe' })
      const [line] = await once(child.stdout, 'data')
      expect(String(line)).to.match(/^ready /)
      child.kill('SIGTERM')
      expect((await once(child, 'close'))[0]).to.equal(0)
      // Node keeps code in folders of its own, we in ours.
      return readdirSync(root, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ path, name }) => `${name} ${statSync(join(path, name)).mtimeMs}`)
    }
    const first = await start()
    expect(first).to.not.have.length(0)
    expect(await start()).to.deep.equal(first)
  })

  it('uses no folder that others can write to, that is a link, or that cannot be made', function () {
    if (process.platform === 'win32') this.skip()
    chmodSync(folder, 0o777)
    expect(ownFolder(root)).to.equal(null)
    rmSync(folder, { recursive: true })
    mkdirSync(join(root, 'elsewhere'), { mode: 0o700 })
    symlinkSync(join(root, 'elsewhere'), folder)
    expect(ownFolder(root)).to.equal(null)
    writeFileSync(join(root, 'file'), '')
    expect(ownFolder(join(root, 'file'))).to.equal(null)
  })
})
