/**
 * What a run knows of one partition: what clients have sent, what they were told, what anybody has seen. Every answer and every
 * record that comes back is held against it at once; whatever contradicts is a Violation.
 */
import { Violation } from './world.js'

/** One batch as it was sent; the same again (a retry with the same sequence) is the same attempt. */
export interface Attempt {
  readonly id: number
  readonly owner: string
  readonly count: number
  readonly keys: readonly (string | null)[]
  /** The broker knows it by its sequence: it is there once at most, and in the order of its owner. Others are sent once only. */
  readonly idempotent: boolean
  readonly transaction: Transaction | null
  /** Its records have no values: in a compacted topic, they delete their keys. */
  readonly tombstone: boolean
  /** The owner's attempt before this one had been acknowledged when this one was sent. */
  readonly after: Attempt | null
  /** sent: nobody knows yet; gone: known to be not there, and never to come again. */
  state: 'sent' | 'acked' | 'refused' | 'gone'
  /** Of the first record, as soon as known; -1 before. */
  baseOffset: number
}

export interface Transaction {
  readonly id: number
  readonly owner: string
  producerId: number
  /** ending: the client has asked and had no answer. unknown: the client will never know. */
  state: 'open' | 'committing' | 'aborting' | 'committed' | 'aborted' | 'unknown'
}

/** A record or marker as read from the wire or from a file. */
export interface Seen {
  readonly offset: number
  readonly key: string | null
  /** Attempt and index of the record, from its header; null for what is not of a client here. */
  readonly mark: string | null
  readonly text: string | null
  /** Control records: true for a commit. */
  readonly commit: boolean | null
  readonly producerId: number
}

interface Slot {
  readonly attempt: Attempt | null
  readonly index: number
  readonly commit: boolean | null
}

const FILLER = 'the quick brown fox jumps over the lazy dog; '.repeat(8)

/** What record `index` of an attempt holds: anybody can check its bytes without having kept them. */
export function textOf(id: number, index: number): string {
  return `${id}/${index}/${FILLER.slice(0, (id * 37 + index * 11) % 300)}`
}

export interface PartitionRules {
  readonly compacted: boolean
  /** Retention may move the start by itself. */
  readonly expires: boolean
  /**
   * A copy that was away for longer than delete.retention.ms may have missed a tombstone, or the marker of a transaction of which nothing
   * is left in its leader's log, in Kafka as here.
   */
  readonly replicated: boolean
}

