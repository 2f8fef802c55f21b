/** `odradek start` for the command-line library: its help, and its refusals of wrong flags. */
import { type Command, Option } from 'commander'
import type { Program } from '../host/program.js'
import { START_FLAGS, type StartFlags } from './start-flags.js'

export function addStartCommand(program: Command, host: Program): void {
  const start = program.command('start', { isDefault: true }).description('run a broker')
  for (const { flags, description, parse, initial, env } of START_FLAGS) {
    const option = new Option(flags, description).default(initial)
    if (env !== undefined) option.env(env)
    if (parse !== undefined) option.argParser(parse as (text: string, before: unknown) => unknown)
    start.addOption(option)
  }
  start
    .addHelpText('after', '\nExample:\n  $ odradek start --listen 127.0.0.1:0 --set num.partitions=3')
    .action(async (flags: StartFlags, command: Command) => {
      const { startBroker } = await import('./start-broker.js')
      await startBroker(asTyped(flags, command), host)
    })
}

/** A variable of the environment may be there for other brokers: it does not ask for ZooKeeper. */
function asTyped(flags: StartFlags, command: Command): StartFlags {
  if (flags.zookeeper !== undefined || command.getOptionValueSource('zookeeperAuth') !== 'env') return flags
  const { zookeeperAuth: _others, ...typed } = flags
  return typed
}
