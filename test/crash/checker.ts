/**
 * Compares what the clients were told with what the broker holds at the end. Pure: a history and a final state in, violations out.
 */
import { parseIdentity } from './events.js'
import type { FinalPartition, FinalRecord } from './final-state.js'
import type { GroupPartition, History, WriterTransaction, WrittenStream } from './history.js'
import { doubledByNextEpoch, isMistakenOfGap, type Log } from './librdkafka.js'

/** What is promised for a topic. */
export interface TopicPromise {
  /** Idempotent or transactional writers: nothing is there twice. */
  readonly exactlyOnce: boolean
  /** Records may be gone when a later one has their key. */
  readonly compacted: boolean
}

export interface FinalState {
  readonly partitions: readonly FinalPartition[]
  /** `group topic partition` -> the committed offset at the end. */
  readonly committed: ReadonlyMap<string, number>
}

/** A group that turns every record of `from` into one of `to`, in transactions that hold its offsets. */
export interface CopyPlan {
  readonly group: string
  readonly from: string
  readonly to: string
}

/** What is checked, each in one word or two. */
export type CheckKind =
  | 'gapless logs'
  | 'known records'
  | 'order'
  | 'no duplicates'
  | 'acknowledged records'
  | 'transactions'
  | 'group offsets'
  | 'reads'
  | 'copies'
  | 'word counts'
  | 'files'
  | 'replicas'
  | 'whole cluster'

/** How often each was checked, and what did not hold: sentences. */
export class Verdict {
  readonly checks = new Map<CheckKind, number>()
  readonly violations: string[] = []
  /** The kinds that have a violation. */
  readonly broken = new Set<CheckKind>()

  holds(kind: CheckKind, condition: boolean, what: () => string): void {
    this.checks.set(kind, (this.checks.get(kind) ?? 0) + 1)
    if (condition) return
    this.violations.push(what())
    this.broken.add(kind)
  }

  add(other: Verdict): void {
    for (const [kind, times] of other.checks) this.checks.set(kind, (this.checks.get(kind) ?? 0) + times)
    this.violations.push(...other.violations)
    for (const kind of other.broken) this.broken.add(kind)
  }
}

