import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'chai'

const moduleUrl = new URL('./loop-watchdog.js', import.meta.url).href

async function run(statements: string): Promise<{ said: string; end: unknown[] }> {
  const source = `import { watchLoop } from '${moduleUrl}'; ${statements}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const [code, signal] = await once(child, 'close')
  return { said, end: [code, signal] }
}

describe('support/loop-watchdog', () => {
  it('ends a process that never leaves its turn, and says what it was doing and where', async () => {
    const { said, end } = await run(
      `watchLoop(300)('the task')
       let turns = 0
       async function again() { for (let i = 0; i < 1e4; i++) turns += i % 7 }
       async function forEver() { for (;;) await again() }
       await forEver()`,
    )
    expect(end).to.deep.equal([null, 'SIGKILL'])
    expect(said).to.include('The event loop has stood still for 300 ms in "the task".')
    expect(said).to.match(/\d+ % (again|forEver) /)
  })

  it('ends a process that waits in the kernel', async () => {
    const { said, end } = await run(`watchLoop(300)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)`)
    expect(end).to.deep.equal([null, 'SIGKILL'])
    expect(said).to.include('The event loop has stood still for 300 ms.')
  })

  it('lets a process be whose turns end, and does not keep it', async () => {
    const { said, end } = await run(
      `watchLoop(1500)
       const turns = { left: 40 }
       const tick = setInterval(() => { if (--turns.left === 0) clearInterval(tick) }, 50)`,
    )
    expect({ said, end }).to.deep.equal({ said: '', end: [0, null] })
  })
})
