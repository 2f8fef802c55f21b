/** The command line: a plain start at once, everything else by the library. Runs in any `Program`: the process, or a test's. */
import type { Program } from '../host/program.js'
import { CommandError, explainFailure } from './session.js'
import { plainStart } from './start-flags.js'

/** Runs what `host.argv` asks for. Resolves when the command is over or, for `start`, when the broker has stopped. */
export async function runProgram(host: Program): Promise<void> {
  host.stay()
  try {
    const flags = plainStart(host.argv)
    if (flags !== null) await (await import('./start-broker.js')).startBroker(flags, host)
    else await (await import('./command-line.js')).runCommand(host)
  } catch (error) {
    // In one sentence. 2: asked wrongly, 1: failed.
    host.err(`${explainFailure(error, [])}\n`)
    host.exit(error instanceof CommandError ? error.exitCode : 1)
  }
}
