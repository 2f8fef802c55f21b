/**
 * The topic, group, client-metrics and quota configs of Apache Kafka 4.4.0, one a line. Generated from the recorded config definitions (test/golden/configs.json); a test
 * compares every row. It is text, not objects, so that loading costs one string and a row is parsed only when asked for.
 *
 * name|type|default (~ none)|flags|valid|broker configs behind it
 * flags: s sensitive, i internal, q required.
 * valid: `min..max`, `in:a,b`, `ini:` (ignoring case), `list:[e][n]:members` (empty, null allowed), `text:` (checked by hand).
 */

/** Last column: broker synonyms in order of precedence, `name*factor` where the unit differs. */
export const topicConfigRows = `\
cleanup.policy|LIST|delete||list:e:compact,delete|log.cleanup.policy
compression.gzip.level|INT|-1||text:[1,...,9] or -1|compression.gzip.level
compression.lz4.level|INT|9||1..17|compression.lz4.level
compression.type|STRING|producer||in:uncompressed,zstd,lz4,snappy,gzip,producer|compression.type
compression.zstd.level|INT|3||-131072..22|compression.zstd.level
delete.retention.ms|LONG|86400000||0..|log.cleaner.delete.retention.ms
errors.deadletterqueue.group.enable|BOOLEAN|false|||
file.delete.delay.ms|LONG|60000||0..|log.segment.delete.delay.ms
flush.messages|LONG|9223372036854775807||1..|log.flush.interval.messages
flush.ms|LONG|9223372036854775807||0..|log.flush.interval.ms,log.flush.scheduler.interval.ms
follower.replication.throttled.replicas|LIST|||text:[partitionId]:[brokerId],[partitionId]:[brokerId],...|
index.interval.bytes|INT|4096||0..|log.index.interval.bytes
internal.segment.bytes|INT|~|i||
leader.replication.throttled.replicas|LIST|||text:[partitionId]:[brokerId],[partitionId]:[brokerId],...|
local.retention.bytes|LONG|-2||-2..|log.local.retention.bytes
local.retention.ms|LONG|-2||-2..|log.local.retention.ms
max.compaction.lag.ms|LONG|9223372036854775807||1..|log.cleaner.max.compaction.lag.ms
max.decompressed.message.bytes|INT|2147483639||1..2147483639|max.decompressed.message.bytes
max.message.bytes|INT|1048588||0..|message.max.bytes
message.timestamp.after.max.ms|LONG|3600000||0..|log.message.timestamp.after.max.ms
message.timestamp.before.max.ms|LONG|9223372036854775807||0..|log.message.timestamp.before.max.ms
message.timestamp.type|STRING|CreateTime||in:CreateTime,LogAppendTime|log.message.timestamp.type
min.cleanable.dirty.ratio|DOUBLE|0.5||0..1|log.cleaner.min.cleanable.ratio
min.compaction.lag.ms|LONG|0||0..|log.cleaner.min.compaction.lag.ms
min.insync.replicas|INT|1||1..|min.insync.replicas
preallocate|BOOLEAN|false|||log.preallocate
remote.copy.lag.bytes|LONG|-1||-1..|log.remote.copy.lag.bytes
remote.copy.lag.ms|LONG|0||-1..|log.remote.copy.lag.ms
remote.log.copy.disable|BOOLEAN|false|||
remote.log.delete.on.disable|BOOLEAN|false|||
remote.storage.enable|BOOLEAN|false|||
retention.bytes|LONG|-1|||log.retention.bytes
retention.ms|LONG|604800000||-1..|log.retention.ms,log.retention.minutes*60000,log.retention.hours*3600000
segment.bytes|INT|1073741824||1048576..|log.segment.bytes
segment.index.bytes|INT|10485760||4..|log.index.size.max.bytes
segment.jitter.ms|LONG|0||0..|log.roll.jitter.ms,log.roll.jitter.hours*3600000
segment.ms|LONG|604800000||1..|log.roll.ms,log.roll.hours*3600000
unclean.leader.election.enable|BOOLEAN|false|||unclean.leader.election.enable`

