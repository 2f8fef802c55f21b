/** The commands that are clients of a broker: any broker, ours or Apache Kafka's. */
import { type Command, Option } from 'commander'
import type { Program } from '../host/program.js'
import type { ResetTarget } from './commands/groups.js'
import { Output } from './output.js'
import { CommandError, explainFailure } from './session.js'
import {
  apiVersion,
  bootstrapList,
  brokerName,
  keyValue,
  oneOf,
  repeated,
  resetTarget,
  separator,
  topicName,
  wholeNumber,
} from './values.js'

interface Common {
  readonly bootstrap: string[]
  readonly json?: boolean
}

const MAX_PARTITIONS = 10_000

export function addClientCommands(program: Command, host: Program): void {
  addTopics(program, host)
  addCluster(program, host)
  addGroups(program, host)
  addConfigs(program, host)
  addProduce(program, host)
  addConsume(program, host)
  addTools(program, host)
}

export function example(text: string): string {
  return `\nExample:\n  $ ${text}`
}

/** Adds the flags that every client command has. `--bootstrap-server` is what Kafka's own tools call `--bootstrap`. */
function client(command: Command): Command {
  return command
    .addOption(
      new Option('--bootstrap <HOST:PORT,...>', 'brokers to ask')
        .argParser(bootstrapList)
        .default(['127.0.0.1:9092'], '127.0.0.1:9092'),
    )
    .addOption(new Option('--bootstrap-server <HOST:PORT,...>').argParser(bootstrapList).hideHelp())
    .on('option:bootstrap-server', () => command.setOptionValue('bootstrap', command.getOptionValue('bootstrapServer')))
    .option('--json', 'print JSON')
}

/** Runs a command to its exit code: 0 only when all of it succeeded. */
async function run(host: Program, options: Common, work: (output: Output) => Promise<void> | void): Promise<void> {
  const output = new Output(host, { json: options.json })
  try {
    await work(output)
    host.exit(0)
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(explainFailure(error, options.bootstrap ?? []), 1, { cause: error })
  }
}

function addTopics(program: Command, host: Program): void {
  const topics = program
    .command('topics')
    .description('list, create, describe and delete topics')
    .addHelpText('after', example('odradek topics create orders --partitions 6'))
  client(topics.command('list').description('all topics'))
    .addHelpText('after', example('odradek topics list --json'))
    .action((options: Common) =>
      run(host, options, async (output) =>
        (await import('./commands/topics.js')).listTopics(options.bootstrap, output),
      ),
    )
  client(topics.command('create').description('create a topic').argument('<name>', 'its name', topicName))
    .option(
      '--partitions <n>',
      "number of partitions; the default is the broker's (num.partitions)",
      wholeNumber(1, MAX_PARTITIONS),
    )
    .option('--replication-factor <n>', "copies of each partition; the default is the broker's", wholeNumber(1, 32767))
    .option('--config <key=value>', 'topic config, repeatable', keyValue)
    .addHelpText('after', example('odradek topics create orders --partitions 6 --config retention.ms=86400000'))
    .action(
      (
        name: string,
        options: Common & { partitions?: number; replicationFactor?: number; config?: Record<string, string> },
      ) =>
        run(host, options, async (output) =>
          (await import('./commands/topics.js')).createTopic(
            options.bootstrap,
            name,
            {
              partitions: options.partitions ?? -1,
              replicationFactor: options.replicationFactor ?? -1,
              config: options.config ?? {},
            },
            output,
          ),
        ),
    )
  client(
    topics.command('describe').description('partitions, leaders, replicas and configs of a topic').argument('<name>'),
  )
    .addHelpText('after', example('odradek topics describe orders'))
    .action((name: string, options: Common) =>
      run(host, options, async (output) =>
        (await import('./commands/topics.js')).describeTopic(options.bootstrap, name, output),
      ),
    )
  client(topics.command('delete').description('delete topics and everything in them').argument('<names...>'))
    .addHelpText('after', example('odradek topics delete orders'))
    .action((names: string[], options: Common) =>
      run(host, options, async (output) =>
        (await import('./commands/topics.js')).deleteTopics(options.bootstrap, names, output),
      ),
    )
}

const STATUS_EXIT_CODES =
  '\nExit code: 0 when every partition has a leader and all its replicas in sync; 1 when one is offline, under-replicated\nor has fewer in-sync replicas than min.insync.replicas, or when no broker answers.\n'

function addCluster(program: Command, host: Program): void {
  const cluster = program
    .command('cluster')
    .description('how the brokers of a cluster and their partitions are')
    .addHelpText('after', example('odradek cluster status'))
  client(cluster.command('status').description('brokers, controller, and the partitions that want for replicas'))
    .addHelpText('after', STATUS_EXIT_CODES + example('odradek cluster status --bootstrap 127.0.0.1:9092'))
    .action((options: Common) =>
      run(host, options, async (output) =>
        (await import('./commands/cluster.js')).clusterStatus(options.bootstrap, output),
      ),
    )
}

