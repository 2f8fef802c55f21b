import { expect } from 'chai'
import { ErrorCode, IncrementalAlterConfigs, ListConfigResources } from '../../protocol/index.js'
import { AdminBroker } from '../support/admin-broker.js'

describe('server/74-list-config-resources', () => {
  let broker: AdminBroker
  before(async () => {
    broker = await AdminBroker.start()
    await broker.topic('t')
    const resource = (resourceType: number, resourceName: string, name: string) => ({
      resourceType,
      resourceName,
      configs: [{ name, configOperation: 0, value: '50000' }],
    })
    const resources = [resource(16, 'm', 'interval.ms'), resource(32, 'g', 'consumer.session.timeout.ms')]
    await broker.send(IncrementalAlterConfigs, 1, { resources })
  })
  after(() => broker.close())

  const list = async (version: number, resourceTypes: number[] = []) => {
    const { errorCode, configResources } = await broker.send(ListConfigResources, version, { resourceTypes })
    return [
      errorCode,
      ...configResources.map(({ resourceName, resourceType }) => `${resourceType}:${resourceName}`).sort(),
    ]
  }

  it('v0 knows client metrics only', async () => {
    expect(await list(0)).to.deep.equal([0, '16:m'])
  })

  it('v1 lists by type, everything without types', async () => {
    expect(await list(1)).to.deep.equal([0, '16:m', '2:t', '32:g', '4:1', '8:1'])
    expect(await list(1, [2, 32])).to.deep.equal([0, '2:t', '32:g'])
    expect(await list(1, [2, 1])).to.deep.equal([ErrorCode.UNSUPPORTED_VERSION])
  })
})
