/**
 * Record batches as a client could send them, and the codecs: the validator answers, never throws; what it accepts can be read back
 * whole; readers of any magic throw only their own errors; decompression stays within the limit that it is given.
 */

import { type AppendRules, DEFAULT_APPEND_RULES } from '../../../lib/log/append-rules.js'
import { validateBatch } from '../../../lib/log/append-validator.js'
import { CompressionError, compress, decompress, prepareCodec } from '../../../lib/log/compression/index.js'
import { isValidBatch } from '../../../protocol/batch/builder.js'
import { decodeBatch, decodeLegacyEntry, decodeRecordSet, ProtocolError } from '../../../protocol/index.js'
import { goldenLines } from '../../support/golden.js'
import { checkMemory, memoryInUse } from '../memory.js'
import { mutated } from '../mutate.js'
import { badBatch, randomBatch } from '../random-batch.js'
import { type CaseTarget, check, Dice, failure } from '../target.js'

const NOW = 1_700_000_000_000
const DECOMPRESSED_MAX = 4 * 1024 * 1024
const bounded = (code: number, bytes: Buffer): Buffer => decompress(code, bytes, DECOMPRESSED_MAX)

function randomRules(dice: Dice): AppendRules {
  return {
    ...DEFAULT_APPEND_RULES,
    timestampType: dice.pick(['CreateTime', 'CreateTime', 'LogAppendTime']),
    timestampBeforeMaxMs: dice.pick([Number.POSITIVE_INFINITY, 1000]),
    compact: dice.chance(0.2),
    compressionType: dice.pick(['producer', 'producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd']),
    maxMessageBytes: dice.pick([1048588, 1048588, 500]),
  }
}

function validatorCase(dice: Dice): void {
  const batch = dice.chance(0.2) ? randomBatch(dice) : badBatch(dice)
  const rules = randomRules(dice)
  const origin = dice.chance(0.9) ? 'client' : 'coordinator'
  const verdict = validateBatch(dice.chance(0.01) ? null : batch, rules, NOW, origin)
  if (verdict.errorCode !== 0) {
    check(verdict.message.length > 0, () => `refused with ${verdict.errorCode} and no sentence`)
    return
  }
  const accepted = verdict.batch
  check(isValidBatch(accepted), () => 'the validator accepted a batch whose CRC or size is wrong')
  check(accepted.length <= rules.maxMessageBytes, () => `accepted ${accepted.length} bytes`)
  if (verdict.control) return
  const records = decodeBatch(accepted, decompress)
  check(records.length === verdict.recordCount, () => `${records.length} records in a batch of ${verdict.recordCount}`)
  if (origin !== 'client') return
  check(verdict.recordCount === verdict.lastOffsetDelta + 1, () => 'offsets and records differ in number')
}

/** The errors of reading, and only those. */
function readerCase(what: string, run: () => unknown): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof ProtocolError) && !(error instanceof CompressionError)) throw failure(what, error)
  }
}

let legacySets: Buffer[] = []

function readersCase(dice: Dice): void {
  const batch = badBatch(dice)
  readerCase('decodeBatch', () => decodeBatch(batch, bounded))
  const set = dice.chance(0.5) ? Buffer.concat([randomBatch(dice), batch]) : mutated(dice.pick(legacySets), dice)
  readerCase('decodeRecordSet', () => decodeRecordSet(set, bounded))
  readerCase('decodeLegacyEntry', () => decodeLegacyEntry(set, dice.below(set.length + 1), bounded))
}

function codecCase(dice: Dice): void {
  const code = dice.between(1, 4)
  const plain = dice.chance(0.5) ? dice.bytes(dice.below(20_000)) : Buffer.alloc(dice.below(200_000), dice.bytes(7))
  const packed = compress(code, plain)
  check(decompress(code, packed).equals(plain), () => `codec ${code}: ${plain.length} bytes came back changed`)
  const limit = dice.below(plain.length + 2)
  readerCase(`codec ${code}`, () => {
    const out = decompress(code, packed, limit)
    check(out.length <= limit, () => `codec ${code}: ${out.length} bytes with a limit of ${limit}`)
  })
  for (let i = 0; i < 6; i++) {
    const bad = mutated(packed, dice)
    readerCase(`codec ${code}`, () => {
      const out = decompress(code, bad, DECOMPRESSED_MAX)
      check(out.length <= DECOMPRESSED_MAX, () => `codec ${code} gave ${out.length} bytes`)
    })
  }
  readerCase('unknown codec', () => decompress(dice.between(-1, 9), dice.bytes(50), DECOMPRESSED_MAX))
}

/** Gigabytes in a kilobyte: the limit holds before the memory is taken. */
function bombCase(dice: Dice): void {
  const code = dice.between(1, 4)
  const bomb = compress(code, Buffer.alloc(48 * 1024 * 1024))
  const before = memoryInUse()
  let error: unknown
  try {
    decompress(code, bomb, 1024 * 1024)
  } catch (caught) {
    error = caught
  }
  check(error instanceof CompressionError && error.code === 'TOO_LARGE', () => `codec ${code}: a bomb gave ${error}`)
  const grown = memoryInUse() - before
  check(grown < 24 * 1024 * 1024, () => `codec ${code}: a bomb took ${Math.round(grown / 1e6)} MB with a limit of 1 MB`)
}

export const batches: CaseTarget = {
  name: 'batches and codecs',
  weight: 14,
  async prepare() {
    for (let code = 1; code <= 4; code++) await prepareCodec(code)
    legacySets = goldenLines<{ hex: string }>('message-sets').map(({ hex }) => Buffer.from(hex, 'hex'))
  },
  runCase(seed) {
    const dice = new Dice(seed)
    const before = memoryInUse()
    for (let i = 0; i < 4; i++) {
      validatorCase(dice)
      readersCase(dice)
    }
    codecCase(dice)
    checkMemory(before, 'a case')
    if (dice.chance(0.002)) bombCase(dice)
  },
}
