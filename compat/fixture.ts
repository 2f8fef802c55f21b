/**
 * Mocha's global fixture: one broker for all suites of a run, started before the first test and stopped after the last.
 * Suites ask `currentTarget()` for it.
 */
import { startTarget, type Target } from './target.js'

let running: Target | undefined

export async function mochaGlobalSetup(): Promise<void> {
  running = await startTarget()
  process.stdout.write(`  target: ${running.name} at ${running.bootstrapServers}\n`)
}

export async function mochaGlobalTeardown(): Promise<void> {
  await running?.stop()
  running = undefined
}

/** The broker of this run. */
export function currentTarget(): Target {
  if (running === undefined) throw new Error('no broker was started: run mocha with --config .mocharc.compat.json')
  return running
}
