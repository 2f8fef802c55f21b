/** Faults planted on purpose, by wrappers and patched methods: a simulator that does not find them proves nothing. */
import { expect } from 'chai'
import type { Disk, DiskFile } from '../../lib/host/disk.js'
import type { ReadOptions } from '../../lib/log/contract.js'
import { PartitionLog } from '../../lib/log/partition-log.js'
import { ProducerSnapshots } from '../../lib/log/producer-snapshot.js'
import { ProducerStates } from '../../lib/log/producer-state.js'
import { firstFailure, patched } from './planting.js'

describe('the simulator finds planted faults', function () {
  this.timeout(60_000)

  it('duplicates that are taken for new batches', async () => {
    await patched(
      ProducerStates.prototype,
      'check',
      () => () => 0,
      async () => {
        expect(await firstFailure(40, { profile: 'memory' })).to.match(/is at offset \d+ and at \d+/)
      },
    )
  })

  it('records below a deleted start that are shown again', async () => {
    await patched(
      PartitionLog.prototype,
      'deleteRecordsTo',
      () => () => 0,
      async () => {
        expect(await firstFailure(40, { profile: 'memory' })).to.match(/was deleted|were deleted|shown again/)
      },
    )
  })

  it('a last stable offset that is off by one', async () => {
    const shifted = (original: () => number | null) =>
      function (this: never): number | null {
        const first = original.call(this)
        return first === null ? null : first + 1
      }
    await patched(PartitionLog.prototype, 'firstUnstableOffset', shifted, async () => {
      expect(await firstFailure(40, { profile: 'memory' })).to.match(
        /a committed reader was shown offset \d+ of transaction/,
      )
    })
  })

  it('a high watermark that is off by one', async () => {
    const shifted = (original: (offset: number, options: ReadOptions) => unknown) =>
      function (this: never, offset: number, options: ReadOptions): unknown {
        return original.call(this, offset, { ...options, upperBound: options.upperBound - 1 })
      }
    await patched(PartitionLog.prototype, 'read', shifted as never, async () => {
      expect(await firstFailure(40, { profile: 'memory' })).to.match(/gives nothing at|missing/)
    })
  })

  it('a snapshot of producers that is lost but believed', async () => {
    const forgetful = (original: (from: number, to: number, producers: ProducerStates) => number) =>
      function (this: never, from: number, to: number, producers: ProducerStates): number {
        const offset = original.call(this, from, to, producers)
        producers.clear()
        return offset
      }
    await patched(ProducerSnapshots.prototype, 'restore', forgetful, async () => {
      expect(await firstFailure(60, { profile: 'kill' })).to.match(
        /is at offset \d+ and at \d+|committed reader|got OUT_OF_ORDER_SEQUENCE_NUMBER/,
      )
    })
  })

  it('a sync that is skipped', async () => {
    const lying = (disk: Disk): Disk => wrapFiles(disk, (file) => instead(file, 'sync', async () => {}))
    expect(await firstFailure(40, { profile: 'synced', wrapDisk: lying })).to.match(
      /was acknowledged at offset \d+, but the disk ends at/,
    )
  })
})

/** A thing with one method replaced. */
function instead<T extends object>(thing: T, name: keyof T, method: unknown): T {
  return new Proxy(thing, {
    get(target, property) {
      if (property === name) return method
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? (value as (...args: never[]) => unknown).bind(target) : value
    },
  })
}

function wrapFiles(disk: Disk, wrap: (file: DiskFile) => DiskFile): Disk {
  return instead(disk, 'open', (path: string, options?: { create?: boolean }) => wrap(disk.open(path, options)))
}
