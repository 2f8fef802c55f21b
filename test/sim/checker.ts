/** Reads everything there is, through the front door and from the files, and holds it against the history. */
import { ErrorCode, errorName } from '../../protocol/index.js'
import { checkFiles, isClaimedByAnother, survivorsIn } from './files.js'
import type { Ground } from './ground.js'
import type { PartitionHistory, Seen, Transaction } from './history.js'
import { COMMITTED, fetchOnce, listOffset, UNCOMMITTED } from './readers.js'
import type { Client } from './rpc.js'
import { Violation } from './world.js'

export class Checker {
  readonly rpc: Client
  /** Offsets that a committed reader was shown when everything was last read. */
  readonly #shown = new Map<PartitionHistory, ReadonlySet<number>>()

  constructor(readonly ground: Ground) {
    this.rpc = ground.rpc('checker', true)
  }

  /** Every partition, from start to end, while nobody writes. */
  async everything(what: string, final: boolean): Promise<void> {
    for (const history of this.ground.histories()) await this.#partition(history, what, final)
    if (final) this.#allOrNothing(what)
    this.ground.counts.checks++
    this.ground.world.say('checker', `${what}: all is well`)
  }

  async #partition(history: PartitionHistory, what: string, final: boolean): Promise<void> {
    const from = await this.patiently(() => listOffset(this.rpc, history, -2))
    const end = await this.patiently(() => listOffset(this.rpc, history, -1))
    // A marker may come meanwhile: then all is read once more below.
    const read = await this.#read(history, from, end, UNCOMMITTED)
    if (read === null) return this.#partition(history, what, final)
    const all = read.filter(({ offset }) => offset < end)
    history.verify(all, from, end, what)
    if (history.rules.compacted) this.ground.counts.cleaned += history.cleaned
    if (history.rules.expires && from > 0) this.ground.counts.expired++
    // At the very end no transaction is open: what is still to be written as a marker has a minute.
    const stable = await this.patiently(async () => {
      const offset = await listOffset(this.rpc, history, -1, COMMITTED)
      return final && offset !== null && offset < end ? null : offset
    }, `${history.name} has a transaction that never ends`)
    if (stable > end) {
      const endNow = await this.patiently(() => listOffset(this.rpc, history, -1))
      if (stable > endNow)
        throw new Violation(`${history.name}: ${what}: the last stable offset ${stable} is above the end ${endNow}.`)
      // A marker has come meanwhile, of another broker's coordinator or after a disk's failures: all of it once more.
      return this.#partition(history, what, final)
    }
    const readCommitted = await this.#read(history, from, stable, COMMITTED)
    if (readCommitted === null) return this.#partition(history, what, final)
    const committed = new Set(readCommitted.map((seen) => seen.offset))
    this.#shown.set(history, committed)
    for (const seen of all) {
      // Between the two reads a compacted log may have lost what it did not need any more.
      if (seen.offset >= stable || seen.commit !== null || history.rules.compacted) continue
      const transaction = history.slotAt(seen.offset)?.attempt?.transaction
      const shown = committed.has(seen.offset)
      if (transaction == null ? !shown : transaction.state === 'committed' && !shown) {
        throw new Violation(
          `${history.name}: ${what}: offset ${seen.offset} is committed and stable, but a committed reader does not get it.`,
        )
      }
      if (transaction?.state === 'aborted' && shown) {
        throw new Violation(
          `${history.name}: ${what}: offset ${seen.offset} was aborted, but a committed reader gets it.`,
        )
      }
    }
  }

  /** Whoever ended without an answer may have committed or not, but not in part. */
  #allOrNothing(what: string): void {
    const seen = new Map<Transaction, { shown: number; hidden: number }>()
    for (const history of this.ground.histories()) {
      if (history.rules.compacted) continue
      const shown = this.#shown.get(history)!
      for (const [offset, { attempt }] of history.slots()) {
        if (attempt?.transaction == null) continue
        let parts = seen.get(attempt.transaction)
        if (parts === undefined) seen.set(attempt.transaction, (parts = { shown: 0, hidden: 0 }))
        if (shown.has(offset)) parts.shown++
        else parts.hidden++
      }
    }
    for (const [{ id, state }, { shown, hidden }] of seen) {
      if (shown > 0 && hidden > 0) {
        throw new Violation(
          `${what}: of transaction ${id} (${state}) ${shown} records are visible and ${hidden} are not.`,
        )
      }
    }
  }

  /** Null: another replica leads by now, which had already heard of a DeleteRecords that has no answer. */
  async #read(history: PartitionHistory, from: number, end: number, isolation: number): Promise<Seen[] | null> {
    const all: Seen[] = []
    let offset = from
    while (offset < end) {
      const got = await this.patiently(async () => {
        const one = await fetchOnce(this.rpc, history, offset, { isolation })
        return one.errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER ? null : one
      })
      const isDeleted = got.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE && offset < history.startAsked
      if (isDeleted && history.rules.replicated) return null
      if (got.errorCode !== ErrorCode.NONE) {
        throw new Violation(`${history.name} cannot be read at ${offset}: ${errorName(got.errorCode)}.`)
      }
      if (got.next === offset) {
        // After a loss of power the name of an empty segment may be all that says where a log with holes ends.
        if (history.rules.compacted) break
        throw new Violation(`${history.name} gives nothing at ${offset}, but its end is ${end}.`)
      }
      all.push(...got.seen)
      offset = got.next
    }
    return all
  }

  /** Asks again while the broker is not ready: for 60 s of virtual time at most. */
  async patiently<T>(ask: () => Promise<T | null>, why = 'A broker that should serve does not'): Promise<T> {
    const { world } = this.ground
    const deadline = world.nowMs + 60_000
    for (;;) {
      const answer = await this.ground.insist(ask)
      if (answer !== null) return answer
      if (world.nowMs > deadline) throw new Violation(`${why}, for a minute now.`)
      await world.sleep(20)
    }
  }

  /**
   * After a crash, before the broker starts again: what is on the disk is the truth from now on. With `mayLoseAcked` an unsynced
   * end may be gone.
   */
  afterCrash(mayLoseAcked: boolean): void {
    for (const history of this.ground.histories()) {
      if (!history.rules.compacted) {
        const { raw } = this.ground.host.slow
        // A note of another topic's id: what is there is set aside. Only where nothing was ever synced may that have happened.
        const isForeign =
          mayLoseAcked && isClaimedByAnother(raw, history.name, this.ground.topicIds.get(history.topic)!)
        const { seen, end } = isForeign ? { seen: [], end: 0 } : survivorsIn(raw, history.name)
        history.cutAt(end, mayLoseAcked)
        for (const one of seen) history.saw(one, 0)
        history.settle()
      }
    }
  }

  /** After a clean stop, when every file is complete. */
  files(): void {
    for (const { slow } of this.ground.hosts) {
      for (const history of this.ground.histories()) checkFiles(slow.raw, history.name)
    }
  }
}
