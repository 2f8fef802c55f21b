/**
 * A keyed 128-bit hash of record keys: Chaskey (Mouha et al., 2014), a code made for 32-bit arithmetic.
 *
 * The cleaner trusts that two keys with the same hash are the same key; whoever could make two collide could have somebody else's
 * record dropped. So the hash is keyed, with random bits per cleaning that no client sees, and as wide as Kafka's MD5.
 */
import type { Random } from '../host/random.js'

const ROUNDS = 8
const BLOCK_BYTES = 16

export class KeyHash {
  /** The four words of the last hash. */
  readonly words = new Uint32Array(4)
  private readonly key = new Uint32Array(4)
  private readonly wholeKey: Uint32Array
  private readonly paddedKey: Uint32Array
  private readonly last = Buffer.alloc(BLOCK_BYTES)

  constructor(random: Random) {
    const bits = random.bytes(BLOCK_BYTES)
    for (let i = 0; i < 4; i++) this.key[i] = bits.readUInt32LE(i * 4)
    this.wholeKey = doubled(this.key)
    this.paddedKey = doubled(this.wholeKey)
  }

  /** Hashes `bytes` in [start, end) into `words`. */
  hash(bytes: Buffer, start: number, end: number): void {
    const { words: v, last } = this
    v.set(this.key)
    let at = start
    for (; at + BLOCK_BYTES < end; at += BLOCK_BYTES) {
      absorb(v, bytes, at)
      permute(v)
    }
    let final = this.wholeKey
    if (end - at === BLOCK_BYTES) {
      absorb(v, bytes, at)
    } else {
      // A one and zeros fill the last block, and another key tells it from a whole one.
      final = this.paddedKey
      for (let i = 0; i < BLOCK_BYTES; i++) last[i] = at + i < end ? bytes[at + i]! : 0
      last[end - at] = 1
      absorb(v, last, 0)
    }
    for (let i = 0; i < 4; i++) v[i] = v[i]! ^ final[i]!
    permute(v)
    for (let i = 0; i < 4; i++) v[i] = v[i]! ^ final[i]!
  }
}

function absorb(v: Uint32Array, b: Buffer, at: number): void {
  v[0] = v[0]! ^ (b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24))
  v[1] = v[1]! ^ (b[at + 4]! | (b[at + 5]! << 8) | (b[at + 6]! << 16) | (b[at + 7]! << 24))
  v[2] = v[2]! ^ (b[at + 8]! | (b[at + 9]! << 8) | (b[at + 10]! << 16) | (b[at + 11]! << 24))
  v[3] = v[3]! ^ (b[at + 12]! | (b[at + 13]! << 8) | (b[at + 14]! << 16) | (b[at + 15]! << 24))
}

function permute(v: Uint32Array): void {
  let v0 = v[0]! | 0
  let v1 = v[1]! | 0
  let v2 = v[2]! | 0
  let v3 = v[3]! | 0
  for (let round = 0; round < ROUNDS; round++) {
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 13) | (v3 >>> 19)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 7) | (v1 >>> 25)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
  }
  v[0] = v0
  v[1] = v1
  v[2] = v2
  v[3] = v3
}

/** The key times two in the field of 2^128, as the two keys of the last block are made. */
function doubled(key: Uint32Array): Uint32Array {
  const carry = key[3]! >>> 31 === 1 ? 0x87 : 0
  return Uint32Array.of(
    (key[0]! << 1) ^ carry,
    (key[1]! << 1) | (key[0]! >>> 31),
    (key[2]! << 1) | (key[1]! >>> 31),
    (key[3]! << 1) | (key[2]! >>> 31),
  )
}
