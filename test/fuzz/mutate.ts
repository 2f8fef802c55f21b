/** Bytes made worse. */
import type { Dice } from './target.js'

/** Numbers that lengths and counts are most likely to be wrong with. */
const EVIL_INT32 = [-1, -2, 0, 1, 0x7f, 0x80, 0xffff, 0x10000, 0x7fff_ffff, -0x8000_0000, 2_000_000_000, 100_000_000]
/** The same as unsigned varints: 2^31, 2^32-1, 2^28, an overlong zero, one that never ends. */
const EVIL_VARINTS = [
  [0x80, 0x80, 0x80, 0x80, 0x08],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x80, 0x80, 0x80, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x00],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
].map((bytes) => Buffer.from(bytes))

/** A copy of `bytes` with one to four mutations; may be as it was (rarely), shorter or longer. */
export function mutated(bytes: Buffer, dice: Dice): Buffer {
  let result = Buffer.from(bytes)
  for (let left = dice.between(1, 4); left > 0; left--) result = mutatedOnce(result, dice)
  return result
}

function mutatedOnce(bytes: Buffer, dice: Dice): Buffer<ArrayBuffer> {
  const copy = Buffer.from(bytes)
  if (copy.length === 0) return Buffer.from(dice.bytes(dice.below(9)))
  const at = dice.below(copy.length)
  switch (dice.below(8)) {
    case 0:
      return copy.subarray(0, at)
    case 1:
      copy[at] = dice.below(256)
      return copy
    case 2:
      copy[at]! ^= 1 << dice.below(8)
      return copy
    case 3:
      if (at + 4 <= copy.length) copy.writeInt32BE(dice.pick(EVIL_INT32), at)
      return copy
    case 4:
      dice.pick(EVIL_VARINTS).copy(copy, at)
      return copy
    case 5:
      return Buffer.concat([copy.subarray(0, at), dice.bytes(dice.between(1, 12)), copy.subarray(at)])
    case 6:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(Math.min(copy.length, at + dice.between(1, 12)))])
    default: {
      // A piece of itself in another place: valid bytes where they do not belong.
      const from = dice.below(copy.length)
      copy.copy(copy, at, from, Math.min(copy.length, from + dice.between(1, 16)))
      return copy
    }
  }
}

/** `bytes` cut into chunks at random places, the empty chunk among them. */
export function chunksOf(bytes: Buffer, dice: Dice): Buffer[] {
  // Not thousands of single bytes: that is slow, and tells no more than hundreds.
  const largest = Math.max(dice.pick([1, 2, 5, 64, 4096, 300_000]), bytes.length >>> 9)
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + dice.between(0, largest))
    chunks.push(bytes.subarray(at, end))
    at = end
  }
  return chunks
}