export class PartitionHistory {
  readonly attempts = new Map<number, Attempt>()
  /** What is known to be at an offset. */
  readonly #slots = new Map<number, Slot>()
  readonly #lastOf = new Map<string, Attempt>()
  /** Below this nothing may be seen any more: DeleteRecords was acknowledged. */
  start = 0
  /** The largest offset that a DeleteRecords without answer has asked for. */
  startAsked = 0
  /** High watermark seen since the broker has started, or the leader leads. */
  highWatermark = 0
  /** The largest end that a client was shown, as long as nothing was lost. */
  shownEnd = 0
  /** `Ground.ageOf` when `highWatermark` was seen. */
  #age = 0
  /** Records may have been lost: producers may be told that their sequences do not fit. */
  losses = 0
  /** Records that were found to be gone for newer ones of their key. */
  cleaned = 0

  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly rules: PartitionRules,
  ) {}

  get name(): string {
    return `${this.topic}-${this.partition}`
  }

  /** One more than the last offset that is known to be taken. */
  get knownEnd(): number {
    let end = this.start
    for (const offset of this.#slots.keys()) if (offset >= end) end = offset + 1
    return end
  }

  send(attempt: Omit<Attempt, 'state' | 'baseOffset' | 'after'>): Attempt {
    const before = this.#lastOf.get(attempt.owner) ?? null
    const after = before !== null && (before.state === 'acked' || attempt.idempotent) ? before : null
    const sent: Attempt = { ...attempt, after, state: 'sent', baseOffset: -1 }
    this.attempts.set(sent.id, sent)
    this.#lastOf.set(sent.owner, sent)
    return sent
  }

  acked(attempt: Attempt, baseOffset: number): void {
    if (attempt.state === 'gone') this.#broken(`batch ${attempt.id} is acknowledged although it was lost before.`)
    if (baseOffset < this.start && baseOffset >= 0 && attempt.baseOffset < 0) {
      this.#broken(`batch ${attempt.id} got offset ${baseOffset}, below the start ${this.start}.`)
    }
    if (baseOffset >= 0) this.#place(attempt, baseOffset)
    attempt.state = 'acked'
  }

  refused(attempt: Attempt): void {
    if (attempt.baseOffset >= 0) this.#broken(`batch ${attempt.id} was refused but is at offset ${attempt.baseOffset}.`)
    if (attempt.state === 'sent') attempt.state = 'refused'
  }

  /** Somebody has read this. `start` is the member of this name as it was when the question was sent. */
  saw(seen: Seen, start = this.start): Slot {
    const { offset } = seen
    if (offset < start) this.#broken(`offset ${offset} is shown again, but everything below ${start} was deleted.`)
    if (seen.commit !== null) {
      const slot = this.#slots.get(offset)
      if (slot !== undefined && slot.commit !== seen.commit)
        this.#broken(`a marker is at offset ${offset}, where ${show(slot)} was.`)
      const marker = { attempt: null, index: 0, commit: seen.commit }
      this.#slots.set(offset, marker)
      return marker
    }
    const [id, index] = (seen.mark ?? '').split('/').map(Number)
    const attempt = this.attempts.get(id!)
    if (attempt === undefined || index === undefined || index >= attempt.count) {
      return this.#broken(`offset ${offset} holds a record that nobody has sent here: ${seen.mark ?? 'without a mark'}`)
    }
    if (seen.text !== (attempt.tombstone ? null : textOf(attempt.id, index)))
      this.#broken(`the bytes of the record at offset ${offset} have changed.`)
    if (seen.key !== attempt.keys[index]) this.#broken(`the key of the record at offset ${offset} has changed.`)
    if (attempt.state === 'refused')
      this.#broken(`batch ${attempt.id} was refused but its record is at offset ${offset}.`)
    if (attempt.state === 'gone') this.#broken(`batch ${attempt.id} was lost but is back at offset ${offset}.`)
    this.#place(attempt, offset - index)
    return this.#slots.get(offset)!
  }

  /** What was seen of the high watermark in this age. */
  highWatermarkAt(age: number): number {
    if (age !== this.#age) this.highWatermark = 0
    this.#age = age
    return this.highWatermark
  }

  /** `before` is `highWatermark` as it was when the question was sent; another age may have begun since. */
  sawHighWatermark(highWatermark: number, before: number, sameAge: boolean): void {
    if (highWatermark < before) this.#broken(`the high watermark went back from ${before} to ${highWatermark}.`)
    this.shownEnd = Math.max(this.shownEnd, highWatermark)
    if (sameAge) this.highWatermark = Math.max(this.highWatermark, highWatermark)
  }

  /**
   * Everything from the log's start to its end, as somebody has read it in one go while nobody wrote.
   * `from` is the log start that the broker names.
   */
  verify(all: readonly Seen[], from: number, end: number, what: string): void {
    const { rules, start, startAsked } = this
    if (from < start) this.#broken(`${what}: the log starts at ${from}, but records below ${start} were deleted.`)
    if (from > Math.max(start, startAsked) && !rules.expires) {
      this.#broken(`${what}: the log starts at ${from}, but nobody has deleted anything from ${start} on.`)
    }
    const present = new Set<number>()
    let next = from
    for (const seen of all) {
      if (seen.offset < next) this.#broken(`${what}: offset ${seen.offset} comes after ${next - 1}.`)
      if (seen.offset > next && !rules.compacted)
        this.#broken(`${what}: offsets ${next} to ${seen.offset - 1} are missing.`)
      this.saw(seen)
      present.add(seen.offset)
      next = seen.offset + 1
    }
    if (next !== end && !rules.compacted)
      this.#broken(`${what}: the log ends at ${end}, but the last record is at ${next - 1}.`)
    this.cleaned += Math.max(0, this.knownEnd - from - present.size)
    this.#nothingMissing(present, from, what)
    this.#inOrder(what)
    // Of several brokers another may lead that had not heard of it yet, unless DeleteRecords was acknowledged.
    if (!rules.replicated) this.start = Math.max(this.start, from)
  }

  /** A crash has cut the log at `end`, and some of it may have been acknowledged. */
  cutAt(end: number, mayLoseAcked: boolean): void {
    for (const [offset, slot] of this.#slots) {
      if (offset < end) continue
      const { attempt } = slot
      if (!mayLoseAcked && attempt !== null && attempt.state === 'acked') {
        this.#broken(
          `batch ${attempt.id} was acknowledged at offset ${attempt.baseOffset}, but the disk ends at ${end}.`,
        )
      }
      this.#slots.delete(offset)
      this.losses++
      if (attempt !== null && attempt.baseOffset + attempt.count > end) {
        // The batch is whole or not there. A producer that knows sequences may send it again.
        attempt.baseOffset = -1
        attempt.state = attempt.state === 'acked' ? 'gone' : attempt.state
      }
    }
    this.highWatermark = 0
    // What was deleted may have been lost before that was written down: nothing is left that could come back.
    if (end < this.start) this.start = 0
  }

  /** The broker is down and this is all there is: batches without an answer that are not there will not come by themselves. */
  settle(): void {
    for (const attempt of this.attempts.values()) {
      if (attempt.state === 'sent' && attempt.baseOffset < 0 && !attempt.idempotent) attempt.state = 'gone'
    }
  }

  /** For read_committed: what is known at an offset. */
  slotAt(offset: number): Slot | undefined {
    return this.#slots.get(offset)
  }

  /** Offsets and attempts that are known, for whoever wants to compare. */
  slots(): IterableIterator<[number, Slot]> {
    return this.#slots.entries()
  }

  #place(attempt: Attempt, baseOffset: number): void {
    if (attempt.baseOffset === baseOffset) return
    if (attempt.baseOffset >= 0) {
      this.#broken(`batch ${attempt.id} is at offset ${attempt.baseOffset} and at ${baseOffset}.`)
    }
    attempt.baseOffset = baseOffset
    for (let index = 0; index < attempt.count; index++) {
      const slot = this.#slots.get(baseOffset + index)
      if (slot !== undefined)
        this.#broken(`batch ${attempt.id} is at offset ${baseOffset + index}, where ${show(slot)} was.`)
      this.#slots.set(baseOffset + index, { attempt, index, commit: null })
    }
  }

  #nothingMissing(present: ReadonlySet<number>, from: number, what: string): void {
    if (this.rules.compacted) {
      this.#newestOfEachKey(present, from, what)
      return
    }
    for (const [offset, slot] of this.#slots) {
      if (offset >= from && !present.has(offset))
        this.#broken(`${what}: ${show(slot)} was at offset ${offset} and is missing.`)
    }
  }

  /** Compaction: the last record of a key stays; a tombstone may go in the end, but not before everything that it deletes. */
  #newestOfEachKey(present: ReadonlySet<number>, from: number, what: string): void {
    // A tombstone that nobody was told of may have come, done its work and gone.
    const perhaps = new Set<string | null>()
    for (const { state, tombstone, baseOffset, keys } of this.attempts.values()) {
      if (tombstone && baseOffset < 0 && state !== 'refused') for (const key of keys) perhaps.add(key)
    }
    const newest = new Map<string, number>()
    const aborted = new Map<string, number>()
    const oldestPresent = new Map<string, number>()
    for (const [offset, { attempt, index }] of this.#slots) {
      const key = attempt?.keys[index]
      if (key == null || offset < from) continue
      const state = attempt!.transaction?.state ?? 'committed'
      // What was aborted counts for nothing; what nobody knows the end of may or may not.
      if (state === 'aborted') {
        if (present.has(offset)) aborted.set(key, Math.max(offset, aborted.get(key) ?? -1))
        continue
      }
      if (state !== 'committed') perhaps.add(key)
      if (offset > (newest.get(key) ?? -1)) newest.set(key, offset)
      if (present.has(offset) && offset < (oldestPresent.get(key) ?? Number.POSITIVE_INFINITY))
        oldestPresent.set(key, offset)
    }
    for (const [key, offset] of newest) {
      if (present.has(offset) || perhaps.has(key)) continue
      // A copy that has missed the marker has taken that record for the newest.
      if (this.rules.replicated && (aborted.get(key) ?? -1) > offset) continue
      const slot = this.#slots.get(offset)!
      if (!slot.attempt!.tombstone)
        this.#broken(`${what}: ${show(slot)}, the last of key ${key}, was at offset ${offset} and is missing.`)
      const older = oldestPresent.get(key)
      if (older !== undefined && !this.rules.replicated)
        this.#broken(
          `${what}: key ${key} was deleted at offset ${offset}, which is gone, but offset ${older} still has it.`,
        )
    }
  }

  #inOrder(what: string): void {
    for (const attempt of this.attempts.values()) {
      const { after } = attempt
      if (after === null || attempt.baseOffset < 0 || after.baseOffset < 0) continue
      if (after.baseOffset > attempt.baseOffset) {
        this.#broken(
          `${what}: ${attempt.owner} sent batch ${after.id} before ${attempt.id}, but they are at ${after.baseOffset} and ${attempt.baseOffset}.`,
        )
      }
    }
  }

  #broken(sentence: string): never {
    throw new Violation(`${this.name}: ${sentence}`)
  }
}

function show({ attempt, index, commit }: Slot): string {
  if (commit !== null) return commit ? 'a commit marker' : 'an abort marker'
  return `record ${index} of batch ${attempt!.id} (${attempt!.owner}, ${attempt!.state})`
}