function addGroups(program: Command, host: Program): void {
  const groups = program
    .command('groups')
    .description('list, describe, reset and delete consumer groups')
    .addHelpText('after', example('odradek groups describe billing'))
  client(groups.command('list').description('all groups with their states'))
    .addHelpText('after', example('odradek groups list'))
    .action((options: Common) =>
      run(host, options, async (output) =>
        (await import('./commands/groups.js')).listGroups(options.bootstrap, output),
      ),
    )
  client(groups.command('describe').description('state, members, committed offsets and lag').argument('<group>'))
    .addHelpText('after', example('odradek groups describe billing'))
    .action((group: string, options: Common) =>
      run(host, options, async (output) =>
        (await import('./commands/groups.js')).describeGroup(options.bootstrap, group, output),
      ),
    )
  client(
    groups
      .command('reset')
      .description('move the committed offsets of a group that is not running')
      .argument('<group>'),
  )
    .requiredOption('--topic <topic>', 'the topic')
    .requiredOption(
      '--to <position>',
      'earliest, latest, an offset, or a time (2026-01-31T12:00:00Z, or milliseconds since 1970)',
      resetTarget,
    )
    .addHelpText('after', example('odradek groups reset billing --topic orders --to earliest'))
    .action((group: string, options: Common & { topic: string; to: ResetTarget }) =>
      run(host, options, async (output) =>
        (await import('./commands/groups.js')).resetGroup(options.bootstrap, group, options.topic, options.to, output),
      ),
    )
  client(
    groups
      .command('delete')
      .description('delete groups that are not running, with their offsets')
      .argument('<groups...>'),
  )
    .addHelpText('after', example('odradek groups delete billing'))
    .action((names: string[], options: Common) =>
      run(host, options, async (output) =>
        (await import('./commands/groups.js')).deleteGroups(options.bootstrap, names, output),
      ),
    )
}

interface ResourceFlags {
  readonly topic?: string
  readonly broker?: string
}

function resourceOf(flags: ResourceFlags): { type: 'topic' | 'broker'; name: string } {
  if ((flags.topic === undefined) === (flags.broker === undefined))
    throw new CommandError('Say whose configs: either --topic NAME, --broker ID or --broker default.', 2)
  return flags.topic === undefined ? { type: 'broker', name: flags.broker! } : { type: 'topic', name: flags.topic }
}

function addConfigs(program: Command, host: Program): void {
  const configs = program
    .command('configs')
    .description('describe and alter the configs of topics and brokers')
    .addHelpText('after', example('odradek configs describe --topic orders'))
  const resource = (command: Command): Command =>
    client(command)
      .option('--topic <name>', 'a topic')
      .option('--broker <id>', 'a broker, or default for what all brokers share', brokerName)
  resource(configs.command('describe').description('configs that differ from their defaults'))
    .option('--all', 'defaults too')
    .addHelpText('after', example('odradek configs describe --topic orders --all'))
    .action((options: Common & ResourceFlags & { all?: boolean }) =>
      run(host, options, async (output) =>
        (await import('./commands/configs.js')).describeConfigs(
          options.bootstrap,
          resourceOf(options),
          options.all === true,
          output,
        ),
      ),
    )
  resource(configs.command('alter').description('set configs, or delete them to return to the default'))
    .option('--set <key=value>', 'repeatable', keyValue)
    .option('--delete <key>', 'repeatable', repeated)
    .addHelpText(
      'after',
      example('odradek configs alter --topic orders --set retention.ms=3600000 --delete cleanup.policy'),
    )
    .action((options: Common & ResourceFlags & { set?: Record<string, string>; delete?: string[] }) =>
      run(host, options, async (output) =>
        (await import('./commands/configs.js')).alterConfigs(
          options.bootstrap,
          resourceOf(options),
          { set: options.set ?? {}, delete: options.delete ?? [] },
          output,
        ),
      ),
    )
}

interface ProduceFlags extends Common {
  readonly keySeparator?: string
  readonly header?: string[]
  readonly compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  readonly acks: 'all' | '-1' | '0' | '1'
}

