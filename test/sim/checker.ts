/** Reads everything there is, through the front door and from the files, and holds it against the history. */
import { ErrorCode, errorName, batchHeader as header } from '../../protocol/index.js'
import { recordsOf, validBatchesIn } from './batches.js'
import type { Ground } from './ground.js'
import type { PartitionHistory, Seen } from './history.js'
import { COMMITTED, fetchOnce, listOffset, UNCOMMITTED } from './readers.js'
import type { Rpc } from './rpc.js'
import { Violation } from './world.js'

const LOG_FILE = /^(\d{20})\.log$/

/** What the files of one partition hold by themselves: whole valid batches without a gap, up to the first that is none. */
export interface OnDisk {
  readonly seen: Seen[]
  readonly end: number
}

export class Checker {
  readonly rpc: Rpc

  constructor(readonly ground: Ground) {
    this.rpc = ground.rpc('checker', true)
  }

  /** Every partition, from start to end, while nobody writes. */
  async everything(what: string): Promise<void> {
    for (const history of this.ground.histories()) await this.#partition(history, what)
    this.ground.counts.checks++
    this.ground.world.say('checker', `${what}: all is well`)
  }

  async #partition(history: PartitionHistory, what: string): Promise<void> {
    const from = await this.patiently(() => listOffset(this.rpc, history, -2))
    const end = await this.patiently(() => listOffset(this.rpc, history, -1))
    const all = await this.#read(history, from, end, UNCOMMITTED)
    history.verify(all, from, end, what)
    const stable = await this.patiently(() => listOffset(this.rpc, history, -1, COMMITTED))
    if (stable > end)
      throw new Violation(`${history.name}: ${what}: the last stable offset ${stable} is above the end ${end}.`)
    const committed = new Set((await this.#read(history, from, stable, COMMITTED)).map((seen) => seen.offset))
    for (const seen of all) {
      if (seen.offset >= stable) continue
      const transaction = history.slotAt(seen.offset)?.attempt?.transaction
      const shown = committed.has(seen.offset)
      if (transaction == null ? !shown : transaction.state === 'committed' && !shown) {
        throw new Violation(
          `${history.name}: ${what}: offset ${seen.offset} is committed and stable, but a committed reader does not get it.`,
        )
      }
      if (transaction?.state === 'aborted' && shown && seen.commit === null) {
        throw new Violation(
          `${history.name}: ${what}: offset ${seen.offset} was aborted, but a committed reader gets it.`,
        )
      }
    }
  }

  async #read(history: PartitionHistory, from: number, end: number, isolation: number): Promise<Seen[]> {
    const all: Seen[] = []
    let offset = from
    while (offset < end) {
      const got = await this.patiently(async () => {
        const one = await fetchOnce(this.rpc, history, offset, { isolation })
        return one.errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER ? null : one
      })
      if (got.errorCode !== ErrorCode.NONE) {
        throw new Violation(`${history.name} cannot be read at ${offset}: ${errorName(got.errorCode)}.`)
      }
      if (got.next === offset) throw new Violation(`${history.name} gives nothing at ${offset}, but its end is ${end}.`)
      all.push(...got.seen)
      offset = got.next
    }
    return all
  }

  /** Asks again while the broker is not ready: for 60 s of virtual time at most. */
  async patiently<T>(ask: () => Promise<T | null>): Promise<T> {
    const { world } = this.ground
    const deadline = world.nowMs + 60_000
    for (;;) {
      const answer = await this.ground.insist(ask)
      if (answer !== null) return answer
      if (world.nowMs > deadline) throw new Violation('A broker that should serve has not served for a minute.')
      await world.sleep(20)
    }
  }

  /**
   * After a crash, before the broker starts again: what is on the disk is the truth from now on. With `mayLoseAcked` an unsynced
   * end may be gone.
   */
  afterCrash(mayLoseAcked: boolean): void {
    for (const history of this.ground.histories()) {
      history.settle()
      if (history.rules.compacted) continue
      const { seen, end } = this.onDisk(history)
      history.cutAt(end, mayLoseAcked)
      for (const one of seen) if (one.offset >= Math.max(history.start, history.startAsked)) history.saw(one)
    }
  }

  onDisk(history: PartitionHistory): OnDisk {
    const { raw } = this.ground.host.slow
    const folder = `${history.topic}-${history.partition}`
    const seen: Seen[] = []
    let end = 0
    for (const name of raw.list(folder)) {
      const match = LOG_FILE.exec(name)
      if (match === null) continue
      const base = Number(match[1])
      // A hole before this file: what follows cannot be part of the log.
      if (seen.length > 0 && base !== end) break
      end = base
      const bytes = raw.readFile(`${folder}/${name}`)!
      let at = 0
      for (at of validBatchesIn(bytes)) {
        seen.push(...recordsOf(bytes, at))
        end = header.lastOffset(bytes, at) + 1
      }
    }
    return { seen, end }
  }
}
