/** What a broker does by itself, now and then: retention. An idle broker has one timer for it. */
import type { Replicas } from '../broker/partition/replicas.js'
import type { Clock } from '../host/clock.js'
import type { Logger } from '../host/logger.js'
import type { TimerWheel } from '../host/timer-wheel.js'
import type { BrokerConfig } from '../metadata/broker-config.js'

export interface MaintenancePorts {
  readonly replicas: Replicas
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly logger: Logger
}

const KEY = 'retention'

export class Maintenance {
  readonly #ports: MaintenancePorts

  constructor(ports: MaintenancePorts) {
    this.#ports = ports
  }

  /** First after `log.initial.task.delay.ms`, then every `log.retention.check.interval.ms`. */
  start(): void {
    this.#schedule(this.#ports.config.number('log.initial.task.delay.ms'))
  }

  stop(): void {
    this.#ports.timers.cancel(KEY)
  }

  #schedule(delayMs: number): void {
    const { timers, config } = this.#ports
    timers.schedule(KEY, delayMs, () => {
      this.#applyRetention()
      this.#schedule(config.number('log.retention.check.interval.ms'))
    })
  }

  #applyRetention(): void {
    const { replicas, clock, logger } = this.#ports
    const now = clock.now()
    for (const partition of replicas.partitions()) {
      try {
        partition.applyRetention(now)
      } catch (error) {
        logger.error(`Retention of ${partition.topic}-${partition.partition} failed: ${String(error)}`)
      }
    }
  }
}
