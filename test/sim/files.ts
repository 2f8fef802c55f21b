/** A log folder as its bytes say, read without the broker's own code for files: what a crash has left, and whether indexes agree. */
import type { Disk } from '../../lib/host/disk.js'
import { batchHeader as header } from '../../protocol/index.js'
import { recordsOf, validBatchesIn } from './batches.js'
import type { Seen } from './history.js'
import { Violation } from './world.js'

const LOG_FILE = /^(\d{20})\.log$/
const INDEX_ENTRY_BYTES = 8
const TIME_ENTRY_BYTES = 12

interface StoredBatch {
  readonly at: number
  readonly lastOffset: number
  readonly maxTimestamp: number
}

interface StoredSegment {
  readonly name: string
  readonly base: number
  readonly bytes: Buffer
  readonly batches: readonly StoredBatch[]
  /** Where the valid batches end. */
  readonly end: number
}

function segmentsIn(disk: Disk, folder: string): StoredSegment[] {
  const segments: StoredSegment[] = []
  for (const name of disk.list(folder)) {
    const match = LOG_FILE.exec(name)
    if (match === null) continue
    const bytes = disk.readFile(`${folder}/${name}`)!
    const batches: StoredBatch[] = []
    let end = 0
    for (const at of validBatchesIn(bytes)) {
      batches.push({ at, lastOffset: header.lastOffset(bytes, at), maxTimestamp: header.maxTimestamp(bytes, at) })
      end = at + header.sizeInBytes(bytes, at)
    }
    segments.push({ name: `${folder}/${match[1]}`, base: Number(match[1]), bytes, batches, end })
  }
  return segments
}

/** Whole valid batches without a gap, from the first segment to the first byte that is none; `end` is the offset after them. */
export function survivorsIn(disk: Disk, folder: string): { seen: Seen[]; end: number } {
  const seen: Seen[] = []
  let end = -1
  for (const { base, bytes, batches } of segmentsIn(disk, folder)) {
    // A hole before this file: what follows cannot be part of the log.
    if (end >= 0 && base !== end) break
    end = base
    for (const { at, lastOffset } of batches) {
      seen.push(...recordsOf(bytes, at))
      end = lastOffset + 1
    }
  }
  return { seen, end: Math.max(end, 0) }
}

/** A torn `partition.metadata` may name a topic that never was. */
export function isClaimedByAnother(disk: Disk, folder: string, topicId: string): boolean {
  const text = disk.readFile(`${folder}/partition.metadata`)?.toString('latin1') ?? ''
  const claim = /^version: 0\ntopic_id: ([\w-]{22})\s*$/.exec(text)?.[1]
  return claim !== undefined && claim !== topicId
}

/** After a clean stop: every byte of a log is part of a valid batch, and what the indexes say is true. */
export function checkFiles(disk: Disk, folder: string): void {
  for (const segment of segmentsIn(disk, folder)) {
    const { name, base, bytes, batches, end } = segment
    if (end !== bytes.length)
      throw new Violation(`${name}.log has ${bytes.length - end} bytes at ${end} that are no valid batch.`)
    const byPosition = new Map(batches.map((batch) => [batch.at, batch]))
    for (const { first, second } of entriesOf(disk, `${name}.index`, INDEX_ENTRY_BYTES)) {
      const batch = byPosition.get(second)
      if (batch?.lastOffset !== base + first) {
        throw new Violation(
          `${name}.index says that offset ${base + first} is in the batch at byte ${second}, which is not so.`,
        )
      }
    }
    let before = Number.NEGATIVE_INFINITY
    for (const { first, second } of entriesOf(disk, `${name}.timeindex`, TIME_ENTRY_BYTES)) {
      if (first < before) throw new Violation(`${name}.timeindex goes back from ${before} to ${first}.`)
      before = first
      const known = batches.some(
        ({ lastOffset, maxTimestamp }) => lastOffset === base + second && maxTimestamp === first,
      )
      if (!known)
        throw new Violation(
          `${name}.timeindex says that ${first} is the time at offset ${base + second}, which is not so.`,
        )
    }
  }
}

/** Pairs of numbers; the second is an int32, the first as wide as is left. */
function entriesOf(disk: Disk, path: string, bytes: number): { first: number; second: number }[] {
  const content = disk.readFile(path) ?? Buffer.alloc(0)
  if (content.length % bytes !== 0)
    throw new Violation(`${path} has ${content.length} bytes, which is no whole number of entries.`)
  const entries: { first: number; second: number }[] = []
  for (let at = 0; at < content.length; at += bytes) {
    const first = bytes === INDEX_ENTRY_BYTES ? content.readInt32BE(at) : Number(content.readBigInt64BE(at))
    entries.push({ first, second: content.readInt32BE(at + bytes - 4) })
  }
  return entries
}
