import * as header from '../../protocol/batch/header.js'
import { ProtocolError } from '../../protocol/wire/error.js'
import type { CleanerPace } from './cleaner-pace.js'
import { CompressionCode, CompressionError, prepareCodec } from './compression/index.js'
import type { LogReader } from './log-reader.js'
import type { Segment } from './segment.js'

/** Thrown of a batch that is not what was written; who walks adds which one. */
export class BadBatch extends Error {
  override readonly name = 'BadBatch'
}

/** Called for every batch with the bytes it lies in, which stay until a promise has resolved. False stops the walk. */
export type Visit = (b: Buffer, at: number, isLast: boolean) => boolean | Promise<boolean>

/** Bytes of a segment from `position` on. `end`: in `bytes`, after the last batch that is whole. */
interface Stretch {
  position: number
  bytes: Buffer
  end: number
}

const READ_BYTES = 1024 * 1024

/** Walks over whole segments for the cleaner: reads the next stretch while the one before is worked on, and rests when it is time. */
export class CleanerReader {
  /** Of what was visited. */
  bytesRead = 0
  /** One is worked on while the other is filled. */
  private readonly buffers: (Buffer | null)[] = [null, null]
  private turn = 0
  private ahead: Promise<Stretch> | null = null

  constructor(
    private readonly reader: LogReader,
    private readonly pace: CleanerPace,
    /** Called after every wait; throws when the walk makes no sense any more. */
    private readonly mustGoOn: () => void,
  ) {}

  /** Visits a sealed segment's batches. @throws an Error when the bytes are no batches, what `mustGoOn` throws */
  async eachBatch(segment: Segment, visit: Visit): Promise<void> {
    try {
      let position = 0
      while (position < segment.sizeInBytes) {
        this.mustGoOn()
        const stretch = this.see(segment, position) ?? (await (this.ahead ?? this.read(segment, position)))
        this.ahead = null
        this.mustGoOn()
        position += stretch.end
        if (!segment.viewable && position < segment.sizeInBytes) this.readAhead(segment, position)
        if (!(await this.walk(segment, stretch, visit))) return
        this.bytesRead += stretch.end
        this.pace.spend(stretch.end)
      }
    } finally {
      // Whoever closes files must find none in use.
      await this.ahead?.catch(() => {})
      this.ahead = null
    }
  }

  private async walk(segment: Segment, { position, bytes, end }: Stretch, visit: Visit): Promise<boolean> {
    for (let at = 0; at < end; ) {
      const size = header.sizeInBytes(bytes, at)
      if (header.compressionCode(bytes, at) === CompressionCode.zstd) {
        const preparing = prepareCodec(CompressionCode.zstd)
        if (preparing !== null) await preparing
      }
      let goesOn: boolean | Promise<boolean>
      try {
        goesOn = visit(bytes, at, position + at + size === segment.sizeInBytes)
        if (goesOn instanceof Promise) goesOn = await goesOn
      } catch (error) {
        throw located(error, segment, position + at)
      }
      this.mustGoOn()
      if (!goesOn) return false
      at += size
      const rest = this.pace.rest()
      if (rest !== null) {
        await rest
        this.mustGoOn()
      }
    }
    return true
  }

  /** What fails here is thrown where it is asked for, or does not matter because nobody does. */
  private readAhead(segment: Segment, position: number): void {
    this.ahead = this.read(segment, position)
    this.ahead.catch(() => {})
  }

  /** A stretch without a wait: the tail's memory may be used again while we rest; a memory disk's may not. */
  private see(segment: Segment, position: number): Stretch | null {
    segment.openLog()
    if (!segment.viewable) return null
    const view = (length: number): Stretch | null => {
      const bytes = this.reader.viewNow({ segment, position, length })
      return bytes && stretchOf(segment, position, bytes)
    }
    const rest = segment.sizeInBytes - position
    const stretch = view(Math.min(READ_BYTES, rest))
    if (stretch === null || stretch.end > 0) return stretch
    return view(sizeOfFirst(segment, stretch, rest))
  }

  private async read(segment: Segment, position: number): Promise<Stretch> {
    this.turn = 1 - this.turn
    const rest = segment.sizeInBytes - position
    const { turn } = this
    const stretch = stretchOf(segment, position, await this.fill(turn, segment, position, Math.min(READ_BYTES, rest)))
    if (stretch.end > 0) return stretch
    // Not even one batch was there whole: ask for all of it.
    const whole = await this.fill(turn, segment, position, sizeOfFirst(segment, stretch, rest))
    const again = stretchOf(segment, position, whole)
    if (again.end === 0) throw damaged(segment)
    return again
  }

  private async fill(turn: number, segment: Segment, position: number, length: number): Promise<Buffer> {
    const before = this.buffers[turn]!
    const buffer =
      before === null || before.length < length ? Buffer.allocUnsafeSlow(Math.max(length, READ_BYTES)) : before
    this.buffers[turn] = buffer
    return buffer.subarray(0, await segment.readAsync(buffer.subarray(0, length), position))
  }
}

/** @throws an Error when the bytes are no batches */
function stretchOf(segment: Segment, position: number, bytes: Buffer): Stretch {
  let end = 0
  while (end + header.HEADER_BYTES <= bytes.length) {
    const size = header.sizeInBytes(bytes, end)
    if (size < header.HEADER_BYTES || position + end + size > segment.sizeInBytes) throw damaged(segment)
    if (end + size > bytes.length) break
    end += size
  }
  return { position, bytes, end }
}

/** @throws an Error when it should have been there */
function sizeOfFirst(segment: Segment, { bytes }: Stretch, rest: number): number {
  if (bytes.length < header.HEADER_BYTES) throw damaged(segment)
  const size = header.sizeInBytes(bytes, 0)
  if (size <= bytes.length || size > rest) throw damaged(segment)
  return size
}

/** Says file and byte with what is wrong with the batch there. */
function located(error: unknown, segment: Segment, position: number): unknown {
  if (!(error instanceof BadBatch || error instanceof CompressionError || error instanceof ProtocolError)) return error
  const message = `${segment.path('.log')} is damaged at byte ${position}: ${error.message}`
  return new BadBatch(message, { cause: error })
}

function damaged(segment: Segment): Error {
  return new Error(`${segment.path('.log')} is damaged`)
}
