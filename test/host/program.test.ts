import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'chai'

const moduleUrl = new URL('../../lib/host/program.js', import.meta.url).href

/** Runs statements that see `program` in a process of their own. */
function run(statements: string) {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', `import { nodeProgram as program } from '${moduleUrl}'\n${statements}`],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  )
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  return { child, ended: once(child, 'close').then(([code]) => ({ code: code as number, err })) }
}

describe('host/program', () => {
  it('lets all output leave before it exits with the code', async () => {
    const { child, ended } = run(`program.out('x'.repeat(300_000)); program.err('why'); program.exit(3)`)
    let bytes = 0
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    expect(await ended).to.deep.equal({ code: 3, err: 'why' })
    expect(bytes).to.equal(300_000)
  })

  it('goes on without a reader of its output, and says so to whoever asks', async () => {
    const { child, ended } = run(`
      program.onOutputClosed(() => { program.err('closed'); program.exit(0) })
      process.stdin.once('data', () => program.out('nobody reads this'))`)
    child.stdout.destroy()
    await once(child.stdout, 'close')
    child.stdin.write('go\n')
    expect(await ended).to.deep.equal({ code: 0, err: 'closed' })
  })

  it('hears the first stop signal and leaves the second to the system', async () => {
    const { child, ended } = run(`
      program.onStop((signal) => { program.err(signal); program.out('again') })
      setInterval(() => {}, 1000)
      program.out('ready')`)
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    expect((await ended).err).to.equal('SIGTERM')
    expect(child.signalCode).to.equal('SIGTERM')
  })
})
