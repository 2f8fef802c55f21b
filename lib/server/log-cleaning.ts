/** The log cleaner of a broker: which settings it goes by and which logs it may work on. */
import type { Replicas } from '../broker/partition/replicas.js'
import { LogCleaner, type LogCleanerPorts } from '../log/log-cleaner.js'
import type { LogStore } from '../log/log-store.js'
import type { BrokerConfig } from '../metadata/broker-config.js'

/** Null with `log.cleaner.enable=false`, which only a restart can change. */
export function logCleaner(
  config: BrokerConfig,
  ports: Pick<LogCleanerPorts, 'clock' | 'random' | 'logger'> & { replicas: Replicas; logs: LogStore },
): LogCleaner | null {
  if (!config.boolean('log.cleaner.enable')) return null
  const { clock, random, logger, replicas, logs } = ports
  return new LogCleaner({
    clock,
    random,
    logger,
    settings: () => ({
      backoffMs: config.number('log.cleaner.backoff.ms'),
      dedupeBufferBytes: config.number('log.cleaner.dedupe.buffer.size'),
      loadFactor: config.number('log.cleaner.io.buffer.load.factor'),
      bytesPerSecond: config.number('log.cleaner.io.max.bytes.per.second'),
    }),
    onCleaned: () =>
      logs
        .checkpointCleaned()
        .catch((error: unknown) => logger.warn(`How far compaction has come could not be noted: ${String(error)}`)),
    targets: () => replicas.partitions(),
  })
}