function addProduce(program: Command, host: Program): void {
  client(
    program
      .command('produce')
      .description('a record per line of standard input')
      .argument('<topic>', 'its name', topicName),
  )
    .option('--key-separator <text>', 'what stands between key and value in a line (\\t: a tab)', separator)
    .option('--header <key=value>', 'on every record, repeatable', repeatedPair)
    .option(
      '--compression <codec>',
      'none, gzip, snappy, lz4 or zstd',
      oneOf('none', 'gzip', 'snappy', 'lz4', 'zstd'),
      'none',
    )
    .option('--acks <n>', '0, 1 or all', oneOf('all', '-1', '0', '1'), 'all')
    .addHelpText('after', example("printf 'k1:hello\\nk2:world\\n' | odradek produce orders --key-separator :"))
    .action((topic: string, options: ProduceFlags) =>
      run(host, options, async (output) => {
        const { produce } = await import('./commands/produce.js')
        const { SystemClock } = await import('../host/system-clock.js')
        const clock = new SystemClock()
        if (host.inIsTerminal) output.note('One record per line; Ctrl-D ends.')
        const acks = options.acks === 'all' ? -1 : (Number(options.acks) as -1 | 0 | 1)
        await produce(
          options.bootstrap,
          topic,
          {
            keySeparator: options.keySeparator ?? null,
            headers: options.header ?? [],
            compression: options.compression,
            acks,
          },
          {
            input: host.input(),
            interrupted: new Promise((resolve) => host.onStop(resolve)),
            showProgress: host.errIsTerminal && options.json !== true,
            monotonic: () => clock.monotonic(),
          },
          output,
        )
      }),
    )
}

function repeatedPair(text: string, before?: string[]): string[] {
  keyValue(text)
  return repeated(text, before)
}

interface ConsumeFlags extends Common {
  readonly fromBeginning?: boolean
  readonly group?: string
  readonly max?: number
  readonly timeout?: number
  readonly format?: string
}

function addConsume(program: Command, host: Program): void {
  client(program.command('consume').description('print records, one per line, as they come').argument('<topic>'))
    .option('--from-beginning', 'start with the oldest record where the group has no offset')
    .option('--group <id>', 'read as a member of this group and commit; without it nothing is left behind')
    .option('--max <n>', 'stop after so many records', wholeNumber(1))
    .option('--timeout <ms>', 'stop when nothing came for so long', wholeNumber(1, 2 ** 31 - 1))
    .option(
      '--format <format>',
      'value, json, or a pattern of %t %p %o %T %k %v %h (topic, partition, offset, time, key, value, headers)',
    )
    .addHelpText('after', example("odradek consume orders --from-beginning --max 10 --format '%k %v %p %o'"))
    .action((topic: string, options: ConsumeFlags) =>
      run(host, options, async () => {
        const { consume } = await import('./commands/consume.js')
        const { SystemClock } = await import('../host/system-clock.js')
        const clock = new SystemClock()
        await consume(
          options.bootstrap,
          topic,
          {
            fromBeginning: options.fromBeginning === true,
            group: options.group ?? null,
            max: options.max ?? null,
            timeoutMs: options.timeout ?? null,
            format: options.format ?? (options.json ? 'json' : 'value'),
          },
          {
            host,
            interrupted: new Promise((resolve) => {
              host.onStop(resolve)
              host.onOutputClosed(() => resolve(null))
            }),
            setTimer: (delayMs, fire) => clock.setTimer(delayMs, fire),
          },
        )
      }),
    )
}

function addTools(program: Command, host: Program): void {
  client(program.command('api-versions').description('the APIs and versions that a broker serves'))
    .addHelpText('after', example('odradek api-versions --bootstrap 127.0.0.1:9092'))
    .action((options: Common) =>
      run(host, options, async (output) =>
        (await import('./commands/api-versions.js')).apiVersions(options.bootstrap, output),
      ),
    )
  program
    .command('explain')
    .description('what the bytes of a request or response mean, field by field')
    .argument('<hex>', 'a frame, with or without its size')
    .option('--response <key:version>', 'the bytes are a response to this API key and version', apiVersion)
    .option('--json', 'print JSON')
    .addHelpText('after', example('odradek explain 00120003000000010004746573740004636c69023100'))
    .action((hex: string, options: { response?: { apiKey: number; version: number }; json?: boolean }) =>
      run(host, { bootstrap: [], ...options } as Common, async (output) =>
        (await import('./commands/explain.js')).explainHex(hex, { response: options.response ?? null }, output),
      ),
    )
  program
    .command('dump')
    .description('what is in a segment or index file')
    .argument('<file>', 'a .log, .index, .timeindex or .txnindex file')
    .option('--records', 'records too, not only batches')
    .option('--json', 'print JSON')
    .addHelpText('after', example('odradek dump orders-0/00000000000000000000.log --records'))
    .action((file: string, options: { records?: boolean; json?: boolean }) =>
      run(host, { bootstrap: [], ...options } as Common, async (output) =>
        (await import('./commands/dump.js')).dumpFile(
          file,
          (path) => host.readBytes(path),
          { records: options.records === true },
          output,
        ),
      ),
    )
}