export class Checker {
  readonly #history: History
  readonly #state: FinalState
  readonly #promises: ReadonlyMap<string, TopicPromise>
  readonly #verdict = new Verdict()
  /** Record by offset of each partition. */
  readonly #byOffset = new Map<string, Map<number, FinalRecord>>()
  /** Offsets of each record of each writer, in the order of the log. */
  readonly #found = new Map<WrittenStream, Map<number, number[]>>()
  /** The last offset of each key of compacted partitions. */
  readonly #lastOfKey = new Map<string, number>()
  readonly #log: Log = {
    partitionOf: (topic, partition) => this.#partitionOf(topic, partition),
    recordAt: (topic, partition, offset) => this.#byOffset.get(`${topic}-${partition}`)?.get(offset),
  }

  constructor(history: History, state: FinalState, promises: ReadonlyMap<string, TopicPromise>) {
    this.#history = history
    this.#state = state
    this.#promises = promises
  }

  run(copies: readonly CopyPlan[]): Verdict {
    for (const contradiction of this.#history.contradictions) this.#verdict.holds('reads', false, () => contradiction)
    for (const partition of this.#state.partitions) this.#partition(partition)
    for (const { w, m } of this.#history.gaps) {
      this.#verdict.holds('gapless logs', isMistakenOfGap(m, this.#history, this.#log), () => `${w} was told: ${m}`)
    }
    for (const stream of this.#history.streams.values()) this.#stream(stream)
    for (const transaction of this.#history.transactions.values()) this.#transaction(transaction)
    const copiers = new Set(copies.map(({ group }) => group))
    for (const group of this.#history.groups.values()) this.#group(group, copiers.has(group.group))
    for (const copy of copies) this.#copy(copy)
    return this.#verdict
  }

  #promise(topic: string): TopicPromise {
    return this.#promises.get(topic) ?? { exactlyOnce: false, compacted: false }
  }

  /** The log in itself: offsets without gaps, sequences of each producer without gaps, nothing open, nothing that nobody sent. */
  #partition(partition: FinalPartition): void {
    const name = `${partition.topic}-${partition.partition}`
    const { compacted } = this.#promise(partition.topic)
    const { lastStableOffset, highWatermark } = partition
    this.#verdict.holds(
      'gapless logs',
      lastStableOffset === highWatermark,
      () => `${name}: LSO ${lastStableOffset}, but ends at ${highWatermark}`,
    )
    let next = partition.startOffset
    const sequences = new Map<string, number>()
    for (const batch of partition.batches) {
      const { baseOffset, baseSequence, recordCount } = batch
      const inOrder =
        compacted || next === partition.startOffset
          ? baseOffset >= next || next === partition.startOffset
          : baseOffset === next
      this.#verdict.holds('gapless logs', inOrder, () => `${name}: after offset ${next - 1} comes ${baseOffset}`)
      next = batch.lastOffset + 1
      if (batch.producerId < 0 || batch.control) continue
      const producer = `${batch.producerId} ${batch.producerEpoch}`
      const expected = sequences.get(producer)
      const follows = expected === undefined || (compacted ? baseSequence >= expected : baseSequence === expected)
      this.#verdict.holds(
        'gapless logs',
        follows,
        () => `${name} offset ${baseOffset}: producer ${producer} has sequence ${baseSequence}, not ${expected}`,
      )
      sequences.set(producer, baseSequence + recordCount)
    }
    if (!compacted)
      this.#verdict.holds(
        'gapless logs',
        next === highWatermark,
        () => `${name}: the last record is ${next - 1}, the end ${highWatermark}`,
      )
    const byOffset = new Map<number, FinalRecord>()
    for (const record of partition.records) {
      byOffset.set(record.offset, record)
      if (compacted) this.#lastOfKey.set(`${name} ${record.key}`, record.offset)
      this.#attribute(partition, record)
    }
    this.#byOffset.set(name, byOffset)
  }

  #attribute({ topic, partition }: FinalPartition, record: FinalRecord): void {
    if (!this.#promises.has(topic)) return
    const where = () => `${topic}-${partition} offset ${record.offset}`
    const identity = parseIdentity(record.identity)
    const stream = identity && this.#history.streams.get(`${identity.writer} ${topic} ${partition}`)
    const sent = identity && stream?.transactions[identity.n]
    this.#verdict.holds(
      'known records',
      sent !== undefined && sent === identity?.transaction,
      () => `${where()}: nobody sent ${record.identity}`,
    )
    if (!stream || !identity) return
    let found = this.#found.get(stream)
    if (found === undefined) this.#found.set(stream, (found = new Map()))
    const offsets = found.get(identity.n)
    if (offsets === undefined) found.set(identity.n, [record.offset])
    else offsets.push(record.offset)
  }

  #stream(stream: WrittenStream): void {
    const { writer, topic, partition } = stream
    const found = this.#found.get(stream) ?? new Map<number, number[]>()
    const { exactlyOnce, compacted } = this.#promise(topic)
    const start = this.#partitionOf(topic, partition)?.startOffset ?? 0
    this.#order(stream, found)
    stream.transactions.forEach((_, n) => {
      const offsets = found.get(n) ?? []
      if (exactlyOnce) {
        const what = () => `${topic}-${partition}: ${writer}/${n} is there at ${offsets.join(', ')}`
        const isOnce = offsets.length <= 1 || doubledByNextEpoch(stream, n, offsets, this.#log)
        this.#verdict.holds('no duplicates', isOnce, what)
      }
      const acked = stream.offsets[n]
      if (acked === null && start === 0 && !compacted) {
        const what = () => `${topic}-${partition}: ${writer}/${n} was acknowledged and is at no offset`
        this.#verdict.holds('acknowledged records', offsets.length > 0, what)
      }
      if (acked == null || acked < start) return
      if (compacted && offsets.length === 0) this.#replaced(stream, n, acked)
      else {
        const there = `${topic}-${partition}: ${writer}/${n} was acknowledged at ${acked}`
        this.#verdict.holds(
          'acknowledged records',
          offsets.includes(acked),
          () => `${there} and is at ${offsets.join(', ') || 'no offset'}`,
        )
      }
    })
  }

  /**
   * The order that Kafka promises to every writer: what it sent after an acknowledgement stands behind what was acknowledged. To an idempotent
   * producer it promises more: sequences, so that its records stand in the order in which they were sent. What nobody acknowledged may be
   * appended later than its successors: its request lay in the socket of a paused broker, or the client asked the old leader first.
   */
  #order({ writer, topic, partition, sentAfter }: WrittenStream, found: ReadonlyMap<number, readonly number[]>): void {
    const records = this.#byOffset.get(`${topic}-${partition}`)
    const last = new Map<number, number>()
    for (const [n, offsets] of found) {
      const [first] = offsets as [number]
      const where = `${topic}-${partition}: ${writer}/${n}`
      const after = sentAfter[n] ?? -1
      this.#verdict.holds(
        'order',
        first > after,
        () => `${where} is at ${first}, and was sent after ${after} was acknowledged`,
      )
      const producerId = records?.get(first)?.producerId ?? -1
      if (producerId < 0) continue
      const previous = last.get(producerId) ?? -1
      this.#verdict.holds('order', n > previous, () => `${where} comes after ${previous} of the same producer`)
      last.set(producerId, n)
    }
  }

  /** A record that compaction removed must have one of the same key after it. The keys of a stream are its numbers modulo KEYS. */
  #replaced({ writer, topic, partition }: WrittenStream, n: number, acked: number): void {
    const key = compactedKey(n)
    const last = this.#lastOfKey.get(`${topic}-${partition} ${key}`) ?? -1
    this.#verdict.holds(
      'acknowledged records',
      last > acked,
      () => `${topic}-${partition}: ${writer}/${n} at ${acked} is gone, and no later record has key ${key}`,
    )
  }

  #transaction({ writer, number, state, records }: WriterTransaction): void {
    const name = `transaction ${number} of ${writer}`
    const visible = records.filter(({ stream, n }) => {
      const offset = this.#found.get(stream)?.get(n)?.[0]
      return (
        offset !== undefined && this.#byOffset.get(`${stream.topic}-${stream.partition}`)?.get(offset)?.visible === true
      )
    }).length
    if (state === 'committed') {
      this.#verdict.holds(
        'transactions',
        visible === records.length,
        () => `${name} was committed, and ${visible} of its ${records.length} records are seen`,
      )
    } else if (state === 'committing') {
      const whole = visible === 0 || visible === records.length
      this.#verdict.holds(
        'transactions',
        whole,
        () => `${name} ended in between: ${visible} of its ${records.length} records are seen`,
      )
    } else {
      this.#verdict.holds(
        'transactions',
        visible === 0,
        () => `${name} is ${state}, and ${visible} of its records are seen`,
      )
    }
  }

  /** A copier does not say what it reads: its copies do. */
  #group(found: GroupPartition, copier: boolean): void {
    const { group, topic, partition, committed, reads } = found
    const name = `group ${group} in ${topic}-${partition}`
    const final = this.#state.committed.get(`${group} ${topic} ${partition}`) ?? -1
    this.#verdict.holds(
      'group offsets',
      final >= committed,
      () => `${name}: ${committed} was acknowledged and it stands at ${final}`,
    )
    const log = this.#partitionOf(topic, partition)
    const records = this.#byOffset.get(`${topic}-${partition}`)
    if (log === undefined || records === undefined || copier) return
    for (const [offset, identity] of reads) {
      if (offset < log.startOffset) continue
      const record = records.get(offset)
      const there = record?.identity === identity && (!found.readCommitted || record.visible)
      this.#verdict.holds('reads', there, () => `${name}: ${identity} was read at ${offset}, where ${shown(record)} is`)
    }
    for (const record of log.records) {
      if (record.offset >= final || (found.readCommitted && !record.visible)) continue
      this.#verdict.holds(
        'reads',
        reads.has(record.offset),
        () => `${name} stands at ${final}, and offset ${record.offset} was never read`,
      )
    }
  }

  /** Exactly once through a copier: each visible record below the group's offset is in the copy once, and no other. */
  #copy({ group, from, to }: CopyPlan): void {
    const copies = new Map<string, number>()
    for (const { records } of this.#state.partitions.filter(({ topic }) => topic === to)) {
      for (const record of records.filter(({ visible }) => visible)) {
        const source = parseIdentity(record.identity)?.source ?? 'nothing'
        copies.set(source, (copies.get(source) ?? 0) + 1)
      }
    }
    for (const { partition, records } of this.#state.partitions.filter(({ topic }) => topic === from)) {
      const final = this.#state.committed.get(`${group} ${from} ${partition}`) ?? -1
      for (const { offset, visible } of records) {
        const wanted = visible && offset < final ? 1 : 0
        const source = `${partition}:${offset}`
        const times = copies.get(source) ?? 0
        copies.delete(source)
        this.#verdict.holds(
          'copies',
          times === wanted,
          () =>
            `${to}: ${from}-${partition} offset ${offset} was copied ${times} times, not ${wanted} (group at ${final})`,
        )
      }
    }
    for (const [source, times] of copies) {
      const what = () => `${to}: ${times} records were made of ${source}, which is not there`
      this.#verdict.holds('copies', false, what)
    }
  }

  #partitionOf(topic: string, partition: number): FinalPartition | undefined {
    return this.#state.partitions.find((found) => found.topic === topic && found.partition === partition)
  }
}

const KEYS = 40

/** The key of record n of a writer to the compacted topic: few, so that every one is overwritten again and again. */
export function compactedKey(n: number): string {
  return `k${n % KEYS}`
}

function shown(record: FinalRecord | undefined): string {
  if (record === undefined) return 'nothing'
  return `${record.identity}${record.visible ? '' : ' (not visible)'}`
}
