import { expect } from 'chai'
import { complaintsOf } from '../../compat/tools/tool-box.js'

describe('crash/files', () => {
  const mismatch = 'Found timestamp mismatch in :/data/t-0/0.timeindex'

  it('hears what kafka-dump-log complains of', () => {
    expect(complaintsOf('Dumping /data/t-0/0.index\noffset: 3 position: 4711\n')).to.deep.equal([])
    const output = `Dumping x\n${mismatch}\n  Index timestamp: 5, log timestamp: 4\nDumping y\nbaseOffset: 1 isvalid: false\n`
    expect(complaintsOf(output)).to.deep.equal([mismatch, 'baseOffset: 1 isvalid: false'])
    expect(complaintsOf(mismatch)).to.deep.equal([mismatch])
  })

  it('lets a batch pass of which compaction has left no record: the tool finds no time in it', () => {
    const empty = '  Index timestamp: 5, log timestamp: -1'
    expect(complaintsOf(`${mismatch}\n${empty}\nDumping y\n`)).to.deep.equal([])
    expect(complaintsOf(`${mismatch}\n${empty}\n${empty}`)).to.deep.equal([])
    expect(complaintsOf(`${mismatch}\n${empty}\n  Index timestamp: 6, log timestamp: 7\n`)).to.deep.equal([mismatch])
  })
})
