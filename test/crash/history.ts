/** Everything that the clients of a run said, in the shape the checker asks for. */
import type { ClientEvent, Note, Read } from './events.js'

/** The records of one writer in one partition; the index is the record's number. */
export interface WrittenStream {
  readonly writer: string
  readonly topic: string
  readonly partition: number
  /** The transaction of record n, or null. */
  readonly transactions: (number | null)[]
  /** The offset that was acknowledged for record n; null when the client does not know it, undefined when nothing was. */
  readonly offsets: (number | null | undefined)[]
  /** The highest offset that was acknowledged before record n was sent; -1 when there was none. */
  readonly sentAfter: number[]
  /** The highest offset that was acknowledged so far. */
  acknowledged: number
}

export interface WriterTransaction {
  readonly writer: string
  readonly number: number
  /** `open`: neither a commit nor an abort was acknowledged, and no commit was tried. */
  state: 'open' | 'committing' | 'committed' | 'aborted'
  readonly records: { readonly stream: WrittenStream; readonly n: number }[]
}

export interface GroupPartition {
  readonly group: string
  readonly topic: string
  readonly partition: number
  /** The highest acknowledged commit; -1 when there was none. */
  committed: number
  /** What members were given: offset and identity. Offsets come again after a crash. */
  readonly reads: Map<number, string>
  readCommitted: boolean
}

/** A producer only hears of a gap when what was acknowledged is gone or was appended out of turn, or when it is mistaken itself: see the checker. */
const GAP = /OutOfOrderSequence|OUT_OF_ORDER_SEQUENCE/

export class History {
  readonly streams = new Map<string, WrittenStream>()
  readonly transactions = new Map<string, WriterTransaction>()
  readonly groups = new Map<string, GroupPartition>()
  /** What is wrong already in what the clients were told. */
  readonly contradictions: string[] = []
  /** A broker told its producer that a sequence number does not follow. */
  readonly gaps: Note[] = []
  readonly counts = { sent: 0, acked: 0, committed: 0, aborted: 0, commits: 0, reads: 0, notes: 0 }

  add(event: ClientEvent): void {
    switch (event.e) {
      case 'sent': {
        const stream = this.stream(event.w, event.t, event.p)
        const transaction = event.x === undefined ? null : this.transaction(event.w, event.x)
        for (let i = 0; i < event.c; i++) {
          stream.transactions[event.n + i] = event.x ?? null
          stream.sentAfter[event.n + i] = stream.acknowledged
          transaction?.records.push({ stream, n: event.n + i })
        }
        this.counts.sent += event.c
        return
      }
      case 'acked': {
        const stream = this.stream(event.w, event.t, event.p)
        const { o } = event
        for (let i = 0; i < event.c; i++) stream.offsets[event.n + i] = o === null ? null : o + i
        if (o !== null) stream.acknowledged = Math.max(stream.acknowledged, o + event.c - 1)
        this.counts.acked += event.c
        return
      }
      case 'tx': {
        this.transaction(event.w, event.x).state = event.s
        if (event.s !== 'committing') this.counts[event.s]++
        return
      }
      case 'offsets': {
        const found = this.group(event.g, event.t, event.p)
        found.committed = Math.max(found.committed, event.o)
        this.counts.commits++
        return
      }
      case 'read':
        this.#read(event)
        return
      case 'note':
        this.counts.notes++
        if (GAP.test(event.m)) this.gaps.push(event)
    }
  }

  stream(writer: string, topic: string, partition: number): WrittenStream {
    return entry(this.streams, `${writer} ${topic} ${partition}`, () => ({
      writer,
      topic,
      partition,
      transactions: [],
      offsets: [],
      sentAfter: [],
      acknowledged: -1,
    }))
  }

  transaction(writer: string, number: number): WriterTransaction {
    return entry(this.transactions, `${writer} ${number}`, () => ({ writer, number, state: 'open', records: [] }))
  }

  group(group: string, topic: string, partition: number): GroupPartition {
    return entry(this.groups, `${group} ${topic} ${partition}`, () => ({
      group,
      topic,
      partition,
      committed: -1,
      reads: new Map(),
      readCommitted: false,
    }))
  }

  #read(event: Read): void {
    const found = this.group(event.g, event.t, event.p)
    found.readCommitted = event.i === 1
    for (const [offset, identity] of event.r) {
      const before = found.reads.get(offset)
      if (before !== undefined && before !== identity) {
        this.contradictions.push(
          `group ${event.g} read ${before} and later ${identity} at ${event.t}-${event.p} offset ${offset}`,
        )
      }
      found.reads.set(offset, identity)
      this.counts.reads++
    }
  }
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  let found = map.get(key)
  if (found === undefined) {
    found = make()
    map.set(key, found)
  }
  return found
}
