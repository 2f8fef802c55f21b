import { expect } from 'chai'
import { ErrorCode, FindCoordinator } from '../../protocol/index.js'
import { GroupBroker, versions } from '../support/group-broker.js'

const HERE = { nodeId: 1, host: 'host-1', port: 9092 }
const NOWHERE = { nodeId: -1, host: '', port: -1 }

describe('server/10-find-coordinator', () => {
  for (const version of versions(0, 3)) {
    it(`finds one coordinator in v${version}`, () => {
      const broker = new GroupBroker()
      const ask = (key: string, keyType = 0) => broker.now(FindCoordinator, version, { key, keyType })
      expect(ask('g')).to.include({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, ...NOWHERE })
      broker.start()
      for (const key of ['g', '']) expect(ask(key)).to.include({ errorCode: ErrorCode.NONE, ...HERE })
      if (version === 0) return
      expect(ask('g').errorMessage).to.equal('NONE')
      expect(ask('g', 5)).to.include({ errorCode: ErrorCode.INVALID_REQUEST, ...NOWHERE })
      expect(ask('g:t:0', 2)).to.include({ errorCode: ErrorCode.INVALID_REQUEST })
    })
  }

  for (const version of versions(4, 6)) {
    it(`finds several in v${version}`, () => {
      const broker = new GroupBroker().start()
      const ask = (keyType: number, coordinatorKeys = ['g', '']) =>
        broker.now(FindCoordinator, version, { keyType, coordinatorKeys }).coordinators
      const good = { errorCode: ErrorCode.NONE, errorMessage: '', ...HERE }
      expect(ask(0)).to.deep.equal([
        { key: 'g', ...good },
        { key: '', ...good },
      ])
      expect(ask(9).map(({ errorCode }) => errorCode)).to.deep.equal([
        ErrorCode.INVALID_REQUEST,
        ErrorCode.INVALID_REQUEST,
      ])
      const share = version < 6 ? ErrorCode.INVALID_REQUEST : ErrorCode.COORDINATOR_NOT_AVAILABLE
      const id = 'PopWUqWiTgiQCCxfMlhwRA'
      for (const key of [`g:${id}:0`, `a:b:${id}:12`]) expect(ask(2, [key])[0]!.errorCode, key).to.equal(share)
      const bad = ['g', '', `${id}:0`, `:${id}:0`, ` :${id}:0`, `g:${id}:x`, `g:${id}`, 'g:t:0']
      for (const key of bad) expect(ask(2, [key])[0]!.errorCode, key).to.equal(ErrorCode.INVALID_REQUEST)
    })
  }

  it('finds the coordinator of a transactional id: the leader of its partition of __transaction_state', () => {
    const broker = new GroupBroker().start()
    const ask = () => broker.now(FindCoordinator, 2, { key: 'tx', keyType: 1 })
    expect(ask()).to.include({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, ...NOWHERE })
    broker.replicas.createTopic('__transaction_state', { partitions: 3 })
    expect(ask()).to.include({ errorCode: ErrorCode.NONE, ...HERE })
  })
})