/** Last column: broker config with the default, with the least and with the largest value. */
export const groupConfigRows = `\
consumer.assignment.interval.ms|INT|1000||0..|group.consumer.assignment.interval.ms,group.consumer.min.assignment.interval.ms,group.consumer.max.assignment.interval.ms
consumer.assignor.offload.enable|BOOLEAN|true|i||group.consumer.assignor.offload.enable
consumer.heartbeat.interval.ms|INT|5000||1..|group.consumer.heartbeat.interval.ms,group.consumer.min.heartbeat.interval.ms,group.consumer.max.heartbeat.interval.ms
consumer.session.timeout.ms|INT|45000||1..|group.consumer.session.timeout.ms,group.consumer.min.session.timeout.ms,group.consumer.max.session.timeout.ms
errors.deadletterqueue.copy.record.enable|BOOLEAN|false|||
errors.deadletterqueue.topic.name|STRING||||
share.assignment.interval.ms|INT|1000||0..|group.share.assignment.interval.ms,group.share.min.assignment.interval.ms,group.share.max.assignment.interval.ms
share.assignor.offload.enable|BOOLEAN|true|i||group.share.assignor.offload.enable
share.auto.offset.reset|STRING|latest||text:[latest, earliest, by_duration:PnDTnHnMn.nS]|
share.delivery.count.limit|INT|5||2..|group.share.delivery.count.limit,group.share.min.delivery.count.limit,group.share.max.delivery.count.limit
share.heartbeat.interval.ms|INT|5000||1..|group.share.heartbeat.interval.ms,group.share.min.heartbeat.interval.ms,group.share.max.heartbeat.interval.ms
share.isolation.level|STRING|read_uncommitted||in:read_committed,read_uncommitted|
share.partition.max.record.locks|INT|2000||100..|group.share.partition.max.record.locks,group.share.min.partition.max.record.locks,group.share.max.partition.max.record.locks
share.record.lock.duration.ms|INT|30000||1000..|group.share.record.lock.duration.ms,group.share.min.record.lock.duration.ms,group.share.max.record.lock.duration.ms
share.renew.acknowledge.enable|BOOLEAN|true|||
share.session.timeout.ms|INT|45000||1..|group.share.session.timeout.ms,group.share.min.session.timeout.ms,group.share.max.session.timeout.ms
streams.acceptable.recovery.lag|LONG|10000|i|0..|group.streams.acceptable.recovery.lag
streams.assignment.interval.ms|INT|1000||0..|group.streams.assignment.interval.ms,group.streams.min.assignment.interval.ms,group.streams.max.assignment.interval.ms
streams.assignor.name|STRING|~|||group.streams.assignors
streams.assignor.offload.enable|BOOLEAN|true|i||group.streams.assignor.offload.enable
streams.heartbeat.interval.ms|INT|5000||1..|group.streams.heartbeat.interval.ms,group.streams.min.heartbeat.interval.ms,group.streams.max.heartbeat.interval.ms
streams.initial.rebalance.delay.ms|INT|3000||0..|group.streams.initial.rebalance.delay.ms
streams.num.standby.replicas|INT|0||0..|group.streams.num.standby.replicas,,group.streams.max.standby.replicas
streams.num.warmup.replicas|INT|2|i|0..|group.streams.num.warmup.replicas,,group.streams.max.warmup.replicas
streams.rack.aware.assignment.tags|LIST|||list:e:|group.streams.rack.aware.assignment.tags
streams.session.timeout.ms|INT|45000||1..|group.streams.session.timeout.ms,group.streams.min.session.timeout.ms,group.streams.max.session.timeout.ms
streams.task.offset.interval.ms|INT|60000|i|1..|group.streams.task.offset.interval.ms,group.streams.min.task.offset.interval.ms`

export const clientMetricsConfigRows = `\
interval.ms|INT|300000|||
match|LIST|||list:e:|
metrics|LIST|||list:e:|`

export const userAndClientQuotaConfigRows = `\
consumer_byte_rate|LONG|9223372036854775807|||
controller_mutation_rate|DOUBLE|2.147483647E9|||
producer_byte_rate|LONG|9223372036854775807|||
request_percentage|DOUBLE|2.147483647E9|||`

export const userScramAndQuotaConfigRows = `\
SCRAM-SHA-256|STRING|~|||
SCRAM-SHA-512|STRING|~|||
consumer_byte_rate|LONG|9223372036854775807|||
controller_mutation_rate|DOUBLE|2.147483647E9|||
producer_byte_rate|LONG|9223372036854775807|||
request_percentage|DOUBLE|2.147483647E9|||`

export const ipQuotaConfigRows = `\
connection_creation_rate|INT|2147483647||0..|`

export const brokerQuotaConfigRows = `\
follower.replication.throttled.rate|LONG|9223372036854775807||0..|
leader.replication.throttled.rate|LONG|9223372036854775807||0..|
replica.alter.log.dirs.io.max.bytes.per.second|LONG|9223372036854775807||0..|`
