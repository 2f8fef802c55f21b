/** The command line as the library knows it: every command with its help, and the refusals. */
import { Command, CommanderError } from 'commander'
import type { Program } from '../host/program.js'
import { addClientCommands, example } from './client-commands.js'
import { CommandError } from './session.js'
import { addStartCommand } from './start-command.js'
import { VERSION } from './version.js'

const WITHOUT_COMMAND = '\nWithout a command odradek starts a broker; its flags are those of "odradek start --help".\n'

/** Runs the command that `host.argv` asks for. @throws CommandError */
export async function runCommand(host: Program): Promise<void> {
  const program = new Command('odradek')
    .description('A Kafka broker without the JVM, and the commands to look into one.')
    .version(VERSION)
    .addHelpText('after', WITHOUT_COMMAND + example('odradek --listen 127.0.0.1:9092'))
  addStartCommand(program, host)
  addClientCommands(program, host)
  harden(program, host)
  refuseUnknownCommand(program, host.argv)
  try {
    await program.parseAsync([...host.argv], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Its sentence is printed already; help and version are no errors.
    host.exit(error.exitCode === 0 ? 0 : 2)
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
  const first = argv[0] === 'help' ? argv[1] : argv[0]
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
