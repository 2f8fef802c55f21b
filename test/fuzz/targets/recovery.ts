/**
 * A log whose files were mangled behind its back. Opening it may cut, or fail with a DiskError; nothing else may be thrown. In the last
 * segment whatever is read is exactly what was written (its CRCs are checked when it is opened). Damage in an earlier segment is
 * not looked for, as in Kafka: what is read there is still whole batches, and no other segment suffers. Then the log is used again.
 */

import type { Disk } from '../../../lib/host/disk.js'
import { DiskError } from '../../../lib/host/disk.js'
import { MemoryDisk } from '../../../lib/host/memory-disk.js'
import { CompressionError } from '../../../lib/log/compression/index.js'
import { PartitionLog } from '../../../lib/log/partition-log.js'
import { isValidBatch } from '../../../protocol/batch/builder.js'
import * as header from '../../../protocol/batch/header.js'
import { ProtocolError } from '../../../protocol/index.js'
import { makeLog, type TestLog } from '../../log/support/harness.js'
import { mutated } from '../mutate.js'
import { type CaseTarget, check, Dice } from '../target.js'

const FOLDER = 't-0'

/** What was appended, as the CRC protects it: base offset and leader epoch lie before that, and damage there looks like compaction. */
type Written = Set<string>

const protectedPart = (batch: Buffer): string => batch.toString('latin1', header.CRC)

async function fill(t: TestLog, dice: Dice): Promise<Written> {
  const written: Written = new Set()
  const appendRounds = dice.between(1, 40)
  for (let i = 0; i < appendRounds; i++) {
    const values = Array.from({ length: dice.between(1, 5) }, () => ({
      key: dice.bytes(4),
      value: dice.bytes(dice.below(400)),
      timestamp: t.clock.now() - dice.below(5000),
    }))
    const idempotent = dice.chance(0.2) ? { producerId: i, producerEpoch: 0, baseSequence: 0 } : {}
    const info = t.produce(values, { ...idempotent, transactional: 'producerId' in idempotent && dice.chance(0.3) }, 1)
    check(info.errorCode === 0, () => `append answered ${info.errorCode} (${info.errorMessage})`)
  }
  t.log.flushPending()
  for (const batch of await readBatches(t.log)) written.add(protectedPart(batch))
  return written
}

/** Every batch from the start on, copied. Throws when what is read is not whole batches in rising order. */
async function readBatches(log: PartitionLog): Promise<Buffer[]> {
  const batches: Buffer[] = []
  let offset = log.logStartOffset
  while (offset < log.endOffset) {
    const result = await log.read(offset, { maxBytes: 3000, upperBound: log.endOffset, minOneMessage: true })
    if (result.errorCode !== 0) throw new Error(`a read at ${offset} answered ${result.errorCode}`)
    const bytes = Buffer.concat(result.pieces as Buffer[])
    result.release?.()
    if (bytes.length === 0) break
    let at = 0
    let next = offset
    while (at < bytes.length) {
      const size = header.sizeInBytes(bytes, at)
      check(size >= header.HEADER_BYTES && at + size <= bytes.length, () => `half a batch was read at offset ${next}`)
      const last = header.lastOffset(bytes, at)
      check(last >= next, () => `offset ${last} was read where ${next} or more was due`)
      batches.push(Buffer.from(bytes.subarray(at, at + size)))
      next = last + 1
      at += size
    }
    offset = next
  }
  return batches
}

interface Damage {
  /** Base offset from which batches must be those that were written: 0 when only the last segment and index files were touched. */
  soundFrom: number
  log: string[]
}

