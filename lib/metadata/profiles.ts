/**
 * Named sets of broker configs. A profile stands below everything a person sets (`--set`, server.properties) and above Kafka's
 * own defaults, so `kafka` is the empty set.
 */
export type ProfileName = 'test' | 'kafka'

export const profiles: Readonly<Record<ProfileName, Readonly<Record<string, string>>>> = {
  /** For applications under test: the same behaviour, minus the waiting. */
  test: {
    // A fresh group waits this long for more members before its first rebalance: three seconds in every test otherwise.
    'group.initial.rebalance.delay.ms': '0',
    // 50 partitions would be 50 logs opened at the first commit; five still spread groups over brokers.
    'offsets.topic.num.partitions': '5',
    'transaction.state.log.num.partitions': '5',
    'share.coordinator.state.topic.num.partitions': '5',
    // Internal topics must be creatable on a single broker.
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
  },
  kafka: {},
}
