/**
 * A closed log whose index files lie, plausibly: an entry says something between what its neighbours say. It is opened as after a clean
 * stop, so that nothing but the index leads to the bytes, and answers as if nothing had happened: reads with and without a bound, lookups
 * by time, a cut. Nothing goes offline.
 */
import { FaultyDisk } from '../../../lib/faults/faulty-disk.js'
import type { Disk } from '../../../lib/host/disk.js'
import { MemoryDisk } from '../../../lib/host/memory-disk.js'
import { OFFSET_ENTRY_BYTES } from '../../../lib/log/offset-index.js'
import { TIME_ENTRY_BYTES } from '../../../lib/log/time-index.js'
import * as header from '../../../protocol/batch/header.js'
import { makeLog, type TestLog } from '../../log/support/harness.js'
import { type CaseTarget, check, Dice } from '../target.js'

const FOLDER = 't-0'

interface Written {
  base: number
  timestamps: number[]
}

function fill(t: TestLog, dice: Dice): Written[] {
  const batches: Written[] = []
  for (let left = dice.between(5, 60); left > 0; left--) {
    const timestamps = Array.from({ length: dice.between(1, 5) }, () => t.clock.now() - dice.below(3000))
    const info = t.produce(
      timestamps.map((timestamp) => ({ value: dice.bytes(dice.below(300)), timestamp })),
      { baseTimestamp: timestamps[0]! },
    )
    check(info.errorCode === 0, () => `append answered ${info.errorCode} (${info.errorMessage})`)
    batches.push({ base: info.baseOffset, timestamps })
    t.clock.advance(dice.below(200))
    if (dice.chance(0.3)) t.log.flushPending()
  }
  return batches
}

/** Changes a column of an entry that has neighbours on both sides. The last entries are read when a log is opened. */
function lie(disk: Disk, name: string, dice: Dice): string | null {
  const isOffsets = name.endsWith('.index')
  const bytes = Buffer.from(disk.readFile(`${FOLDER}/${name}`)!)
  const entryBytes = isOffsets ? OFFSET_ENTRY_BYTES : TIME_ENTRY_BYTES
  const entries = bytes.length / entryBytes
  if (entries < 2) return null
  const slot = dice.below(entries - 1)
  const isSecond = dice.chance(0.5)
  const at = slot * entryBytes + (isSecond ? entryBytes - 4 : entryBytes - 8)
  const before = slot === 0 ? -1 : bytes.readInt32BE(at - entryBytes)
  const after = bytes.readInt32BE(at + entryBytes)
  // Low halves of timestamps rise too, but where they wrap.
  if (after - before < 2) return null
  const value = before + 1 + dice.below(after - before - 1)
  const was = bytes.readInt32BE(at)
  bytes.writeInt32BE(value, at)
  disk.writeFile(`${FOLDER}/${name}`, bytes)
  return `${name}[${slot}].${isSecond ? 1 : 0} ${was} -> ${value}`
}

function lieAll(disk: Disk, dice: Dice): string[] {
  const names = disk.list(FOLDER).filter((name) => /\.(?:time)?index$/.test(name))
  const lies: string[] = []
  for (let left = dice.between(1, 6); left > 0; left--) {
    const told = lie(disk, dice.pick(names), dice)
    if (told !== null) lies.push(told)
  }
  return lies
}

const endOf = ({ base, timestamps }: Written): number => base + timestamps.length

async function read(t: TestLog, batches: readonly Written[], dice: Dice): Promise<void> {
  const end = t.log.endOffset
  const offset = dice.below(end)
  const upperBound = dice.chance(0.5) ? end : offset + dice.between(0, end - offset)
  const maxBytes = dice.pick([1, 300, 1000, 5000])
  const due = batches.filter((batch) => endOf(batch) > offset && endOf(batch) <= upperBound).map(({ base }) => base)
  const result = await t.log.read(offset, { maxBytes, upperBound, minOneMessage: true })
  const what = `a read at ${offset} below ${upperBound} of ${maxBytes} bytes`
  check(result.errorCode === 0, () => `${what} answered ${result.errorCode}`)
  const bytes = Buffer.concat(result.pieces as Buffer[])
  result.release?.()
  const got: number[] = []
  for (let at = 0; at < bytes.length; at += header.sizeInBytes(bytes, at)) {
    check(at + header.sizeInBytes(bytes, at) <= bytes.length, () => `${what} gave half a batch after ${got.join(', ')}`)
    got.push(header.baseOffset(bytes, at))
  }
  check(due.length === 0 || got.length > 0, () => `${what} gave nothing`)
  check(got.join() === due.slice(0, got.length).join(), () => `${what} gave ${got.join(', ')} of ${due.join(', ')}`)
}

async function lookUp(t: TestLog, batches: readonly Written[], dice: Dice): Promise<void> {
  const timestamp = dice.pick(dice.pick(batches).timestamps) + dice.between(-2, 2)
  const records = batches.flatMap(({ base, timestamps }) => timestamps.map((time, i) => ({ offset: base + i, time })))
  const due = records.find(({ time }) => time >= timestamp)
  const found = await t.log.offsetForTimestamp(timestamp)
  check(
    found?.offset === due?.offset,
    () => `the first record since ${timestamp} was found at ${found?.offset}, not ${due?.offset}`,
  )
}

async function cut(t: TestLog, batches: readonly Written[], dice: Dice): Promise<void> {
  const offset = dice.below(t.log.endOffset + 1)
  await t.log.truncateTo(offset)
  const due = batches.find((batch) => endOf(batch) > offset)?.base ?? offset
  check(t.log.endOffset === due, () => `a cut to ${offset} left ${t.log.endOffset}, not ${due}`)
}

export const indexes: CaseTarget = {
  name: 'indexes that lie',
  weight: 4,
  async runCase(seed) {
    const dice = new Dice(seed)
    const disk = new FaultyDisk({ seed, views: false }, { disk: new MemoryDisk() })
    const config = { segmentBytes: dice.pick([2500, 10_000, 100_000]), indexIntervalBytes: dice.pick([1, 400]) }
    const t = makeLog(disk, config, dice.pick([0, 1_000_000]))
    const batches = fill(t, dice)
    await t.log.close()
    const lies = lieAll(disk, dice)
    await t.reopen({ recoveryPoint: t.log.endOffset, logStartOffset: 0, clean: true })
    try {
      for (let left = dice.between(1, 12); left > 0; left--) {
        if (dice.chance(0.7)) await read(t, batches, dice)
        else await lookUp(t, batches, dice)
      }
      await cut(t, batches, dice)
      check(!t.log.offline, () => 'the log is offline')
      check(new Set(t.said).size === t.said.length, () => 'an index was made again twice')
    } catch (error) {
      throw new Error(`${(error as Error).message} [${lies.join(', ')}; said: ${t.said.join(' ')}]`, { cause: error })
    } finally {
      await t.log.close()
    }
  },
}
