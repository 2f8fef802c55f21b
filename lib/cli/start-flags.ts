/** The flags of `odradek start`: one table for the help and for the reading of them. */
import { parseArgs } from 'node:util'
import type { LogLevel } from '../host/logger.js'
import {
  brokerIdList,
  credentials,
  rackList,
  type ZooKeeperFlags,
  zooKeeperChroot,
  zooKeeperConnect,
} from './start-cluster.js'
import { type Address, address, byteSize, connectable, keyValue, oneOf, wholeNumber } from './values.js'

export interface StartFlags extends Partial<ZooKeeperFlags> {
  readonly brokers?: number
  readonly brokerIds?: number[]
  readonly racks?: string[]
  readonly listen?: Address
  readonly advertise?: Address
  readonly id?: number
  readonly config?: string
  readonly dataDir?: string[]
  readonly fsync?: 'always' | 'system'
  readonly set?: Record<string, string>
  readonly memoryLimit?: number
  readonly profile: 'test' | 'kafka'
  readonly logLevel: LogLevel
  readonly json?: boolean
}

interface StartFlag {
  /** As the help shows it; a flag without a <value> is a switch. */
  readonly flags: string
  readonly description: string
  /** @throws RefusedValue */
  readonly parse?: (text: string, before?: never) => unknown
  readonly initial?: unknown
  /** The variable of the environment that stands for it. */
  readonly env?: string
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const

export const START_FLAGS: readonly StartFlag[] = [
  {
    flags: '--listen <HOST:PORT>',
    description: 'where to listen (the first listener); port 0 takes a free one (default: 127.0.0.1:9092)',
    parse: address,
  },
  {
    flags: '--advertise <HOST:PORT>',
    description: 'what clients of that listener are told, when they reach this broker by another address',
    parse: connectable,
  },
  { flags: '--id <n>', description: 'broker id (default: 1)', parse: wholeNumber(0, 2 ** 31 - 1) },
  {
    flags: '--data-dir <dir>',
    description:
      'keep everything in this directory (log.dirs); repeatable, or several with commas (default: in memory)',
    parse: directories,
  },
  {
    flags: '--fsync <when>',
    description:
      'always: acknowledge only what the device has (log.flush.interval.messages=1); system: the operating system decides, as in Kafka (default: system)',
    parse: oneOf('always', 'system'),
  },
  {
    flags: '--brokers <n>',
    description: 'this many brokers in one process, on consecutive ports (default: 1)',
    parse: wholeNumber(1, 100),
  },
  { flags: '--broker-ids <ids>', description: 'their ids, like 101,102,103 (default: 1,2,3 ...)', parse: brokerIdList },
  { flags: '--racks <names>', description: 'their racks, one each, comma-separated', parse: rackList },
  {
    flags: '--zookeeper <HOST:PORT,...>',
    description: 'join the cluster that this Apache ZooKeeper ensemble holds together; a path at the end is the chroot',
    parse: zooKeeperConnect,
  },
  { flags: '--zookeeper-chroot <path>', description: 'the cluster lives below this node', parse: zooKeeperChroot },
  {
    flags: '--zookeeper-auth <user:password>',
    description: 'digest credentials; the nodes are then open to nobody else',
    parse: credentials,
    env: 'ODRADEK_ZOOKEEPER_AUTH',
  },
  { flags: '--zookeeper-tls', description: 'connect to ZooKeeper by TLS; so do the flags that follow' },
  {
    flags: '--zookeeper-tls-ca <file>',
    description: 'PEM file of the authorities for its certificates (default: the well-known ones)',
  },
  {
    flags: '--zookeeper-tls-cert <file>',
    description: 'PEM file of a certificate of our own, for servers that ask for one',
  },
  { flags: '--zookeeper-tls-key <file>', description: 'PEM file of its key' },
  {
    flags: '--zookeeper-session-timeout <ms>',
    description: 'a broker silent for so long is taken for dead, and others lead what it led (default: 6000)',
    parse: wholeNumber(100, 600_000),
  },
  {
    flags: '--zookeeper-timeout <ms>',
    description: 'give up when no server of the ensemble answers for so long (default: try for ever)',
    parse: wholeNumber(1),
  },
  { flags: '--config <file>', description: "Kafka's server.properties" },
  { flags: '--set <key=value>', description: 'one broker config, repeatable; wins over --config', parse: keyValue },
  {
    flags: '--profile <name>',
    description: "test: starts and rebalances at once; kafka: Apache Kafka's own defaults",
    parse: oneOf('test', 'kafka'),
    initial: 'test',
  },
  {
    flags: '--memory-limit <size>',
    description:
      "memory that records may hold, like 512MB; beyond it the oldest move to a temporary folder (default: a quarter of the machine's)",
    parse: byteSize,
  },
  { flags: '--log-level <level>', description: LEVELS.join(', '), parse: oneOf(...LEVELS), initial: 'info' },
  { flags: '--json', description: 'the ready line and the log as JSON' },
]

/** `--data-dir <dir>` belongs to `dataDir`. */
const fieldOf = (name: string): string => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

/**
 * The flags of a plain start, read without the command-line library: a broker that starts in every test of somebody's need not load
 * it. Null: whatever is not plainly right (help, other commands, a flag or value that is wrong) is for the library to answer.
 */
export function plainStart(argv: readonly string[]): StartFlags | null {
  const args = argv[0] === 'start' ? argv.slice(1) : [...argv]
  if (args.some((arg) => arg === '--' || arg.startsWith('--zookeeper'))) return null
  const read = new Map(START_FLAGS.map((flag) => [/^--([\w-]+)/.exec(flag.flags)![1]!, flag]))
  const options = Object.fromEntries(
    [...read].map(([name, { flags }]) => [
      name,
      flags.includes('<') ? { type: 'string' as const, multiple: true } : { type: 'boolean' as const },
    ]),
  )
  const values: Record<string, unknown> = {}
  try {
    const given = parseArgs({ args, options, strict: true, allowPositionals: false }).values
    for (const [name, { parse, initial }] of read) {
      const texts = given[name]
      let value = initial
      if (texts === true) value = true
      else if (Array.isArray(texts)) value = texts.reduce<unknown>(parsed(parse), undefined)
      if (value !== undefined) values[fieldOf(name)] = value
    }
  } catch {
    return null
  }
  return values as unknown as StartFlags
}

function parsed(parse: StartFlag['parse']): (before: unknown, text: string | boolean) => unknown {
  return (before, text) => (parse === undefined ? text : parse(text as string, before as never))
}

function directories(text: string, before: string[] = []): string[] {
  return [...before, ...text.split(',')]
}
