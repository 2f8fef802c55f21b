import { Buffer } from 'node:buffer'
import { randomBytes, randomInt } from 'node:crypto'
import type { Random } from './random.js'

/** `crypto.randomInt` draws from 48 bits. */
const RANDOM_INT_MAX = 2 ** 48 - 1

/** A call into the system costs more than the bytes: ids are cut from so many at a time, each byte given out once. */
const POOL_BYTES = 4096
let pool: Buffer | null = null
let poolUsed = 0

/** For ids, which are small. A view that nobody else has or will have. */
function pooledBytes(length: number): Buffer {
  if (pool === null || poolUsed + length > POOL_BYTES) {
    pool = randomBytes(POOL_BYTES)
    poolUsed = 0
  }
  return pool.subarray(poolUsed, (poolUsed += length))
}

/** Randomness that nobody can guess: for everything but tests. */
export const secureRandom: Random = {
  integer(bound) {
    checkBound(bound)
    if (bound <= RANDOM_INT_MAX) return randomInt(bound)
    return Math.floor(fraction53(randomBytes(8)) * bound)
  },
  bytes: (length) => randomBytes(length),
  topicId: () => topicIdFrom(pooledBytes),
  uuid: () => uuidText(version4(pooledBytes(16))),
}

/**
 * The same numbers for the same seed, on every machine: sfc32, seeded by splitmix32. Not for secrets.
 * @param seed any whole number; its low 32 bits count
 */
export function seededRandom(seed: number): Random {
  const next = sfc32(seed)
  const bytes = (length: number): Buffer => {
    const target = Buffer.alloc(length)
    for (let offset = 0; offset < length; offset += 4) {
      const word = next()
      for (let index = 0; index < 4 && offset + index < length; index += 1) {
        target[offset + index] = (word >>> (8 * index)) & 0xff
      }
    }
    return target
  }
  return {
    integer(bound) {
      checkBound(bound)
      if (bound <= 2 ** 32) return Math.floor((next() / 2 ** 32) * bound)
      return Math.floor(fraction53(bytes(8)) * bound)
    },
    bytes,
    topicId: () => topicIdFrom(bytes),
    uuid: () => uuidText(version4(bytes(16))),
  }
}

function sfc32(seed: number): () => number {
  let mix = seed | 0
  const splitmix = (): number => {
    mix = (mix + 0x9e3779b9) | 0
    let z = mix
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) | 0
  }
  let a = splitmix()
  let b = splitmix()
  let c = splitmix()
  let counter = 1
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return sum >>> 0
  }
  for (let round = 0; round < 12; round += 1) next()
  return next
}

function checkBound(bound: number): void {
  if (!Number.isSafeInteger(bound) || bound < 1)
    throw new RangeError(`a random number needs a bound of 1 or more, got ${bound}`)
}

/** 53 bits as a fraction in [0, 1). */
function fraction53(bytes: Buffer): number {
  return (bytes.readUInt32LE(0) * 2 ** 21 + (bytes.readUInt32LE(4) >>> 11)) / 2 ** 53
}

function version4(bytes: Buffer): Buffer {
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/**
 * Kafka's Uuid.randomUuid: no leading `-`, which a command line would take for a flag. Its reserved ids (0 to 99) are
 * no version 4 uuids, so they cannot come up.
 */
function topicIdFrom(bytes: (length: number) => Buffer): string {
  for (;;) {
    const text = version4(bytes(16)).toString('base64url')
    if (!text.startsWith('-')) return text
  }
}
