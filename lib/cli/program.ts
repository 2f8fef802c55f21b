/** The command line: every command, and what its errors become. Runs in any `Program`: the process, or a test's. */
import { Command, CommanderError } from 'commander'
import type { Program } from '../host/program.js'
import { addClientCommands, example } from './client-commands.js'
import { CommandError, explainFailure } from './session.js'
import { addStartCommand } from './start-command.js'
import { VERSION } from './version.js'

const WITHOUT_COMMAND = '\nWithout a command odradek starts a broker; its flags are those of "odradek start --help".\n'

/** Runs what `host.argv` asks for. Resolves when the command is over or, for `start`, when the broker has stopped. */
export async function runProgram(host: Program): Promise<void> {
  host.stay()
  const program = new Command('odradek')
    .description('A Kafka broker without the JVM, and the commands to look into one.')
    .version(VERSION)
    .addHelpText('after', WITHOUT_COMMAND + example('odradek --listen 127.0.0.1:9092'))
  addStartCommand(program, host)
  addClientCommands(program, host)
  harden(program, host)
  try {
    refuseUnknownCommand(program, host.argv)
    await program.parseAsync([...host.argv], { from: 'user' })
  } catch (error) {
    host.exit(report(error, host))
  }
}

/** Commands do not inherit these from their parent. */
function harden(command: Command, host: Program): void {
  command.exitOverride().showSuggestionAfterError()
  command.configureOutput({
    writeOut: (text) => host.out(text),
    writeErr: (text) => host.err(text),
    // One sentence is one line.
    outputError: (text, write) => write(text.replace(/\n(?=\()/g, ' ')),
  })
  for (const inner of command.commands) harden(inner, host)
}

/** `start` is the default command, and to it a mistyped command would be an argument too many. */
function refuseUnknownCommand(program: Command, argv: readonly string[]): void {
  const [first] = argv
  if (first === undefined || first.startsWith('-') || first === 'help') return
  const names = program.commands.map((command) => command.name())
  if (names.includes(first)) return
  const near = names.find((name) => isNear(first, name))
  const hint = near === undefined ? `; there are ${names.join(', ')}.` : `: did you mean ${near}?`
  throw new CommandError(`There is no command ${first}${hint}`, 2)
}

/** A prefix, or at most two letters wrong. */
function isNear(typed: string, name: string): boolean {
  return name.startsWith(typed) || typed.startsWith(name) || distance(typed, name) <= 2
}

/** Letters to insert, remove or replace (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let i = 1; i <= one.length; i++) {
    const above = row
    row = [i]
    for (let j = 1; j <= other.length; j++) {
      const replaced = above[j - 1]! + (one[i - 1] === other[j - 1] ? 0 : 1)
      row.push(Math.min(replaced, above[j]! + 1, row[j - 1]! + 1))
    }
  }
  return row[other.length]!
}

/** Says what went wrong, in one sentence, and gives the exit code: 2 for a command that was asked wrongly, 1 for one that failed. */
function report(error: unknown, host: Program): number {
  if (error instanceof CommanderError) {
    // Commander has printed its sentence already; help and version are no errors.
    return error.exitCode === 0 ? 0 : 2
  }
  host.err(`${explainFailure(error, [])}\n`)
  return error instanceof CommandError ? error.exitCode : 1
}
