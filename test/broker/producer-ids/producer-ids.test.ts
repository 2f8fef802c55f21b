import { expect } from 'chai'
import { type NewProducerId, type ProducerIdBlock, ProducerIds } from '../../../lib/broker/producer-ids/producer-ids.js'
import { silentLogger } from '../../../lib/host/logger.js'
import { ErrorCode } from '../../../protocol/errors.js'

/** Blocks of ten that are given when the test says so. */
function setUp() {
  const asked: { give(errorCode?: ErrorCode): void; fail(): void }[] = []
  let firstProducerId = 0
  const allocate = () =>
    new Promise<ProducerIdBlock>((resolve, reject) => {
      asked.push({
        give(errorCode = ErrorCode.NONE) {
          resolve(errorCode === ErrorCode.NONE ? { errorCode, firstProducerId, count: 10 } : { ...none, errorCode })
          if (errorCode === ErrorCode.NONE) firstProducerId += 100
        },
        fail: () => reject(new Error('a bug')),
      })
    })
  const ids = new ProducerIds({ allocate, logger: silentLogger })
  return { asked, ids }
}
const none = { firstProducerId: -1, count: 0 }
const gave = (producerId: number): NewProducerId => ({ errorCode: ErrorCode.NONE, producerId })
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('broker/producer-ids', () => {
  it('waits for the first block, then answers in the same turn and asks ahead of its end', async () => {
    const { asked, ids } = setUp()
    const first = [ids.next(), ids.next()]
    expect(asked).to.have.length(1)
    asked[0]!.give()
    expect(await Promise.all(first)).to.deep.equal([gave(0), gave(1)])
    for (let id = 2; id < 8; id++) expect(ids.next()).to.deep.equal(gave(id))
    expect(asked).to.have.length(1)
    expect(ids.next()).to.deep.equal(gave(8))
    expect(asked, 'one is left').to.have.length(2)
    asked[1]!.give()
    await turn()
    expect([ids.next(), ids.next()]).to.deep.equal([gave(9), gave(100)])
  })

  it('serves everybody who waits, over as many blocks as it takes, each id once', async () => {
    const { asked, ids } = setUp()
    const waiting = Array.from({ length: 25 }, () => ids.next())
    for (let block = 0; block < 3; block++) {
      asked[block]!.give()
      await turn()
    }
    const given = (await Promise.all(waiting)).map(({ producerId }) => producerId)
    expect(new Set(given).size).to.equal(25)
    expect(Math.max(...given)).to.equal(204)
  })

  it('tells clients to come again when the controller gives none, and asks it again then', async () => {
    const { asked, ids } = setUp()
    const refused = { errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, producerId: -1 }
    const one = ids.next()
    asked[0]!.give(ErrorCode.NOT_CONTROLLER)
    expect(await one).to.deep.equal(refused)
    const two = ids.next()
    asked[1]!.fail()
    expect(await two).to.deep.equal(refused)
    const three = ids.next()
    asked[2]!.give()
    expect(await three).to.deep.equal(gave(0))
  })
})
