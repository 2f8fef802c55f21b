#!/usr/bin/env node
/** The `odradek` program. Parses flags and calls the command; each command is loaded when it is asked for. */
import { Command, CommanderError } from 'commander'
import { nodeProgram } from '../host/program.js'
import { addClientCommands } from './client-commands.js'
import { CommandError, explainFailure } from './session.js'
import { addStartCommand } from './start-command.js'
import { VERSION } from './version.js'

const program = new Command('odradek')
  .description('A Kafka broker without the JVM, and the commands to look into one.')
  .version(VERSION)
  .exitOverride()
  .configureOutput({ writeOut: (text) => nodeProgram.out(text), writeErr: (text) => nodeProgram.err(text) })
  .showSuggestionAfterError()
  .addHelpText(
    'after',
    '\nWithout a command it starts a broker, with the flags of `odradek start --help`.\n\nExample:\n  $ odradek --listen 127.0.0.1:9092',
  )

addStartCommand(program, nodeProgram)
addClientCommands(program, nodeProgram)

/** Commands inherit neither of these from their parent. */
function hardened(command: Command): void {
  command.exitOverride().showSuggestionAfterError()
  command.configureOutput({ writeOut: (text) => nodeProgram.out(text), writeErr: (text) => nodeProgram.err(text) })
  command.commands.forEach(hardened)
}
hardened(program)

/** Without this, a misspelt command would be told that `start`, the default, takes no arguments. */
function checkCommand(name: string | undefined): void {
  if (name === undefined || name.startsWith('-') || name === 'help') return
  const names = program.commands.map((command) => command.name())
  if (!names.includes(name)) throw new CommandError(`There is no command ${name}; there are ${names.join(', ')}.`, 2)
}

async function main(argv: readonly string[]): Promise<void> {
  checkCommand(argv[0])
  await program.parseAsync([...argv], { from: 'user' })
}

main(nodeProgram.argv).then(
  () => {},
  (error: unknown) => nodeProgram.exit(report(error)),
)

/** Says what went wrong, in one sentence, and gives the exit code: 2 for a command that was asked wrongly, 1 for one that failed. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has printed its sentence already; help and version are no errors.
    return error.exitCode === 0 ? 0 : 2
  }
  if (error instanceof CommandError) {
    nodeProgram.err(`${error.message}\n`)
    return error.exitCode
  }
  nodeProgram.err(`${explainFailure(error, [])}\n`)
  return 1
}
