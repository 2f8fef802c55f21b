import { expect } from 'chai'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import * as header from '../../protocol/batch/header.js'
import { ErrorCode } from '../../protocol/errors.js'
import { makeLog, type TestLog } from './support/harness.js'

const SEGMENT = 't-0/00000000000000000000.log'

/** Two segments, offsets 0 to 2 and 3; damage is done to the second batch of the first one. */
async function damaged(harm: (batch: Buffer) => void): Promise<{ t: TestLog; bytes: Buffer; disk: MemoryDisk }> {
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
  return { t, bytes, disk }
}

/** Found by `make fuzz`: readers were sent past everything behind the damage, or the log did not open. */
describe('opening a log with damage in the middle', () => {
  const cases: Record<string, (batch: Buffer) => void> = {
    'a base offset beyond the next segment': (batch) => header.pokeInt64(batch, header.BASE_OFFSET, 549_755_813_703),
    'a base offset beyond 2^53': (batch) => header.pokeInt64(batch, header.BASE_OFFSET, 2 ** 60),
    'a negative last offset delta': (batch) => header.pokeInt32(batch, header.LAST_OFFSET_DELTA, -889_192_390),
    'a length beyond the file': (batch) => header.pokeInt32(batch, header.BATCH_LENGTH, 1_000_000),
    'a length of nothing': (batch) => header.pokeInt32(batch, header.BATCH_LENGTH, 0),
    'a control bit without a marker': (batch) => {
      batch[header.ATTRIBUTES + 1] = header.CONTROL_BIT
      header.pokeInt64(batch, header.PRODUCER_ID, 7)
    },
  }
  for (const [name, harm] of Object.entries(cases)) {
    it(`takes it offline, says where, and changes nothing: ${name}`, async () => {
      const { t, bytes, disk } = await damaged(harm)
      expect(t.log.offline).to.equal(true)
      expect(t.produce([{ value: 'e' }]).errorCode).to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
      expect(t.said.join('\n')).to.match(
        /00000000000000000000\.log at byte \d+ (is damaged in the middle: .*from byte \d+ on|has a whole batch)/,
      )
      expect(disk.readFile(SEGMENT)!.equals(bytes)).to.equal(true)
      await t.log.close()
    })
  }

  it('takes no damaged base offset of the last batch for a torn write', async () => {
    const disk = new MemoryDisk()
    const t = makeLog(disk)
    for (const value of ['a', 'b']) t.produce([{ value }])
    await t.log.close()
    const bytes = disk.readFile(SEGMENT)!
    bytes[bytes.length / 2 + 1]! ^= 1
    disk.writeFile(SEGMENT, bytes)
    await t.reopen()
    expect(t.log.offline).to.equal(true)
    expect(t.said.join()).to.match(/\.log at byte \d+ has a whole batch that does not continue offset 1/)
    expect(disk.readFile(SEGMENT)!.equals(bytes)).to.equal(true)
    await t.log.close()
  })
})
