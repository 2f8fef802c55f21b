/** The topics of a crash run, and what each is for. Small segments, so that rolls, cleaning and retention happen under kills. */
import type { CopyPlan, TopicPromise } from './checker.js'

export interface TopicPlan {
  readonly name: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
}

/** Segments roll every few seconds; 1 MiB is the smallest size that Kafka takes. */
const SMALL_SEGMENTS = { 'segment.bytes': String(1 << 20), 'segment.ms': '3000', 'index.interval.bytes': '512' }

/** Written with acks=1 and acks=all: every acknowledged record at least once. */
export const PLAIN = 'plain'
/** Written by idempotent producers: exactly once. */
export const EXACT = 'exact'
/** Written in transactions of all programs, interleaved; the word count and the copiers read it. */
export const TRANSACTIONS = 'transactions'
/** Written in transactions of one producer at a time, for kafkajs's readers: it hides aborted records right only where none overlap. */
export const ONE_AT_A_TIME = 'one-at-a-time'
/** Idempotent, keyed, compacted while it is written. */
export const COMPACTED = 'compacted'
/** acks=all, with retention that removes segments while it is written. */
export const RETAINED = 'retained'
/** What the word count writes. */
export const COUNTS = 'counts'

/** Where the copier of a program reads from, and where it writes to. */
export function sourceOf(program: string): string {
  return program === 'js' ? ONE_AT_A_TIME : TRANSACTIONS
}

export function copyOf(program: string): string {
  return `copy-${program}`
}

export function topicPlans(programs: readonly string[]): TopicPlan[] {
  return [
    { name: PLAIN, partitions: 3, configs: SMALL_SEGMENTS },
    { name: EXACT, partitions: 3, configs: SMALL_SEGMENTS },
    { name: TRANSACTIONS, partitions: 3, configs: SMALL_SEGMENTS },
    { name: ONE_AT_A_TIME, partitions: 3, configs: SMALL_SEGMENTS },
    {
      name: COMPACTED,
      partitions: 2,
      configs: {
        ...SMALL_SEGMENTS,
        'cleanup.policy': 'compact',
        'segment.ms': '1000',
        'min.cleanable.dirty.ratio': '0.01',
      },
    },
    {
      name: RETAINED,
      partitions: 1,
      configs: {
        ...SMALL_SEGMENTS,
        'segment.ms': '1000',
        'retention.bytes': '200000',
        'file.delete.delay.ms': '500',
      },
    },
    { name: COUNTS, partitions: 2, configs: SMALL_SEGMENTS },
    ...programs.map((program) => ({ name: copyOf(program), partitions: 3, configs: SMALL_SEGMENTS })),
  ]
}

/** What the checker may expect of each. */
export function promises(programs: readonly string[]): Map<string, TopicPromise> {
  const once = { exactlyOnce: true, compacted: false }
  return new Map<string, TopicPromise>([
    [PLAIN, { exactlyOnce: false, compacted: false }],
    [RETAINED, { exactlyOnce: false, compacted: false }],
    [EXACT, once],
    [TRANSACTIONS, once],
    [ONE_AT_A_TIME, once],
    [COMPACTED, { exactlyOnce: true, compacted: true }],
    ...programs.map((program): [string, TopicPromise] => [copyOf(program), once]),
  ])
}

export function copyPlans(programs: readonly string[]): CopyPlan[] {
  return programs.map((program) => ({ group: `copier-${program}`, from: sourceOf(program), to: copyOf(program) }))
}

/** Broker configs of a crash run: small internal topics, timers that fire within it. */
export const BROKER_CONFIGS: Readonly<Record<string, string>> = {
  'auto.create.topics.enable': 'false',
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '4',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.segment.bytes': String(1 << 20),
  'transaction.state.log.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.segment.bytes': String(1 << 20),
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
  'log.retention.check.interval.ms': '1000',
  'log.cleaner.backoff.ms': '500',
  'log.flush.offset.checkpoint.interval.ms': '2000',
  'log.flush.start.offset.checkpoint.interval.ms': '2000',
}
