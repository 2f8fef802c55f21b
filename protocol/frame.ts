import { type DecodeOptions, decode, sharedWriter, writeWith } from './codec.js'
import {
  decodeRequestHeader,
  decodeResponseHeader,
  type RequestHeader,
  responseHeaderVersion,
  writeRequestHeader,
  writeResponseHeader,
} from './header.js'
import { messageByKey } from './messages/index.js'
import type { Message, RequestInput, RequestOf, ResponseInput, ResponseOf } from './schema/index.js'
import { ProtocolError } from './wire/error.js'

const SIZE_BYTES = 4

/** A whole request: size, header and body. */
export function encodeRequestFrame<M extends Message>(
  message: M,
  version: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
  value: RequestInput<M>,
): Buffer {
  const writer = sharedWriter
  writer.reset()
  writer.int32(0)
  writeRequestHeader(writer, message, version, header)
  writeWith(writer, message.request, version, value)
  writer.patchInt32(0, writer.size() - SIZE_BYTES)
  const pieces = writer.finish()
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
}

/** A whole response: size, header and body, as the pieces of one `writev` (large `records` stay by reference). */
export function encodeResponseFrame<M extends Message>(
  message: M,
  version: number,
  correlationId: number,
  value: ResponseInput<M>,
): Buffer[] {
  const writer = sharedWriter
  writer.reset()
  writer.int32(0)
  writeResponseHeader(writer, responseHeaderVersion(message, version), correlationId)
  writeWith(writer, message.response, version, value)
  writer.patchInt32(0, writer.size() - SIZE_BYTES)
  return writer.finish()
}

/** A request of any API, header and body. `frame` is without its size. Throws `UNKNOWN_API`, `UNSUPPORTED_VERSION` and what `decode` throws. */
export function decodeRequestFrame(
  frame: Buffer,
  options?: Pick<DecodeOptions, 'trailing'>,
): { message: Message; header: RequestHeader; body: RequestOf<Message> } {
  const header = decodeRequestHeader(frame)
  const message = messageByKey(header.apiKey)!
  const body = decode(message, 'request', header.apiVersion, frame, { ...options, offset: header.bodyOffset })
  return { message, header, body }
}

/** The response to a request of this message and version. `frame` is without its size. */
export function decodeResponseFrame<M extends Message>(
  message: M,
  version: number,
  frame: Buffer,
  options?: Pick<DecodeOptions, 'trailing'>,
): { correlationId: number; body: ResponseOf<M> } {
  const { correlationId, bodyOffset } = decodeResponseHeader(frame, responseHeaderVersion(message, version))
  const body = decode(message, 'response', version, frame, { ...options, offset: bodyOffset })
  return { correlationId, body }
}

export interface FramerOptions {
  /** Largest frame taken, size field not counted (`socket.request.max.bytes`). Stops a peer from making us collect gigabytes. */
  readonly maxFrameBytes: number
  /**
   * Gets each whole frame, without its size. The bytes are a view that is valid only until the callback returns.
   * False makes `push` return after this frame, with the rest of its chunk not looked at.
   */
  readonly onFrame: (frame: Buffer) => boolean
}

const SMALLEST_BUFFER = 4 * 1024
const LARGEST_POOLED = 1024 * 1024
/** Collecting buffers kept for reuse, over all framers and per size. */
const POOLED_PER_SIZE = 4
const NOTHING = Buffer.alloc(0)

/** Spare collecting buffers by their size: a connection holds one only while a frame of it is incomplete. */
const pool = new Map<number, Buffer[]>()

function takeBuffer(bytes: number): Buffer {
  const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, SMALLEST_BUFFER)))
  return pool.get(size)?.pop() ?? Buffer.allocUnsafeSlow(size > LARGEST_POOLED ? bytes : size)
}

function giveBack(buffer: Buffer): void {
  const size = buffer.length
  if (size === 0 || size > LARGEST_POOLED) return
  const spare = pool.get(size)
  if (spare === undefined) pool.set(size, [buffer])
  else if (spare.length < POOLED_PER_SIZE) spare.push(buffer)
}

