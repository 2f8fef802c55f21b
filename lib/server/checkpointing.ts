/** Writes the checkpoints of the log directories from time to time, so that a crash leaves little to look through. */
import type { Logger } from '../host/logger.js'
import type { TimerWheel } from '../host/timer-wheel.js'
import type { LogStore } from '../log/log-store.js'
import type { BrokerConfig } from '../metadata/broker-config.js'

export interface CheckpointingPorts {
  readonly timers: TimerWheel
  readonly logger: Logger
  readonly logs: LogStore
  readonly config: BrokerConfig
}

/** Kafka takes 0 too; that would be a write after the other. */
const SHORTEST_MS = 100

/** Recovery points that sealed segments have moved are noted this soon: a broker that writes fast seals gigabytes within Kafka's minute. */
const SEALED_AFTER_MS = 1000

/** Until the timers are closed. Nothing in memory. */
export function keepCheckpoints({ timers, logger, logs, config }: CheckpointingPorts): void {
  if (!logs.isDurable) return
  const failed = (error: unknown): void => logger.error(`A checkpoint could not be written: ${String(error)}`)
  let isDue = false
  logs.onSealedSynced(() => {
    if (isDue) return
    isDue = true
    timers.schedule('recovery points of sealed segments', SEALED_AFTER_MS, () => {
      isDue = false
      logs.checkpointRecoveryPoints().catch(failed)
    })
  })
  const every = (name: string, write: () => Promise<void>): void => {
    timers.schedule(name, Math.max(SHORTEST_MS, config.number(name)), () => {
      write()
        .catch(failed)
        // After the timers have been closed this does nothing.
        .finally(() => every(name, write))
    })
  }
  every('log.flush.offset.checkpoint.interval.ms', () => logs.checkpointRecoveryPoints())
  every('log.flush.start.offset.checkpoint.interval.ms', () => logs.checkpointLogStarts())
  every('replica.high.watermark.checkpoint.interval.ms', () => logs.checkpointHighWatermarks())
}
