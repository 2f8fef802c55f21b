/**
 * A log whose files were mangled behind its back, opened with what checkpoints would say, or without. Opening may cut above the recovery
 * point, or leave the log offline with every `.log` as it was; nothing is thrown. Whatever is read is exactly what was written, or the log
 * goes offline. Then the log is used again.
 */

import { FaultyDisk } from '../../../lib/faults/faulty-disk.js'
import type { Disk } from '../../../lib/host/disk.js'
import { MemoryDisk } from '../../../lib/host/memory-disk.js'
import { CompressionError } from '../../../lib/log/compression/index.js'
import { DamagedLog } from '../../../lib/log/damage.js'
import type { KnownLog } from '../../../lib/log/log-options.js'
import { PartitionLog } from '../../../lib/log/partition-log.js'
import { isValidBatch } from '../../../protocol/batch/builder.js'
import * as header from '../../../protocol/batch/header.js'
import { ErrorCode, ProtocolError } from '../../../protocol/index.js'
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
    if (result.errorCode === ErrorCode.KAFKA_STORAGE_ERROR && log.offline) break
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

/** Returns what was done. */
function mangle(disk: Disk, dice: Dice): string[] {
  const names = disk.list(FOLDER)
  const logs = names.filter((name) => name.endsWith('.log'))
  const last = logs.at(-1)
  const damage: string[] = []
  for (let left = dice.between(1, 4); left > 0; left--) {
    const name = dice.pick(names)
    const path = `${FOLDER}/${name}`
    const bytes = disk.readFile(path)
    if (bytes === null) continue
    const isLog = name.endsWith('.log')
    // Once in a while an old segment, too.
    if (isLog && name !== last && !dice.chance(0.2)) continue
    const how = dice.below(isLog ? 4 : 6)
    damage.push(`${name}: ${how}`)
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

function zeroed(bytes: Buffer, dice: Dice): Buffer {
  const copy = Buffer.from(bytes)
  const from = dice.below(copy.length + 1)
  return copy.fill(0, from, Math.min(copy.length, from + dice.below(4096)))
}

function compare(batches: readonly Buffer[], written: Written): void {
  for (const batch of batches) {
    const base = header.baseOffset(batch)
    check(isValidBatch(batch), () => `a batch at offset ${base} was read whose CRC is wrong`)
    check(written.has(protectedPart(batch)), () => `a batch at offset ${base} was read that nobody wrote`)
  }
}

/** Looks into records by time. A log that cannot be read is offline afterwards. */
async function lookups(log: PartitionLog, timestamp: number): Promise<void> {
  for (const search of [() => log.offsetForTimestamp(timestamp), () => log.maxTimestampOffset()]) {
    try {
      await search()
    } catch (error) {
      const typed = error instanceof DamagedLog && log.offline
      if (!typed && !(error instanceof ProtocolError || error instanceof CompressionError)) throw error
    }
  }
}

const logFiles = (disk: Disk): string =>
  disk
    .list(FOLDER)
    .filter((name) => name.endsWith('.log'))
    .map((name) => `${name} ${disk.readFile(`${FOLDER}/${name}`)!.toString('latin1')}`)
    .join()

function checkpoints(end: number, dice: Dice): KnownLog | undefined {
  if (dice.chance(0.3)) return undefined
  const clean = dice.chance(0.5)
  return { recoveryPoint: clean ? end : dice.below(end + 1), logStartOffset: 0, clean }
}

/** What the checkpoints say after a clean stop. */
const noted = (log: PartitionLog): KnownLog => ({
  recoveryPoint: log.endOffset,
  logStartOffset: log.logStartOffset,
  clean: true,
})

/** Offsets are missing that had been synced: to whom no checkpoint says so they are a loss of power's, and all above goes. */
const hasHole = (t: TestLog): boolean => t.said.some((line) => line.endsWith('are missing.'))

async function openMangled(t: TestLog, dice: Dice, disk: Disk): Promise<void> {
  const written = await fill(t, dice)
  const known = checkpoints(t.log.endOffset, dice)
  await t.log.close()
  const damage = mangle(disk, dice)
  const before = logFiles(disk)
  const log = await PartitionLog.open(known === undefined ? t.options : { ...t.options, known }, t.ports)
  t.log = log
  try {
    check(!log.offline || logFiles(disk) === before, () => 'a log that could not be opened was changed')
    if (!log.offline) {
      compare(await readBatches(log), written)
      await lookups(log, t.clock.now() - dice.below(6000))
    }
    if (log.offline) return
    // Used again: what is appended now is read now, and after one more restart.
    const info = t.produce([{ value: 'after' }], {}, 2)
    check(info.errorCode === 0, () => `an append after recovery answered ${info.errorCode} (${info.errorMessage})`)
    log.flushPending()
    for (const restart of [false, true]) {
      if (restart) await t.reopen(dice.chance(0.5) || hasHole(t) ? noted(t.log) : undefined)
      const lastBatch = (await readBatches(t.log)).at(-1)
      check(
        lastBatch !== undefined && header.baseOffset(lastBatch) === info.baseOffset && isValidBatch(lastBatch),
        () =>
          `the record appended at ${info.baseOffset} after recovery is not read back${restart ? ' after a restart' : ''}`,
      )
    }
  } catch (error) {
    throw new Error(`${(error as Error).message} [${damage.join(', ')}; ${JSON.stringify(known)}]`, { cause: error })
  } finally {
    await t.log.close()
  }
}

export const recovery: CaseTarget = {
  name: 'recovery of mangled logs',
  weight: 12,
  async runCase(seed) {
    const dice = new Dice(seed)
    const disk = new FaultyDisk({ seed, views: dice.chance(0.3) }, { disk: new MemoryDisk() })
    const t = makeLog(
      disk,
      { segmentBytes: dice.pick([2500, 6000, 100_000]), indexIntervalBytes: dice.pick([1, 400]) },
      dice.pick([0, 1_000_000]),
    )
    await openMangled(t, dice, disk)
  },
}
