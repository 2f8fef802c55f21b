import type { MetadataRecord } from '../../metadata/records.js'

/**
 * Where the coordination engine keeps the metadata log so that it outlives the process. Calls come one after the other: nothing is
 * appended while an append or a snapshot is under way.
 */
export interface Journal {
  /** What is there; called once, before anything else. @throws JournalError when it is damaged or from a newer version */
  load(): Promise<JournalContent>
  /**
   * Resolves when the batch is durable: all of it or, after a crash, nothing of it. Rejects with `JournalError` when the medium refuses
   * it; with `isBroken` set nobody knows what is on it, and every later append is refused.
   */
  append(batch: JournalBatch): Promise<void>
  /** True when so much has been appended, or so long ago, that a snapshot should replace it. */
  readonly wantsSnapshot: boolean
  /** Called when that has come true by the passing of time alone. */
  onWantsSnapshot: (() => void) | null
  /** Keeps `records`, which build everything up to and including `offset`, instead of all that led to it. */
  snapshot(records: readonly MetadataRecord[], offset: number, controllerEpoch: number): Promise<void>
  close(): Promise<void>
}

export interface JournalBatch {
  readonly records: readonly MetadataRecord[]
  /** Offset of the first record. */
  readonly baseOffset: number
  readonly controllerEpoch: number
}

export interface JournalContent {
  /** `offset` of the last record that the snapshot stands for. */
  readonly snapshot: { readonly records: readonly MetadataRecord[]; readonly offset: number } | null
  /** What came after it, in order and without a gap. */
  readonly batches: readonly JournalBatch[]
  /** The largest controller epoch so far, 0 before the first. */
  readonly controllerEpoch: number
}

/** The metadata log cannot be read or written; the message is a sentence for whoever runs the broker. */
export class JournalError extends Error {
  override readonly name = 'JournalError'
  constructor(
    message: string,
    /** The journal takes nothing any more: what the last append left behind is unknown. */
    readonly isBroken: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}
