/** Random record batches: sound ones, and ones whose bytes were changed with or without a CRC that fits. */
import { compress } from '../../lib/log/compression/index.js'
import { type BatchOptions, buildBatch, type RecordInput, updateCrc } from '../../protocol/batch/builder.js'
import * as header from '../../protocol/batch/header.js'
import { mutated } from './mutate.js'
import type { Dice } from './target.js'

const TIMES = [-1, 0, 1, 1_700_000_000_000, 2 ** 53 - 1]

export function randomRecords(dice: Dice): RecordInput[] {
  const count = dice.pick([1, 1, 2, 5, 40, 300])
  const baseTime = dice.pick(TIMES)
  return Array.from({ length: count }, () => ({
    key: dice.chance(0.3) ? null : dice.bytes(dice.pick([0, 1, 8, 200])),
    value: dice.chance(0.1)
      ? null
      : dice.chance(0.5)
        ? Buffer.alloc(dice.below(2000), 'text ')
        : dice.bytes(dice.below(300)),
    timestamp: Math.max(-1, baseTime + dice.between(-5, 5)),
    headers: dice.chance(0.8)
      ? []
      : Array.from({ length: dice.between(1, 4) }, (_, i) => ({
          key: `h${i}`,
          value: dice.chance(0.2) ? null : dice.bytes(dice.below(20)),
        })),
  }))
}

export function randomBatchOptions(dice: Dice): BatchOptions {
  const idempotent = dice.chance(0.3)
  return {
    compression: dice.pick([0, 0, 1, 2, 3, 4]),
    compress: (code, bytes) => compress(code, bytes),
    logAppendTime: dice.chance(0.1),
    transactional: idempotent && dice.chance(0.5),
    control: dice.chance(0.05),
    ...(idempotent
      ? { producerId: dice.below(5), producerEpoch: dice.below(3), baseSequence: dice.between(-1, 20) }
      : {}),
  }
}

export const randomBatch = (dice: Dice): Buffer => buildBatch(randomRecords(dice), randomBatchOptions(dice))

/** Most with a CRC that fits: else nothing behind the CRC check is ever reached. */
export function badBatch(dice: Dice): Buffer {
  if (dice.chance(0.02)) return dice.bytes(dice.below(300))
  const batch = randomBatch(dice)
  const head = dice.chance(0.5)
  const bad = head
    ? Buffer.concat([mutated(batch.subarray(0, header.HEADER_BYTES), dice), batch.subarray(header.HEADER_BYTES)])
    : Buffer.concat([batch.subarray(0, header.HEADER_BYTES), mutated(batch.subarray(header.HEADER_BYTES), dice)])
  if (dice.chance(0.8)) repair(bad)
  return bad
}

/** Makes length, magic and CRC right again, so that what else is wrong is what decides. */
function repair(batch: Buffer): void {
  if (batch.length < header.HEADER_BYTES) return
  header.pokeInt32(batch, header.BATCH_LENGTH, batch.length - header.LOG_OVERHEAD)
  batch[header.MAGIC] = 2
  updateCrc(batch)
}