/**
 * Cuts a stream of bytes into frames. Whole frames are handed on as views of the chunk; only a frame that straddles chunks is copied,
 * into one buffer that grows with the bytes received: a peer that announces 100 MB costs twice what it has sent, and 4 KB at least.
 */
export class Framer {
  /** May be changed at any time, for example once a connection has authenticated. */
  maxFrameBytes: number
  private readonly onFrame: (frame: Buffer) => boolean
  /** Bytes of a frame that has not come whole, its size field included. */
  private partial: Buffer = NOTHING
  private filled = 0
  private stopped = false
  /** The frame just completed was answered with false. */
  private paused = false

  constructor(options: FramerOptions) {
    this.maxFrameBytes = options.maxFrameBytes
    this.onFrame = options.onFrame
  }

  /** Bytes received of a frame that is not complete. */
  get pendingBytes(): number {
    return this.filled
  }

  /** No frame is handed on any more, not even of the chunk being pushed. */
  stop(): void {
    this.stopped = true
    this.partial = NOTHING
    this.filled = 0
  }

  /**
   * Takes the next bytes. Throws `INVALID_FRAME` or `FRAME_TOO_LARGE`, after the frames before the bad one were handed on; the framer is
   * then stopped, for the stream cannot be read any further. Returns how many bytes were taken: fewer than the chunk's only when
   * `onFrame` said no; the caller pushes the rest again when it is ready.
   */
  push(chunk: Buffer): number {
    let at = 0
    if (this.filled > 0) {
      at = this.complete(chunk)
      if (this.paused) {
        this.paused = false
        return at
      }
    }
    while (!this.stopped && at < chunk.length) {
      const left = chunk.length - at
      const size = left < SIZE_BYTES ? 0 : this.frameSize(chunk, at)
      if (left < SIZE_BYTES + size) {
        this.keep(chunk, at)
        return chunk.length
      }
      const frame = chunk.subarray(at + SIZE_BYTES, at + SIZE_BYTES + size)
      at += SIZE_BYTES + size
      if (!this.onFrame(frame)) return at
    }
    return this.stopped ? chunk.length : at
  }

  private frameSize(bytes: Buffer, at: number): number {
    const size = bytes.readInt32BE(at)
    if (size > 0 && size <= this.maxFrameBytes) return size
    const limit = this.maxFrameBytes
    this.stop()
    if (size <= 0) throw new ProtocolError('INVALID_FRAME', `a frame of ${size} bytes`)
    throw new ProtocolError('FRAME_TOO_LARGE', `a frame of ${size} bytes, the most is ${limit}`)
  }

  /** Adds to the partial frame; hands it on when it is whole. Gives the position in the chunk where the next frame begins. */
  private complete(chunk: Buffer): number {
    let at = 0
    if (this.filled < SIZE_BYTES) {
      at = Math.min(SIZE_BYTES - this.filled, chunk.length)
      this.append(chunk, 0, at, SIZE_BYTES)
      if (this.filled < SIZE_BYTES) return at
    }
    const whole = SIZE_BYTES + this.frameSize(this.partial, 0)
    const end = Math.min(chunk.length, at + whole - this.filled)
    this.append(chunk, at, end, whole)
    if (this.filled === whole) {
      // Taken out first: the callback may stop this framer, or push into another one.
      const buffer = this.partial
      this.partial = NOTHING
      this.filled = 0
      this.paused = !this.onFrame(buffer.subarray(SIZE_BYTES, whole))
      giveBack(buffer)
    }
    return end
  }

  private keep(chunk: Buffer, at: number): void {
    const whole = chunk.length - at < SIZE_BYTES ? SIZE_BYTES : SIZE_BYTES + chunk.readInt32BE(at)
    this.append(chunk, at, chunk.length, whole)
  }

  private append(chunk: Buffer, from: number, to: number, whole: number): void {
    const needed = this.filled + to - from
    if (needed > this.partial.length) {
      const larger = takeBuffer(Math.max(needed, Math.min(needed * 2, whole)))
      this.partial.copy(larger, 0, 0, this.filled)
      giveBack(this.partial)
      this.partial = larger
    }
    chunk.copy(this.partial, this.filled, from, to)
    this.filled = needed
  }
}
