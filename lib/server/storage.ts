/** Where a node keeps things: what is made of `log.dirs`, or of memory when there are none. */
import type { Journal } from '../cluster/coordination/journal.js'
import type { Clock } from '../host/clock.js'
import type { Disk } from '../host/disk.js'
import type { Logger } from '../host/logger.js'
import { type MemoryPressure, NO_PRESSURE } from '../host/memory-budget.js'
import type { Random } from '../host/random.js'
import { openRecordMemory, type RecordMemory } from '../host/record-memory.js'
import type { SpillTarget } from '../host/spill.js'
import { LogDir } from '../log/log-dir.js'
import type { LogStoreOptions } from '../log/store-contract.js'
import type { BrokerConfig } from '../metadata/broker-config.js'
import type { NodeOptions } from './options.js'

export interface Storage {
  readonly clusterId: string
  readonly directories: readonly LogDir[]
  /** Where the cluster's metadata is; null in memory. */
  readonly metadataDirectory: LogDir | null
  /** Null in memory. */
  readonly journal: Journal | null
  /** How short of memory the records are. */
  readonly pressure: MemoryPressure
  readonly logOptions: Pick<LogStoreOptions, 'openBytesMax'>
  /** Set by the node: called once when it must not go on, with a sentence that says why. */
  onFatal: ((reason: string) => void) | null
  /** Another process uses the directories: nothing may be written any more, not even an end. */
  readonly isLost: boolean
  /** Lets everything go; the logs are closed. */
  close(): Promise<void>
}

export interface StoragePorts {
  readonly logger: Logger
  readonly clock: Clock
  readonly random: Random
  /** In memory mode: where the records are; null for memory that does not run out. */
  readonly disk: Disk | null
  readonly openSpillTarget: (() => SpillTarget) | undefined
  /** What bounds `disks` that are memory. */
  readonly memory: RecordMemory | null
  /** Null on a broker that keeps its cluster's metadata itself. */
  readonly coordination: object | null
  /** With log directories: the disk of each, by its path; the machine's own when absent. */
  readonly disks: ReadonlyMap<string, Disk> | null
}

const MEMORY_DIRECTORY = '/odradek/memory'
/** Of the memory for records, what the ends of logs may hold unfilled. */
export const OPEN_SHARE = 4

/** The log directories that were asked for; none: memory. As in Kafka `log.dirs` goes before `log.dir`. */
export function dataDirectories(values: Readonly<Record<string, string>>): string[] {
  const text = values['log.dirs'] ?? values['log.dir'] ?? ''
  const paths = text.split(',').map((path) => path.trim())
  return [...new Set(paths.filter((path) => path !== ''))]
}

/** @throws StartError */
export async function openStorage(options: NodeOptions, config: BrokerConfig, ports: StoragePorts): Promise<Storage> {
  const paths = dataDirectories(options.values)
  if (paths.length > 0) {
    // Only who keeps data pays for loading what keeps it.
    const { openDataDirectories } = await import('./data-directories.js')
    const metadataPath = options.values['metadata.log.dir'] || paths[0]!
    return openDataDirectories({ paths, metadataPath, clusterId: options.clusterId ?? null }, config, ports)
  }
  return openMemory(options, ports)
}

function openMemory(options: NodeOptions, ports: StoragePorts): Storage {
  const { clock, logger, openSpillTarget: openTarget } = ports
  const { memoryLimitBytes: limitBytes } = options
  const memory = ports.disk === null ? openRecordMemory({ limitBytes }, { clock, logger, openTarget }) : null
  return {
    clusterId: options.clusterId ?? ports.random.topicId(),
    directories: [new LogDir({ path: MEMORY_DIRECTORY }, ports.disk ?? memory!.disk)],
    metadataDirectory: null,
    journal: null,
    onFatal: null,
    isLost: false,
    pressure: memory?.pressure ?? NO_PRESSURE,
    logOptions: memory === null ? {} : { openBytesMax: memory.limitBytes / OPEN_SHARE },
    async close() {
      await memory?.close()
    },
  }
}
