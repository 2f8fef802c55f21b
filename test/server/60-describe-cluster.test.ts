import { expect } from 'chai'
import { DescribeCluster, ErrorCode } from '../../protocol/index.js'
import { AdminBroker } from '../support/admin-broker.js'

describe('server/60-describe-cluster', () => {
  let broker: AdminBroker
  before(async () => {
    broker = await AdminBroker.start({ clusterId: 'abcdefghijklmnopqrstuv', config: { 'broker.rack': 'r1' } })
  })
  after(() => broker.close())

  it('names the brokers and the controller in every version', async () => {
    for (const version of [0, 1, 2]) {
      const answer = await broker.send(DescribeCluster, version, { includeClusterAuthorizedOperations: version === 1 })
      expect(answer).to.include({
        errorCode: 0,
        errorMessage: null,
        clusterId: 'abcdefghijklmnopqrstuv',
        controllerId: 1,
      })
      expect(answer.brokers).to.have.length(1)
      expect(answer.brokers[0]).to.include({ brokerId: 1, host: '127.0.0.1', rack: 'r1', isFenced: false })
      expect(answer.clusterAuthorizedOperations === -2147483648).to.equal(version !== 1)
    }
  })

  it('knows only brokers as endpoints', async () => {
    const errorOf = async (endpointType: number) => (await broker.send(DescribeCluster, 1, { endpointType })).errorCode
    expect(await errorOf(2)).to.equal(ErrorCode.MISMATCHED_ENDPOINT_TYPE)
    expect(await errorOf(7)).to.equal(ErrorCode.UNSUPPORTED_ENDPOINT_TYPE)
  })
})
