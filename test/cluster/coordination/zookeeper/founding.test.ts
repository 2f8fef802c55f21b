import { expect } from 'chai'
import { persistently } from '../../../../lib/cluster/coordination/zookeeper/founding.js'
import { ZooKeeperError } from '../../../../lib/cluster/coordination/zookeeper/operations.js'
import { VirtualClock } from '../../../../lib/host/virtual-clock.js'

describe('cluster/coordination/zookeeper/founding', () => {
  it('does again what a lost connection or session has broken, and nothing else', async () => {
    const clock = new VirtualClock()
    const failures = ['CONNECTION_LOSS', 'SESSION_EXPIRED', 'CONNECTION_LOSS'] as const
    let attempts = 0
    const done = persistently(
      async () => {
        const code = failures[attempts++]
        if (code !== undefined) throw new ZooKeeperError(code, 'The connection to ZooKeeper ended.')
        return 'made'
      },
      { clock, isOver: () => false },
    )
    for (let round = 0; round < failures.length; round++) {
      await new Promise(setImmediate)
      clock.advance(1000)
    }
    expect(await done).to.equal('made')
    expect(attempts).to.equal(4)
  })

  it('gives up what is refused, and everything once it is over', async () => {
    const clock = new VirtualClock()
    const failing = (code: ZooKeeperError['code'], isOver: boolean) =>
      persistently(
        async () => {
          throw new ZooKeeperError(code, 'no')
        },
        { clock, isOver: () => isOver },
      ).then(
        () => 'done',
        (error: ZooKeeperError) => error.code,
      )
    expect(await failing('NO_AUTH', false)).to.equal('NO_AUTH')
    expect(await failing('CONNECTION_LOSS', true)).to.equal('CONNECTION_LOSS')
  })
})
