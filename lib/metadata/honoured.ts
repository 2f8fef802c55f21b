import type { Logger } from '../host/logger.js'

/** Says once per name that setting a config has no effect here; for settings that arrive at run time. */
export class WithoutEffect {
  private readonly said = new Set<string>()

  constructor(private readonly logger: Logger) {}

  /** Only names of Kafka's tables come here, so the set is bounded by them. */
  note(kind: 'topic' | 'broker', names: Iterable<string>): void {
    for (const name of names) {
      if (this.said.has(name)) continue
      if (kind === 'topic' ? !ignoredTopicConfigs.has(name) : honouredBrokerConfigs.has(name)) continue
      this.said.add(name)
      this.logger.info(`The ${kind} config ${name} is accepted, but Odradek has nothing it could change.`)
    }
  }
}

/**
 * Broker configs that change what Odradek does. Every other name of Kafka's is accepted, checked and shown, and named once in the
 * log as having no effect. Extend this set together with the code that reads the config: a test looks for it.
 */
export const honouredBrokerConfigs: ReadonlySet<string> = new Set([
  'add.partitions.to.txn.retry.backoff.max.ms',
  'add.partitions.to.txn.retry.backoff.ms',
  'advertised.listeners',
  'alter.log.dirs.replication.quota.window.num',
  'alter.log.dirs.replication.quota.window.size.seconds',
  'auto.create.topics.enable',
  'auto.leader.rebalance.enable',
  'broker.id',
  'broker.rack',
  'compression.gzip.level',
  'compression.type',
  'compression.zstd.level',
  'connections.max.idle.ms',
  'cordoned.log.dirs',
  'default.replication.factor',
  'delete.topic.enable',
  'fetch.max.bytes',
  'group.initial.rebalance.delay.ms',
  'group.max.session.timeout.ms',
  'group.max.size',
  'group.min.session.timeout.ms',
  'inter.broker.listener.name',
  'leader.imbalance.check.interval.seconds',
  'listener.security.protocol.map',
  'listeners',
  'log.cleaner.backoff.ms',
  'log.cleaner.dedupe.buffer.size',
  'log.cleaner.delete.retention.ms',
  'log.cleaner.enable',
  'log.cleaner.io.buffer.load.factor',
  'log.cleaner.io.max.bytes.per.second',
  'log.cleaner.max.compaction.lag.ms',
  'log.cleaner.min.cleanable.ratio',
  'log.cleaner.min.compaction.lag.ms',
  'log.cleanup.policy',
  'log.dir',
  'log.dirs',
  'log.flush.interval.messages',
  'log.flush.interval.ms',
  'log.flush.offset.checkpoint.interval.ms',
  'log.flush.scheduler.interval.ms',
  'log.flush.start.offset.checkpoint.interval.ms',
  'log.index.interval.bytes',
  'log.index.size.max.bytes',
  'log.message.timestamp.after.max.ms',
  'log.message.timestamp.before.max.ms',
  'log.message.timestamp.type',
  'log.retention.bytes',
  'log.retention.check.interval.ms',
  'log.retention.hours',
  'log.retention.minutes',
  'log.retention.ms',
  'log.roll.hours',
  'log.roll.jitter.hours',
  'log.roll.jitter.ms',
  'log.roll.ms',
  'log.segment.bytes',
  'log.segment.delete.delay.ms',
  'max.connections',
  'max.connections.per.ip',
  'max.connections.per.ip.overrides',
  'max.decompressed.message.bytes',
  'max.incremental.fetch.session.cache.slots',
  'max.request.partition.size.limit',
  'message.max.bytes',
  'metadata.log.dir',
  'metadata.log.max.record.bytes.between.snapshots',
  'metadata.log.max.snapshot.interval.ms',
  'min.insync.replicas',
  'node.id',
  'num.partitions',
  'offset.metadata.max.bytes',
  'offsets.retention.check.interval.ms',
  'offsets.retention.minutes',
  'offsets.topic.num.partitions',
  'offsets.topic.replication.factor',
  'offsets.topic.segment.bytes',
  'producer.id.expiration.check.interval.ms',
  'producer.id.expiration.ms',
  'queued.max.request.bytes',
  'replica.fetch.backoff.ms',
  'replica.fetch.max.bytes',
  'replica.fetch.min.bytes',
  'replica.fetch.response.max.bytes',
  'replica.fetch.wait.max.ms',
  'replica.high.watermark.checkpoint.interval.ms',
  'replica.lag.time.max.ms',
  'replica.selector.class',
  'replication.quota.window.num',
  'replication.quota.window.size.seconds',
  'request.timeout.ms',
  'share.coordinator.state.topic.min.isr',
  'share.coordinator.state.topic.num.partitions',
  'share.coordinator.state.topic.replication.factor',
  'share.coordinator.state.topic.segment.bytes',
  'socket.listen.backlog.size',
  'socket.request.max.bytes',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms',
  'transaction.max.timeout.ms',
  'transaction.partition.verification.enable',
  'transaction.remove.expired.transaction.cleanup.interval.ms',
  'transaction.state.log.min.isr',
  'transaction.state.log.num.partitions',
  'transaction.state.log.replication.factor',
  'transaction.state.log.segment.bytes',
  'transactional.id.expiration.ms',
  'unclean.leader.election.enable',
  'unclean.leader.election.interval.ms',
])

/**
 * Topic configs without effect: tiered storage, what an operating system's log would tune.
 */
export const ignoredTopicConfigs: ReadonlySet<string> = new Set([
  'compression.lz4.level',
  'errors.deadletterqueue.group.enable',
  'local.retention.bytes',
  'local.retention.ms',
  'preallocate',
  'remote.copy.lag.bytes',
  'remote.copy.lag.ms',
  'remote.log.copy.disable',
  'remote.log.delete.on.disable',
  'remote.storage.enable',
])
