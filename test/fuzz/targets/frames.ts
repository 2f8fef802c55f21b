/** Frames and headers: a stream cut anywhere gives the same frames as the stream in one piece; bad sizes end it at the right place. */
import {
  decodeRequestFrame,
  decodeRequestHeader,
  decodeResponseHeader,
  Framer,
  ProtocolError,
} from '../../../protocol/index.js'
import { chunksOf, mutated } from '../mutate.js'
import { type CaseTarget, check, Dice } from '../target.js'
import { randomRequest } from './messages.js'

interface Expected {
  frames: Buffer[]
  /** Why the stream cannot be read further; null when it ends well or in half a frame. */
  error: 'INVALID_FRAME' | 'FRAME_TOO_LARGE' | null
  /** Bytes of the half frame at the end. */
  pendingBytes: number
}

/** The simplest framer there is. */
function cut(stream: Buffer, maxFrameBytes: number): Expected {
  const frames: Buffer[] = []
  let at = 0
  while (stream.length - at >= 4) {
    const size = stream.readInt32BE(at)
    if (size <= 0) return { frames, error: 'INVALID_FRAME', pendingBytes: 0 }
    if (size > maxFrameBytes) return { frames, error: 'FRAME_TOO_LARGE', pendingBytes: 0 }
    if (stream.length - at - 4 < size) break
    frames.push(stream.subarray(at + 4, at + 4 + size))
    at += 4 + size
  }
  return { frames, error: null, pendingBytes: stream.length - at }
}

function randomStream(dice: Dice): Buffer {
  if (dice.chance(0.05)) return dice.bytes(dice.below(200))
  const pieces: Buffer[] = []
  for (let left = dice.below(12); left > 0; left--) {
    // A pattern, not noise: as telling, and a hundred times faster to make.
    const body = Buffer.alloc(dice.pick([1, 2, 10, 100, 5000, dice.between(1, 70_000)]), dice.bytes(13))
    const size = Buffer.alloc(4)
    size.writeInt32BE(dice.chance(0.02) ? dice.pick([0, -1, -2147483648, 2147483647, 100_001]) : body.length)
    pieces.push(size, body)
  }
  const stream = Buffer.concat(pieces)
  return dice.chance(0.5) ? stream : stream.subarray(0, dice.below(stream.length + 1))
}

function framerCase(dice: Dice): void {
  const stream = randomStream(dice)
  const maxFrameBytes = 100_000
  const expected = cut(stream, maxFrameBytes)
  const got: Buffer[] = []
  const stopsOften = dice.chance(0.3)
  let stopped = false
  const framer = new Framer({
    maxFrameBytes,
    onFrame(frame) {
      // A copy: the view is good for this call only, and the chunk is overwritten below.
      got.push(Buffer.from(frame))
      stopped = stopsOften && dice.chance(0.4)
      return !stopped
    },
  })
  let error: string | null = null
  try {
    for (const chunk of chunksOf(stream, dice)) {
      const owned = Buffer.from(chunk)
      for (let at = 0; at < owned.length; ) {
        stopped = false
        at += framer.push(owned.subarray(at))
        check(at === owned.length || stopped, () => 'push stopped although the callback did not ask for it')
      }
      owned.fill(0xee)
    }
  } catch (caught) {
    if (!(caught instanceof ProtocolError)) throw caught
    error = caught.code
  }
  check(error === expected.error, () => `the stream ended with ${error}, it should have with ${expected.error}`)
  check(
    got.length === expected.frames.length && got.every((frame, index) => frame.equals(expected.frames[index]!)),
    () => `${got.length} frames, ${expected.frames.length} expected, or other bytes`,
  )
  if (error === null) {
    check(framer.pendingBytes === expected.pendingBytes, () => `${framer.pendingBytes} bytes pending`)
  } else {
    got.length = 0
    framer.push(Buffer.from([0, 0, 0, 1, 1]))
    check(got.length === 0, () => 'a framer that has failed handed on another frame')
  }
}

function headerCase(dice: Dice): void {
  const frame = dice.chance(0.2) ? dice.bytes(dice.below(40)) : mutated(randomRequest(dice).frame.subarray(4), dice)
  const attempts = [
    () => decodeRequestHeader(frame),
    () => decodeRequestFrame(frame),
    () => decodeRequestFrame(frame, { trailing: 'ignore' }),
    () => decodeResponseHeader(frame, dice.below(2)),
  ]
  for (const attempt of attempts) {
    try {
      attempt()
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
    }
  }
}

export const frames: CaseTarget = {
  name: 'frames and headers',
  weight: 8,
  runCase(seed) {
    const dice = new Dice(seed)
    framerCase(dice)
    for (let i = 0; i < 8; i++) headerCase(dice)
  },
}
