/**
 * Kafka's checkpoint files (CheckpointFile): text, one line each for the version (0), the number of entries, and every entry.
 * Offset checkpoints at the root of a log directory have `topic partition offset`, a partition's `leader-epoch-checkpoint`
 * has `epoch startOffset`.
 */
import type { Disk } from '../host/disk.js'
import type { EpochEntry } from './leader-epochs.js'

/** An offset of one partition, for the checkpoints of recovery points, log starts and high watermarks. */
export interface PartitionOffset {
  topic: string
  partition: number
  offset: number
}

/** A file that is no checkpoint, or not all of one. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError'
  constructor(
    readonly path: string,
    /** From 1. */
    readonly line: number,
    problem: string,
  ) {
    super(`${path} is damaged in line ${line}: ${problem}.`)
  }
}

const VERSION = 0
const NUMBER = /^-?\d+$/

/** Null when there is no file. @throws CheckpointError, DiskError */
export function readOffsetCheckpoint(disk: Disk, path: string): PartitionOffset[] | null {
  return read(disk, path, (words, fail) => {
    const [topic, partition, offset] = words
    if (words.length !== 3) return fail('it should have a topic, a partition and an offset')
    return { topic: topic!, partition: natural(partition!, fail), offset: natural(offset!, fail) }
  })
}

/** An offset checkpoint that is replaced again and again. */
export class OffsetCheckpointFile {
  /** What the file holds; null before anything is known of it. */
  private text: string | null = null
  private keys: ReadonlySet<string> = new Set()
  /** Counts the contents that were asked for: only the newest need be written. */
  private generation = 0
  /** The newest that `writeNow` wrote: an older one that is still on its way must not undo it. */
  private writtenNow = 0
  private running: Promise<unknown> = Promise.resolve()
  /** When the newest contents are durable. */
  private newest: Promise<void> = Promise.resolve()

  constructor(
    private readonly disk: Disk,
    readonly path: string,
  ) {}

  /** It was read, and had these. */
  holds(entries: readonly PartitionOffset[]): void {
    this.text = offsetsText(entries)
    this.keys = keysOf(entries)
  }

  has(topic: string, partition: number): boolean {
    return this.keys.has(`${topic} ${partition}`)
  }

  /**
   * Replaces the file, without holding up the loop; does nothing when it has the same. Atomic. Resolves when these contents, or newer ones,
   * are durable. Rejects with DiskError.
   */
  write(entries: readonly PartitionOffset[]): Promise<void> {
    const generation = ++this.generation
    // Both contents may be the file's until this one is.
    this.keys = new Set([...this.keys, ...keysOf(entries)])
    const run = this.running.then(() => this.replace(entries, generation))
    this.running = run.catch(() => {})
    this.newest = run.then((outcome) => (outcome === 'overtaken' ? this.newest : undefined))
    return this.newest
  }

  /** The same in this turn, and durable when it returns. @throws DiskError */
  writeNow(entries: readonly PartitionOffset[]): void {
    this.writtenNow = ++this.generation
    const text = offsetsText(entries)
    this.disk.writeFile(this.path, Buffer.from(text))
    this.text = text
    this.keys = keysOf(entries)
    this.newest = Promise.resolve()
  }

  /** Makes the names in its folder durable, by writing the same once more. @throws DiskError */
  rewrite(): void {
    this.disk.writeFile(this.path, Buffer.from(this.text ?? offsetsText([])))
  }

  private async replace(entries: readonly PartitionOffset[], generation: number): Promise<'done' | 'overtaken'> {
    if (generation !== this.generation) return 'overtaken'
    const text = offsetsText(entries)
    if (text === this.text) return 'done'
    const { disk, path } = this
    const part = `${path}.part`
    disk.remove(part)
    const file = disk.open(part, { create: true })
    try {
      file.append([Buffer.from(text)])
      await file.sync()
      // While it was synced a log began that this content knows an older one of.
      if (generation < this.writtenNow) return 'overtaken'
      disk.rename(part, path)
      this.text = text
      this.keys = keysOf(entries)
      return 'done'
    } finally {
      file.close()
    }
  }
}

const keysOf = (entries: readonly PartitionOffset[]): Set<string> =>
  new Set(entries.map(({ topic, partition }) => `${topic} ${partition}`))

const offsetsText = (entries: readonly PartitionOffset[]): string =>
  checkpointText(entries.map(({ topic, partition, offset }) => `${topic} ${partition} ${offset}`))

/** Null when there is no file. Entries that don't rise are an error too. @throws CheckpointError, DiskError */
export function readEpochCheckpoint(disk: Disk, path: string): EpochEntry[] | null {
  let previous: EpochEntry = { epoch: -1, startOffset: -1 }
  return read(disk, path, (words, fail) => {
    if (words.length !== 2) return fail('it should have an epoch and its start offset')
    const entry = { epoch: natural(words[0]!, fail), startOffset: natural(words[1]!, fail) }
    if (entry.epoch <= previous.epoch || entry.startOffset <= previous.startOffset) {
      return fail('epochs and their start offsets should rise')
    }
    previous = entry
    return entry
  })
}

/** The bytes of a `leader-epoch-checkpoint`. */
export function epochCheckpoint(entries: readonly EpochEntry[]): Buffer {
  return Buffer.from(checkpointText(entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`)))
}

type Fail = (problem: string) => never

function checkpointText(lines: readonly string[]): string {
  return [VERSION, lines.length, ...lines, ''].join('\n')
}

function read<T>(disk: Disk, path: string, parse: (words: string[], fail: Fail) => T): T[] | null {
  const bytes = disk.readFile(path)
  if (bytes === null) return null
  const failAt = (line: number) => (problem: string) => {
    throw new CheckpointError(path, line, problem)
  }
  const lines = bytes.toString('utf8').trimEnd().split(/\r?\n/)
  // Kafka too takes a file without a byte for one without entries.
  if (lines.length === 1 && lines[0] === '') return []
  const version = natural(lines[0]!.trim(), failAt(1))
  if (version !== VERSION) failAt(1)(`version ${version} is not known here`)
  const count = natural((lines[1] ?? '').trim(), failAt(2))
  const entries = lines.slice(2)
  if (entries.length !== count) {
    const line = entries.length < count ? lines.length : count + 3
    failAt(line)(`line 2 says ${count} entries, there are ${entries.length}`)
  }
  return entries.map((line, index) => parse(line.trim().split(/\s+/), failAt(index + 3)))
}

function natural(text: string, fail: Fail): number {
  const value = Number(text)
  if (!NUMBER.test(text) || !Number.isSafeInteger(value) || value < 0) fail(`'${text.slice(0, 40)}' is no such number`)
  return value
}
