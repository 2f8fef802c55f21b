import { expect } from 'chai'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import * as header from '../../protocol/batch/header.js'
import { makeLog, readAll, type TestLog } from './support/harness.js'

const SEGMENT = 't-0/00000000000000000000.log'

/** Two segments, offsets 0 to 2 and 3; damage is done to the second batch of the first one, which no CRC check looks at. */
async function damaged(harm: (batch: Buffer) => void): Promise<TestLog> {
  const disk = new MemoryDisk()
  const t = makeLog(disk)
  for (const value of ['a', 'b', 'c']) t.produce([{ value }])
  t.log.roll(t.clock.now())
  t.produce([{ value: 'd' }])
  await t.log.close()
  const bytes = disk.readFile(SEGMENT)!
  harm(bytes.subarray(header.sizeInBytes(bytes)))
  disk.writeFile(SEGMENT, bytes)
  await t.reopen()
  return t
}

/** Found by `make fuzz`: readers were sent past everything behind the damage, or the log did not open. */
describe('opening a log with damage in an older segment', () => {
  const cases: Record<string, (batch: Buffer) => void> = {
    'a base offset beyond the next segment': (batch) => header.pokeInt64(batch, header.BASE_OFFSET, 549_755_813_703),
    'a base offset beyond 2^53': (batch) => header.pokeInt64(batch, header.BASE_OFFSET, 2 ** 60),
    'a negative last offset delta': (batch) => header.pokeInt32(batch, header.LAST_OFFSET_DELTA, -889_192_390),
    'a control bit without a marker': (batch) => {
      batch[header.ATTRIBUTES + 1] = header.CONTROL_BIT
      header.pokeInt64(batch, header.PRODUCER_ID, 7)
    },
  }
  for (const [name, harm] of Object.entries(cases)) {
    it(`ends that segment there, and no other: ${name}`, async () => {
      const t = await damaged(harm)
      expect(await readAll(t.log)).to.deep.equal([
        { offset: 0, value: 'a' },
        { offset: 3, value: 'd' },
      ])
      expect(t.produce([{ value: 'e' }]).baseOffset).to.equal(4)
      await t.log.close()
    })
  }
})
