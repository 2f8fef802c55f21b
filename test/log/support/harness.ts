import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Disk } from '../../../lib/host/disk.js'
import { silentLogger } from '../../../lib/host/logger.js'
import { MemoryBudget } from '../../../lib/host/memory-budget.js'
import { MemoryDisk } from '../../../lib/host/memory-disk.js'
import { NodeDisk } from '../../../lib/host/node-disk.js'
import { seededRandom } from '../../../lib/host/random-sources.js'
import { Spill } from '../../../lib/host/spill.js'
import { VirtualClock } from '../../../lib/host/virtual-clock.js'
import { decompress } from '../../../lib/log/compression/index.js'
import { defaultLogConfig, type LogConfig } from '../../../lib/log/config.js'
import type { AppendInfo, ReadResult } from '../../../lib/log/contract.js'
import type { KnownLog, PartitionLogOptions, PartitionLogPorts } from '../../../lib/log/log-options.js'
import { PartitionLog } from '../../../lib/log/partition-log.js'
import { LogShared } from '../../../lib/log/shared.js'
import { type BatchOptions, buildBatch, type RecordInput } from '../../../protocol/batch/builder.js'
import * as header from '../../../protocol/batch/header.js'
import { decodeBatch } from '../../../protocol/batch/records.js'

export const START_MS = Date.UTC(2026, 0, 1)

export interface TestDisk {
  name: string
  disk: Disk
  remove(): void
}

/** Everything that can move to the other disk does, at once. */
function spillingDisk(): TestDisk {
  const spill = new Spill({
    budget: new MemoryBudget(1),
    clock: new VirtualClock(),
    logger: silentLogger,
    openTarget: () => ({ disk: new MemoryDisk(), name: 'the other disk', close: async () => {} }),
  })
  return { name: 'spilling disk', disk: new MemoryDisk({}, { keeper: spill }), remove: () => void spill.close() }
}

/** All real disks; a suite runs once per kind. */
export const disks: { name: string; make(): TestDisk }[] = [
  { name: 'memory disk', make: () => ({ name: 'memory disk', disk: new MemoryDisk(), remove() {} }) },
  {
    name: 'node disk',
    make() {
      const root = mkdtempSync(join(tmpdir(), 'odradek-log-'))
      return {
        name: 'node disk',
        disk: new NodeDisk({ root }),
        remove: () => rmSync(root, { recursive: true, force: true }),
      }
    },
  },
  { name: 'spilling disk', make: spillingDisk },
]

export interface TestLog {
  log: PartitionLog
  clock: VirtualClock
  options: PartitionLogOptions
  ports: PartitionLogPorts
  /** Warnings and errors, oldest first. */
  said: string[]
  /** Closes the log and opens it again from its files. `known`: as a log directory's checkpoints would have it. */
  reopen(known?: KnownLog): Promise<PartitionLog>
  produce(records: readonly RecordInput[], batch?: BatchOptions, epoch?: number): AppendInfo
}

export function makeLog(disk: Disk, config: Partial<LogConfig> = {}, hotBytesMax = 32 * 1024 * 1024): TestLog {
  const clock = new VirtualClock({ startMs: START_MS })
  const options = { topic: 't', partition: 0, folder: 't-0', config: defaultLogConfig(config) }
  const said: string[] = []
  const say = (message: string) => void said.push(message)
  const logger = { ...silentLogger, warn: say, error: say }
  const ports = {
    disk,
    clock,
    logger,
    random: seededRandom(1),
    shared: new LogShared({ hotBytesMax }, hotBytesMax / 100),
  }
  const test: TestLog = {
    log: new PartitionLog(options, ports),
    clock,
    options,
    ports,
    said,
    async reopen(known) {
      await test.log.close()
      test.log = await PartitionLog.open(known === undefined ? options : { ...options, known }, ports)
      return test.log
    },
    produce: (records, batch = {}, leaderEpoch = 0) =>
      test.log.append(buildBatch(records, { baseTimestamp: clock.now(), ...batch }), {
        origin: batch.control === true ? 'coordinator' : 'client',
        leaderEpoch,
        now: clock.now(),
      }),
  }
  return test
}

export interface ReadRecord {
  offset: number
  value: string
}

/** Everything in a result as records; checks that its pieces are whole batches. */
export function recordsIn(result: ReadResult): ReadRecord[] {
  const bytes = Buffer.concat(result.pieces as Buffer[])
  if (bytes.length !== result.sizeInBytes) throw new Error(`${bytes.length} bytes, said ${result.sizeInBytes}`)
  const records: ReadRecord[] = []
  let at = 0
  while (at < bytes.length) {
    for (const { offset, value } of decodeBatch(bytes, decompress, at)) records.push({ offset, value: String(value) })
    at += header.sizeInBytes(bytes, at)
  }
  if (at !== bytes.length) throw new Error('the last batch is cut')
  return records
}

export async function readAll(
  log: PartitionLog,
  from = log.logStartOffset,
  maxBytes = 1_000_000,
): Promise<ReadRecord[]> {
  const all: ReadRecord[] = []
  let offset = from
  while (offset < log.endOffset) {
    const result = await log.read(offset, { maxBytes, upperBound: log.endOffset, minOneMessage: true })
    const records = recordsIn(result)
    result.release?.()
    if (records.length === 0) break
    all.push(...records.filter((record) => record.offset >= offset))
    offset = records.at(-1)!.offset + 1
  }
  return all
}
