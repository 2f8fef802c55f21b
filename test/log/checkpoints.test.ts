import { expect } from 'chai'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import {
  CheckpointError,
  epochCheckpoint,
  OffsetCheckpointFile,
  readEpochCheckpoint,
  readOffsetCheckpoint,
} from '../../lib/log/checkpoints.js'

describe('log/checkpoints', () => {
  const disk = new MemoryDisk()
  const put = (text: string) => disk.writeFile('file', Buffer.from(text))
  const offsets = (text: string) => {
    put(text)
    return readOffsetCheckpoint(disk, 'file')
  }
  const epochs = (text: string) => {
    put(text)
    return readEpochCheckpoint(disk, 'file')
  }

  it("writes Kafka's text and reads it back", () => {
    const entries = [
      { topic: 'a.b-c', partition: 0, offset: 12 },
      { topic: '__consumer_offsets', partition: 49, offset: 2 ** 52 },
    ]
    const file = new OffsetCheckpointFile(disk, 'file')
    file.writeNow(entries)
    expect(disk.readFile('file')!.toString()).to.equal('0\n2\na.b-c 0 12\n__consumer_offsets 49 4503599627370496\n')
    expect(readOffsetCheckpoint(disk, 'file')).to.deep.equal(entries)
    const list = [
      { epoch: 0, startOffset: 0 },
      { epoch: 7, startOffset: 30 },
    ]
    expect(epochCheckpoint(list).toString()).to.equal('0\n2\n0 0\n7 30\n')
    expect(epochs(epochCheckpoint(list).toString())).to.deep.equal(list)
    file.writeNow([])
    expect(readOffsetCheckpoint(disk, 'file')).to.deep.equal([])
  })

  it('is durable when the promise says so, also when newer contents are asked for meanwhile', async () => {
    const slow = new MemoryDisk()
    const syncs: (() => void)[] = []
    const open = slow.open.bind(slow)
    slow.open = (...args) => {
      const file = open(...args)
      return Object.assign(Object.create(file), {
        append: file.append.bind(file),
        close: file.close.bind(file),
        sync: () => new Promise<void>((resolve) => syncs.push(resolve)),
      })
    }
    const settled = () => new Promise((resolve) => setImmediate(resolve))
    const file = new OffsetCheckpointFile(slow, 'file')
    const told: string[] = []
    const write = (offset: number) =>
      file.write([{ topic: 't', partition: 0, offset }]).then(() => {
        told.push(`${offset}: ${readOffsetCheckpoint(slow, 'file')![0]!.offset}`)
      })
    const all = [write(1), write(2)]
    await settled()
    all.push(write(3))
    await settled()
    expect(told).to.deep.equal([])
    syncs.shift()!()
    await settled()
    expect(told, 'the first gave way to the second').to.have.members(['1: 2', '2: 2'])
    syncs.shift()!()
    await Promise.all(all)
    expect(told.at(-1)).to.equal('3: 3')
  })

  it('does not undo what was written at once meanwhile', async () => {
    const file = new OffsetCheckpointFile(disk, 'file')
    const older = file.write([{ topic: 't', partition: 0, offset: 1 }])
    file.writeNow([{ topic: 't', partition: 0, offset: 2 }])
    await older
    expect(readOffsetCheckpoint(disk, 'file')).to.deep.equal([{ topic: 't', partition: 0, offset: 2 }])
  })

  it('takes what editors and other systems make of it', () => {
    const one = [{ topic: 't', partition: 1, offset: 2 }]
    for (const text of ['0\n1\nt 1 2', '0\r\n1\r\nt 1 2\r\n', '0\n1\n  t\t1  2 \n\n\n']) {
      expect(offsets(text), text).to.deep.equal(one)
    }
    expect(offsets('')).to.deep.equal([])
    expect(readOffsetCheckpoint(disk, 'nowhere')).to.equal(null)
  })

  it('says file and line of what is wrong', () => {
    const cases: [read: (text: string) => unknown, text: string, line: number, problem: RegExp][] = [
      [offsets, 'x\n0\n', 1, /'x'/],
      [offsets, '1\n0\n', 1, /version 1/],
      [offsets, '0\n', 2, /''/],
      [offsets, '0\n-1\n', 2, /'-1'/],
      [offsets, '0\n2\nt 0 1\n', 3, /2 entries, there are 1/],
      [offsets, '0\n1\nt 0 1\nt 1 1\n', 4, /1 entries, there are 2/],
      [offsets, '0\n2\nt 0 1\nt 1\n', 4, /a topic, a partition and an offset/],
      [offsets, '0\n1\nt 0 1e3\n', 3, /'1e3'/],
      [offsets, '0\n1\nt 0 99999999999999999999\n', 3, /'9+'/],
      [epochs, '0\n1\n1\n', 3, /an epoch and its start/],
      [epochs, '0\n2\n1 5\n1 6\n', 4, /rise/],
      [epochs, '0\n2\n1 5\n2 5\n', 4, /rise/],
    ]
    for (const [read, text, line, problem] of cases) {
      expect(() => read(text), JSON.stringify(text))
        .to.throw(CheckpointError, problem)
        .with.property('line', line)
      expect(() => read(text)).to.throw(/^file is damaged in line/)
    }
  })
})
