import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { expect } from 'chai'

const loggerUrl = new URL('../../lib/host/node-logger.js', import.meta.url).href
const moduleUrl = new URL('../../lib/host/program.js', import.meta.url).href

/** Runs statements that see `program` in a process of their own. Its output and errors: pipes, unless a descriptor is given. */
function run(statements: string, out: number | 'pipe' = 'pipe', errors: number | 'pipe' = 'pipe') {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', `import { nodeProgram as program } from '${moduleUrl}'\n${statements}`],
    { stdio: ['pipe', out, errors] },
  )
  let err = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const { stdin, stdout } = child as { stdin: Writable; stdout: Readable }
  return { child, stdin, stdout, ended: once(child, 'close').then(([code]) => ({ code: code as number, err })) }
}

describe('host/program', () => {
  it('lets all output leave before it exits with the code', async () => {
    const { stdout, ended } = run(`program.out('x'.repeat(300_000)); program.err('why'); program.exit(3)`)
    let bytes = 0
    stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    expect(await ended).to.deep.equal({ code: 3, err: 'why' })
    expect(bytes).to.equal(300_000)
  })

  it('goes on without a reader of its output, and says so to whoever asks', async () => {
    const { stdin, stdout, ended } = run(`
      program.onOutputClosed(() => { program.err('closed'); program.exit(0) })
      process.stdin.once('data', () => program.out('nobody reads this'))`)
    stdout.destroy()
    await once(stdout, 'close')
    stdin.write('go\n')
    expect(await ended).to.deep.equal({ code: 0, err: 'closed' })
  })

  it('hears the first stop signal and leaves the second to the system', async () => {
    const { child, stdout, ended } = run(`
      program.onStop((signal) => { program.err(signal); program.out('again') })
      setInterval(() => {}, 1000)
      program.out('ready')`)
    await once(stdout, 'data')
    child.kill('SIGTERM')
    await once(stdout, 'data')
    child.kill('SIGTERM')
    expect((await ended).err).to.equal('SIGTERM')
    expect(child.signalCode).to.equal('SIGTERM')
  })

  it('hears that the terminal has gone as a signal to stop', async () => {
    const { child, stdout, ended } = run(`
      program.onStop((signal) => { program.err(signal); program.exit(0) })
      setInterval(() => {}, 1000)
      program.out('ready')`)
    await once(stdout, 'data')
    child.kill('SIGHUP')
    expect(await ended).to.deep.equal({ code: 0, err: 'SIGHUP' })
  })

  describe('on a full disk', () => {
    let full = 0
    before(function () {
      if (!existsSync('/dev/full')) this.skip()
      full = openSync('/dev/full', 'w')
    })
    after(() => {
      if (full !== 0) closeSync(full)
    })

    it('fails with a sentence when its output cannot be written', async () => {
      const { ended } = run(`program.out('a result'); setInterval(() => {}, 1000)`, full)
      expect(await ended).to.deep.equal({
        code: 1,
        err: 'Cannot write to standard output: ENOSPC: no space left on device, write.\n',
      })
    })

    it('goes on when only its log cannot be written', async () => {
      const { stdin, stdout, ended } = run(
        `
        import { createLogger } from '${loggerUrl}'
        const logger = createLogger({ level: 'info' })
        logger.info('before anything else is said')
        program.err('a sentence')
        process.stdin.once('data', () => { logger.info('again'); program.out('alive'); program.exit(0) })`,
        'pipe',
        full,
      )
      stdin.write('go\n')
      let out = ''
      stdout.setEncoding('utf8').on('data', (text: string) => {
        out += text
      })
      expect((await ended).code).to.equal(0)
      expect(out).to.equal('alive')
    })
  })
})
