/**
 * What the client programs say, one JSON object per line on standard output, and what a record's value says of itself. The Java,
 * Python and TypeScript programs keep to this file.
 *
 * A writer is one incarnation of one client (`java.idempotent#2`): it counts its records from 0 in every partition and never sends the
 * same record twice itself, so that whatever is there twice was doubled on the way.
 */

/** `c` records `n`, `n+1`, ... of writer `w` go to partition `p` of topic `t`; `x` is the number of the writer's transaction. */
export interface Sent {
  readonly e: 'sent'
  readonly w: string
  readonly t: string
  readonly p: number
  readonly n: number
  readonly c: number
  readonly x?: number
}

/** The broker acknowledged `c` records from `n` on; record `n` got offset `o`, the next ones the next offsets. */
export interface Acked {
  readonly e: 'acked'
  readonly w: string
  readonly t: string
  readonly p: number
  readonly n: number
  readonly c: number
  /** Null: the client concludes it from the acknowledgement of what came behind, whose answer it did get (librdkafka's rd_kafka_dr_implicit_ack). */
  readonly o: number | null
}

/** `committing` comes before the call, the others after its success. */
export interface TransactionStep {
  readonly e: 'tx'
  readonly w: string
  readonly x: number
  readonly s: 'committing' | 'committed' | 'aborted'
}

/** Group `g` committed that `o` is the next offset to read, and the broker acknowledged it. */
export interface OffsetsCommitted {
  readonly e: 'offsets'
  readonly g: string
  readonly t: string
  readonly p: number
  readonly o: number
}

/** A member of group `g` was given records `[offset, identity]`; `i` is 1 when it reads committed records only. */
export interface Read {
  readonly e: 'read'
  readonly g: string
  readonly i: 0 | 1
  readonly t: string
  readonly p: number
  readonly r: readonly (readonly [number, string])[]
}

/** For people: an error that a client met and went on from. */
export interface Note {
  readonly e: 'note'
  readonly w: string
  readonly m: string
}

export type ClientEvent = Sent | Acked | TransactionStep | OffsetsCommitted | Read | Note

/** @throws Error for a line that is no event: a client program that is broken must not pass for a quiet one. */
export function parseEvent(line: string): ClientEvent {
  const event = JSON.parse(line) as ClientEvent
  if (!['sent', 'acked', 'tx', 'offsets', 'read', 'note'].includes(event.e)) throw new Error(`no event: ${line}`)
  return event
}

/** What a value says: `WRITER/N/TRANSACTION[/SOURCE]`, then a space and padding. TRANSACTION is `-` without one. */
export interface Identity {
  readonly writer: string
  readonly n: number
  readonly transaction: number | null
  /** `PARTITION:OFFSET` of the record that this one was made of. */
  readonly source: string | null
}

export function identityOf(value: string): string {
  const end = value.indexOf(' ')
  return end < 0 ? value : value.slice(0, end)
}

/** Null when the text is not of this form. */
export function parseIdentity(identity: string): Identity | null {
  const match = /^([^/ ]+)\/(\d+)\/(\d+|-)(?:\/(\d+:\d+))?$/.exec(identity)
  if (match === null) return null
  const [, writer, n, transaction, source] = match
  return {
    writer: writer!,
    n: Number(n),
    transaction: transaction === '-' ? null : Number(transaction),
    source: source ?? null,
  }
}

export function writeIdentity({ writer, n, transaction, source }: Identity): string {
  return `${writer}/${n}/${transaction ?? '-'}${source === null ? '' : `/${source}`}`
}
