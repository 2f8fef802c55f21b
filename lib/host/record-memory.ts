/** The memory of a broker that keeps its records in memory: a disk with a limit, beyond which the oldest records move to files. */
import type { Clock } from './clock.js'
import type { Disk } from './disk.js'
import type { Logger } from './logger.js'
import { machineMemoryBytes } from './machine-memory.js'
import { MemoryBudget, type MemoryPressure } from './memory-budget.js'
import { MemoryDisk } from './memory-disk.js'
import { Spill, type SpillTarget } from './spill.js'
import { openSpillFolder, sweepSpillFolders } from './spill-folder.js'

export interface RecordMemoryOptions {
  /** Default: a quarter of the machine's memory, or of the container's, for all brokers of the process without a limit of their own. */
  limitBytes?: number | undefined
}

export interface RecordMemoryPorts {
  readonly clock: Clock
  readonly logger: Logger
  /** Where records move to. Default: a temporary folder. */
  readonly openTarget?: (() => SpillTarget) | undefined
}

export interface RecordMemory {
  readonly disk: Disk
  readonly limitBytes: number
  readonly pressure: MemoryPressure
  /** Removes what was moved. The disk is not to be used afterwards. */
  close(): Promise<void>
}

let shared: MemoryBudget | null = null
let sweeping: Promise<number> | null = null

export function openRecordMemory(options: RecordMemoryOptions, ports: RecordMemoryPorts): RecordMemory {
  const { clock, logger, openTarget = () => openSpillFolder({ logger, clock }) } = ports
  shared ??= new MemoryBudget(Math.floor(machineMemoryBytes() / 4))
  const budget = options.limitBytes === undefined ? shared : new MemoryBudget(options.limitBytes)
  const spill = new Spill({ budget, clock, logger, openTarget })
  // Once in a process: whatever is left was left before.
  sweeping ??= sweepSpillFolders({ logger })
  return {
    disk: new MemoryDisk({}, { keeper: spill }),
    limitBytes: budget.limitBytes,
    pressure: budget,
    async close() {
      await sweeping
      await spill.close()
    },
  }
}
