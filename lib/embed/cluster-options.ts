/** What a cluster of one process is made of: its options, and the seats that its brokers take. */
import type { Logger } from '../host/logger.js'
import { openRecordMemory, type RecordMemory } from '../host/record-memory.js'
import { SystemClock } from '../host/system-clock.js'
import type { BrokerNode } from '../server/broker-node.js'
import { assertProfile, BrokerError, type BrokerOptions, bracketed, limitBytes } from './broker.js'

const PORT_MAX = 65_535

export interface ClusterOptions
  extends Pick<
    BrokerOptions,
    'host' | 'advertisedHost' | 'topics' | 'profile' | 'config' | 'logLevel' | 'logger' | 'clusterId'
  > {
  /** How many. Default: as many as `brokerIds`, or 3. */
  brokers?: number
  /** Default: 1, 2, 3 ... */
  brokerIds?: readonly number[]
  /** One per broker, in their order (`broker.rack`): replicas are spread over them. */
  racks?: readonly string[]
  /** A folder that keeps everything: one folder per broker in it, and one for what they agree on. Default: memory. */
  dataDir?: string
  /** As for one broker; shared by all. */
  memoryLimit?: BrokerOptions['memoryLimit']
  /** What clients are told of the first broker's port, when they reach it by another; the others are told the next ones. Default: what was bound. */
  advertisedPort?: number
  /** Port of the first broker, the others take the next ones. Default 0: free ones. */
  port?: number
}

/** A broker of the cluster, whether it runs or not. */
export interface Seat {
  readonly brokerId: number
  readonly rack: string | null
  /** HOST:PORT that clients are told, null: what was bound. */
  readonly advertised: string | null
  /** 0 until it is known; the same after a restart. */
  port: number
  /** Its records when they are in memory: they outlive the broker as a disk does. */
  readonly memory: RecordMemory | null
  node: BrokerNode | null
  /** Resolves when what was asked of it so far, to start or to stop, is done. Never rejects. */
  turn: Promise<void>
}

/** @throws BrokerError, StartError */
export function seatsFor(options: ClusterOptions, logger: Logger): Seat[] {
  const { brokerIds, racks, port = 0, profile = 'test' } = options
  assertProfile(profile)
  const count = options.brokers ?? brokerIds?.length ?? 3
  if (!Number.isInteger(count) || count < 1) {
    throw new BrokerError('ERR_ODRADEK_CONFIG', `brokers is ${count}; a cluster has at least one.`)
  }
  const ids = brokerIds ?? Array.from({ length: count }, (_, index) => index + 1)
  if (ids.length !== count || new Set(ids).size !== count) {
    throw new BrokerError('ERR_ODRADEK_CONFIG', `brokerIds has to name ${count} different ids, not ${ids.join(', ')}.`)
  }
  if (racks !== undefined && racks.length !== count) {
    throw new BrokerError(
      'ERR_ODRADEK_CONFIG',
      `racks has to name one for each of ${count} brokers, not ${racks.length}.`,
    )
  }
  if (port > 0 && port + count - 1 > PORT_MAX) {
    const beyond = PORT_MAX + 1 - port
    const message = `Broker ${ids[beyond]} would listen on port ${PORT_MAX + 1}; the last one is ${PORT_MAX}.`
    throw new BrokerError('ERR_ODRADEK_CONFIG', message)
  }
  const clock = new SystemClock()
  const { memoryLimit } = options
  const memory = memoryLimit === undefined ? {} : { limitBytes: Math.ceil(limitBytes(memoryLimit) / count) }
  return ids.map((brokerId, index) => ({
    brokerId,
    rack: racks?.[index] ?? null,
    advertised: advertisedOf(options, index),
    port: port === 0 ? 0 : port + index,
    memory: options.dataDir === undefined ? openRecordMemory(memory, { clock, logger }) : null,
    node: null,
    turn: Promise.resolve(),
  }))
}

function advertisedOf(
  { host = '127.0.0.1', advertisedHost, port, advertisedPort }: ClusterOptions,
  index: number,
): string | null {
  if (advertisedHost === undefined && advertisedPort === undefined) return null
  const first = advertisedPort ?? port ?? 0
  return `${bracketed(advertisedHost ?? host)}:${first === 0 ? 0 : first + index}`
}
