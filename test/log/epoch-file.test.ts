import { expect } from 'chai'
import type { Disk } from '../../lib/host/disk.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { EpochFile } from '../../lib/log/epoch-file.js'
import { LeaderEpochs } from '../../lib/log/leader-epochs.js'

/** A disk whose syncs end when `letGo` is called. */
function holding(inner: Disk): { disk: Disk; letGo: () => void } {
  let letGo = (): void => {}
  const held = new Promise<void>((resolve) => (letGo = resolve))
  const disk = new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        const result: unknown = value.apply(target, args)
        if (name === 'open') (result as { sync(): Promise<void> }).sync = () => held
        return result
      }
    },
  })
  return { disk, letGo }
}

const epochs = (epoch: number): LeaderEpochs => {
  const made = new LeaderEpochs()
  made.assign(epoch, 0)
  return made
}

describe('log/epoch-file', () => {
  it('is written when its epochs have changed, and read back', async () => {
    const disk = new MemoryDisk()
    disk.makeFolder('t-0')
    const known = epochs(3)
    const file = new EpochFile(disk, 't-0', known)
    expect(file.read()).to.equal(null)
    await file.save()
    expect(file.read()).to.deep.equal([{ epoch: 3, startOffset: 0 }])
    disk.remove(file.path)
    await file.save()
    expect(file.read()).to.equal(null)
    known.assign(4, 7)
    await file.save()
    expect(file.read()).to.have.length(2)
  })

  it('of a log that is deleted while it is being written does not get in the way of the next one', async () => {
    const inner = new MemoryDisk()
    inner.makeFolder('t-0')
    const { disk, letGo } = holding(inner)
    const old = new EpochFile(disk, 't-0', epochs(3))
    const saving = old.save()
    old.abandon()
    inner.rename('t-0', 't-0.x-delete')
    inner.makeFolder('t-0')
    // The next log is just writing its own.
    inner.writeFile('t-0/leader-epoch-checkpoint.tmp', Buffer.from('half'))
    letGo()
    await saving
    expect(inner.list('t-0')).to.deep.equal(['leader-epoch-checkpoint.tmp'])
    await old.save()
    expect(inner.list('t-0')).to.deep.equal(['leader-epoch-checkpoint.tmp'])
  })
})