function mangle(disk: Disk, dice: Dice): Damage {
  const names = disk.list(FOLDER)
  const logs = names.filter((name) => name.endsWith('.log'))
  const last = logs.at(-1)
  const damage: Damage = { soundFrom: 0, log: [] }
  for (let left = dice.between(1, 4); left > 0; left--) {
    const name = dice.pick(names)
    const path = `${FOLDER}/${name}`
    const bytes = disk.readFile(path)
    if (bytes === null) continue
    const isLog = name.endsWith('.log')
    // Once in a while an old segment, too.
    if (isLog && name !== last && !dice.chance(0.2)) continue
    if (isLog && name !== last) damage.soundFrom = Math.max(damage.soundFrom, nextBase(logs, name))
    const how = dice.below(isLog ? 4 : 6)
    damage.log.push(`${name}: ${how}`)
    if (how === 0) disk.writeFile(path, mutated(bytes, dice))
    else if (how === 1) disk.writeFile(path, bytes.subarray(0, dice.below(bytes.length + 1)))
    else if (how === 2)
      disk.writeFile(
        path,
        Buffer.concat([bytes, dice.chance(0.5) ? Buffer.alloc(dice.below(5000)) : dice.bytes(dice.below(5000))]),
      )
    else if (how === 3) disk.writeFile(path, zeroed(bytes, dice))
    else if (how === 4) disk.remove(path)
    else disk.writeFile(path, dice.bytes(dice.below(200)))
  }
  if (dice.chance(0.2))
    disk.writeFile(
      `${FOLDER}/${dice.pick(['00000000000000000003.index', 'x.log.tmp', 'leader-epoch-checkpoint', '7.log'])}`,
      dice.bytes(20),
    )
  return damage
}

function nextBase(logs: readonly string[], name: string): number {
  return Number.parseInt(logs[logs.indexOf(name) + 1]!, 10)
}

function zeroed(bytes: Buffer, dice: Dice): Buffer {
  const copy = Buffer.from(bytes)
  const from = dice.below(copy.length + 1)
  return copy.fill(0, from, Math.min(copy.length, from + dice.below(4096)))
}

function compare(batches: readonly Buffer[], written: Written, soundFrom: number): void {
  for (const batch of batches) {
    const base = header.baseOffset(batch)
    if (base < soundFrom) continue
    check(isValidBatch(batch), () => `a batch at offset ${base} was read whose CRC is wrong`)
    check(written.has(protectedPart(batch)), () => `a batch at offset ${base} was read that nobody wrote`)
  }
}

/** Looks into records by time. What it cannot read it says with a typed error; only an old segment may be like that. */
async function lookups(log: PartitionLog, timestamp: number, damage: Damage): Promise<void> {
  for (const search of [() => log.offsetForTimestamp(timestamp), () => log.maxTimestampOffset()]) {
    try {
      await search()
    } catch (error) {
      const typed = error instanceof ProtocolError || error instanceof CompressionError
      if (!typed || damage.soundFrom === 0) throw error
    }
  }
}

async function openMangled(t: TestLog, dice: Dice, disk: Disk): Promise<void> {
  const written = await fill(t, dice)
  await t.log.close()
  const damage = mangle(disk, dice)
  let log: PartitionLog
  try {
    log = await PartitionLog.open(t.options, t.ports)
  } catch (error) {
    if (error instanceof DiskError) return
    throw error
  }
  t.log = log
  try {
    compare(await readBatches(log), written, damage.soundFrom)
    await lookups(log, t.clock.now() - dice.below(6000), damage)
    // Used again: what is appended now is read now, and after one more restart.
    const info = t.produce([{ value: 'after' }], {}, 2)
    check(info.errorCode === 0, () => `an append after recovery answered ${info.errorCode} (${info.errorMessage})`)
    log.flushPending()
    for (const restart of [false, true]) {
      if (restart) await t.reopen()
      const lastBatch = (await readBatches(t.log)).at(-1)
      check(
        lastBatch !== undefined && header.baseOffset(lastBatch) === info.baseOffset && isValidBatch(lastBatch),
        () =>
          `the record appended at ${info.baseOffset} after recovery is not read back${restart ? ' after a restart' : ''}`,
      )
    }
  } catch (error) {
    throw new Error(`${(error as Error).message} [${damage.log.join(', ')}]`, { cause: error })
  } finally {
    await t.log.close()
  }
}

export const recovery: CaseTarget = {
  name: 'recovery of mangled logs',
  weight: 12,
  async runCase(seed) {
    const dice = new Dice(seed)
    const disk = new MemoryDisk()
    const t = makeLog(
      disk,
      { segmentBytes: dice.pick([2500, 6000, 100_000]), indexIntervalBytes: dice.pick([1, 400]) },
      dice.pick([0, 1_000_000]),
    )
    await openMangled(t, dice, disk)
  },
}
