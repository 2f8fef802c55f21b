import { runProgram } from '../../lib/cli/program.js'
import { FakeProgram, type FakeProgramOptions } from '../support/fake-program.js'

/** Runs a command line to its end. */
export async function run(argv: readonly string[], options: FakeProgramOptions = {}): Promise<FakeProgram> {
  const program = new FakeProgram(argv, options)
  await runProgram(program)
  return program
}
