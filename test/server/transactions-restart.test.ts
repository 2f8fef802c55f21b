/** Transactions over a restart, clean or not: what was decided is carried out, what was open goes on, and nobody's identity is given twice. */
import { expect } from 'chai'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { DescribeTransactions, ErrorCode } from '../../protocol/index.js'
import { RunningNode } from '../support/running-node.js'
import { fetched, TransactionalProducer } from '../support/transactional.js'

describe('server/transactions over a restart', () => {
  let disk: MemoryDisk
  let node: RunningNode
  const start = () => RunningNode.start({ 'log.dirs': '/data' }, { disks: new Map([['/data', disk]]) })
  beforeEach(async () => {
    disk = new MemoryDisk()
    node = await start()
    await node.topic('t', { 'message.timestamp.before.max.ms': String(2 ** 52), 'segment.ms': String(2 ** 52) })
  })
  afterEach(() => node.close())
  const restart = async (end: 'close' | 'crash') => {
    // A process that is killed closes nothing; its disk is what it is.
    if (end === 'close') await node.close()
    node = await start()
  }
  /** The same producer, connected to the broker that runs now. */
  const reconnected = (before: TransactionalProducer) => {
    const again = new TransactionalProducer(node.client, before.transactionalId)
    return Object.assign(again, { producerId: before.producerId, producerEpoch: before.producerEpoch })
  }
  const stateOf = async (transactionalId: string) => {
    const { transactionStates } = await node.client.send(DescribeTransactions, 0, {
      transactionalIds: [transactionalId],
    })
    return transactionStates[0]!.transactionState
  }

  for (const end of ['close', 'crash'] as const) {
    it(`keeps what is open, what is over and who is who (${end})`, async () => {
      const committed = new TransactionalProducer(node.client, 'committed')
      const aborted = new TransactionalProducer(node.client, 'aborted')
      const open = new TransactionalProducer(node.client, 'open')
      for (const one of [committed, aborted, open]) {
        expect((await one.init()).errorCode).to.equal(0)
        expect((await one.produce(12, 't'))[0]).to.equal(0)
      }
      expect(await committed.end(5, true)).to.equal(0)
      expect(await aborted.end(5, false)).to.equal(0)
      await restart(end)

      expect([await stateOf('committed'), await stateOf('aborted'), await stateOf('open')]).to.deep.equal([
        'CompleteCommit',
        'CompleteAbort',
        'Ongoing',
      ])
      expect(await fetched(node.client, 't')).to.include({ highWatermark: 5, lastStableOffset: 2 })
      expect(await reconnected(open).end(5, true)).to.equal(0)
      const seen = await fetched(node.client, 't')
      expect(seen).to.include({ highWatermark: 6, lastStableOffset: 6 })
      expect(seen.abortedTransactions).to.deep.equal([{ producerId: aborted.producerId, firstOffset: 1 }])

      const next = new TransactionalProducer(node.client, 'committed')
      expect(await next.init()).to.include({ errorCode: 0, producerId: committed.producerId, producerEpoch: 2 })
      expect(await reconnected(committed).end(3, true)).to.equal(ErrorCode.PRODUCER_FENCED)
      const stranger = new TransactionalProducer(node.client, 'new')
      await stranger.init()
      expect([committed, aborted, open].map((one) => one.producerId)).to.not.include(stranger.producerId)
      expect(node.lines.filter(({ level }) => level === 'error')).to.deep.equal([])
    })
  }

  it('a transaction whose time ran out while nobody was there is aborted', async () => {
    const open = new TransactionalProducer(node.client, 'open')
    await open.init(5, { timeoutMs: 5000 })
    await open.produce(12, 't')
    await restart('close')
    node.clock.advance(30_000)
    expect(await fetched(node.client, 't')).to.include({ lastStableOffset: 2 })
    expect(await stateOf('open')).to.equal('CompleteAbort')
  })
})
