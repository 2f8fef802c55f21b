/**
 * What a crash in the middle of a swap leaves behind (Kafka's LogLoader.removeTempFilesAndCollectSwapFiles): `.cleaned` files were not
 * complete and go; `.deleted` ones were on their way out and go; a `.log.swap` is complete and durable, so its swap is finished:
 * the segments that it was made from go, and it becomes alive.
 */
import * as header from '../../protocol/batch/header.js'
import type { Disk } from '../host/disk.js'

const STAGED_FILE = /^(\d{20})\.(log|index|timeindex|txnindex|snapshot)\.(deleted|cleaned|swap)$/
const LIVE_FILE = /^(\d{20})\.(?:log|index|timeindex|txnindex)$/
/** Enough for the headers of many batches, and no burden beside a segment. */
const READ_BYTES = 1024 * 1024

/** Finishes or undoes swaps in a folder; returns the names that are there afterwards. @throws DiskError */
export function settleSwaps(disk: Disk, folder: string): string[] {
  const names = disk.list(folder)
  const staged = names.map((name) => STAGED_FILE.exec(name)).filter((match) => match !== null)
  if (staged.length === 0) return names
  const remove = (name: string): void => disk.remove(`${folder}/${name}`)
  const bases = (stage: string): Set<string> =>
    new Set(staged.filter((match) => match[2] === 'log' && match[3] === stage).map((match) => match[1]!))
  const unfinished = bases('cleaned')
  // The log is the last file to be called `.swap`: without it, or with its unfinished twin there, the swap had not begun.
  const complete = [...bases('swap')].filter(
    (base) => !unfinished.has(base) && (finish(disk, folder, base, names) || !names.includes(`${base}.log`)),
  )
  // Perhaps the swap's own, renamed already, and gone with what it was made from: a segment without an index is read, and that learnt again.
  const mayLackAborted = (base: string): boolean =>
    names.includes(`${base}.txnindex`) && !names.includes(`${base}.txnindex.swap`)
  for (const [name, base, suffix, stage] of staged as unknown as [string, string, string, string][]) {
    const isUseless = suffix === 'index' && mayLackAborted(base)
    if (stage !== 'swap' || !complete.includes(base) || isUseless) remove(name)
    else if (suffix !== 'log') disk.rename(`${folder}/${name}`, `${folder}/${base}.${suffix}`)
  }
  for (const base of complete) disk.rename(`${folder}/${base}.log.swap`, `${folder}/${base}.log`)
  return disk.list(folder)
}

/**
 * Removes the segments that the `.swap` segment stands for. False, with nothing removed, when that is not whole: no crash leaves it
 * so, but then what it was made from is worth more.
 */
function finish(disk: Disk, folder: string, base: string, names: readonly string[]): boolean {
  const end = endOffset(disk, `${folder}/${base}.log.swap`)
  if (end === null) return false
  for (const name of names) {
    const match = LIVE_FILE.exec(name)
    if (match !== null && Number(match[1]) >= Number(base) && Number(match[1]) < end) disk.remove(`${folder}/${name}`)
  }
  return true
}

/** The offset after the last batch: compaction keeps the last batch of what it swaps, so this covers every segment it came from. */
function endOffset(disk: Disk, path: string): number | null {
  const file = disk.open(path)
  const buffer = Buffer.allocUnsafe(READ_BYTES)
  try {
    let end: number | null = null
    let position = 0
    while (position + header.HEADER_BYTES <= file.size) {
      const got = readFully(file, buffer, position)
      let at = 0
      while (at + header.HEADER_BYTES <= got) {
        const size = header.sizeInBytes(buffer, at)
        if (size < header.HEADER_BYTES || position + at + size > file.size) return null
        end = header.lastOffset(buffer, at) + 1
        at += size
      }
      if (at === 0) return null
      position += at
    }
    return position === file.size ? end : null
  } finally {
    file.close()
  }
}

function readFully(file: { read(target: Buffer, position: number): number }, buffer: Buffer, position: number): number {
  let got = 0
  for (;;) {
    const count = file.read(buffer.subarray(got), position + got)
    got += count
    if (count === 0 || got === buffer.length) return got
  }
}
