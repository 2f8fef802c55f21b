import { expect } from 'chai'
import { OffsetStore } from '../../../../lib/broker/group/offsets/store.js'
import { ZERO_TOPIC_ID } from '../../../../lib/broker/group/records.js'
import { seededRandom } from '../../../../lib/host/random-sources.js'

interface Entry {
  /** A record of a transaction or, with null, of none; with a null offset a tombstone. */
  readonly producerId: number | null
  readonly offset?: number | null
  /** The end of the producer's transaction. */
  readonly commit?: boolean
}

const apply = (store: OffsetStore, entry: Entry, at: number): void => {
  if (entry.commit !== undefined) store.endTransaction(entry.producerId!, entry.commit)
  else {
    const value = { leaderEpoch: -1, metadata: '', commitTimestamp: 0, expireTimestamp: -1, topicId: ZERO_TOPIC_ID }
    const offset = entry.offset ?? null
    const record = { type: 'offset-commit', group: 'g', topic: 't', partition: 0 } as const
    store.apply({ ...record, value: offset === null ? null : { ...value, offset } }, entry.producerId, at)
  }
}

/** What the log means, told the other way round: of all records that count, the last one; and is there one that may come to count? */
function meaning(log: readonly Entry[]): { committed: number | null; pending: boolean } {
  let committed: number | null = null
  let pending = false
  log.forEach((entry, at) => {
    if (entry.commit !== undefined) return
    if (entry.producerId === null) {
      committed = entry.offset ?? null
      if (committed === null) pending = false
      return
    }
    const after = log.slice(at + 1)
    const end = after.find((later) => later.commit !== undefined && later.producerId === entry.producerId)
    const forgotten = (end === undefined ? after : after.slice(0, after.indexOf(end))).some(
      (later) => later.commit === undefined && later.producerId === null && (later.offset ?? null) === null,
    )
    if (forgotten) return
    if (end === undefined) pending = true
    else if (end.commit) committed = entry.offset!
  })
  return { committed, pending }
}

describe('broker/group/offsets/store', () => {
  it('holds of any log what its records mean, after each entry', () => {
    const random = seededRandom(11)
    for (let run = 0; run < 300; run++) {
      const store = new OffsetStore()
      const log: Entry[] = []
      for (let at = 0; at < 25; at++) {
        const dice = random.integer(10)
        const producerId = random.integer(3)
        const entry: Entry =
          dice < 4
            ? { producerId, offset: at }
            : dice < 7
              ? { producerId, commit: random.integer(2) === 0 }
              : { producerId: null, offset: dice === 9 ? null : at }
        log.push(entry)
        apply(store, entry, at)
        // A transaction's record that a tombstone passed over while it was open is forgotten, its earlier commits are not.
        const expected = meaning(log)
        const got = { committed: store.get('g', 't', 0)?.offset ?? null, pending: store.isPending('g', 't', 0) }
        expect(got, JSON.stringify(log)).to.deep.equal(expected)
        expect(store.hasPending('g')).to.equal(expected.pending)
        expect([...store.pendingGroups()]).to.deep.equal(expected.pending ? ['g'] : [])
        expect(store.pendingCount > 0).to.equal(expected.pending)
      }
    }
  })
})
