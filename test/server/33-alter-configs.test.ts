import { expect } from 'chai'
import { AlterConfigs, DescribeConfigs, ErrorCode } from '../../protocol/index.js'
import { AdminBroker } from '../support/admin-broker.js'

describe('server/33-alter-configs', () => {
  let broker: AdminBroker
  before(async () => {
    broker = await AdminBroker.start()
    await broker.topic('t')
  })
  after(() => broker.close())

  const alter = async (
    configs: Record<string, string | null>,
    options: { version?: number; type?: number; name?: string; validateOnly?: boolean } = {},
  ) => {
    const { version = 2, type = 2, name = 't', validateOnly = false } = options
    const list = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    const resources = [{ resourceType: type, resourceName: name, configs: list }]
    const { responses } = await broker.send(AlterConfigs, version, { resources, validateOnly })
    return responses[0]?.errorCode
  }
  const own = async () => {
    const resources = [{ resourceType: 2, resourceName: 't', configurationKeys: null }]
    const { results } = await broker.send(DescribeConfigs, 4, { resources })
    const set = results[0]?.configs.filter(({ configSource }) => configSource === 1) ?? []
    return Object.fromEntries(set.map(({ name, value }) => [name, value]))
  }

  it('replaces the whole set in every version (behaviour 80)', async () => {
    for (const version of [0, 1, 2]) {
      expect(await alter({ 'retention.ms': '5', 'segment.ms': '6' }, { version })).to.equal(0)
      expect(await own()).to.deep.equal({ 'retention.ms': '5', 'segment.ms': '6' })
      expect(await alter({ 'segment.ms': '7' }, { version })).to.equal(0)
      expect(await own()).to.deep.equal({ 'segment.ms': '7' })
      expect(await alter({}, { version })).to.equal(0)
      expect(await own()).to.deep.equal({})
    }
  })

  it('refuses what does not hold, and changes nothing then', async () => {
    expect(await alter({ 'segment.ms': '7' })).to.equal(0)
    expect(await alter({ nonsense: '1' })).to.equal(ErrorCode.INVALID_CONFIG)
    expect(await alter({ 'retention.ms': null })).to.equal(ErrorCode.INVALID_REQUEST)
    expect(await alter({ 'retention.ms': '1' }, { name: 'unknown' })).to.equal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await alter({ root: 'DEBUG' }, { type: 8, name: '1' })).to.equal(ErrorCode.INVALID_REQUEST)
    expect(await alter({ 'retention.ms': '1' }, { validateOnly: true })).to.equal(0)
    expect(await own()).to.deep.equal({ 'segment.ms': '7' })
  })

  it('would take the cluster its min.insync.replicas, which ELR forbids', async () => {
    expect(await alter({}, { type: 4, name: '' })).to.equal(ErrorCode.INVALID_CONFIG)
    expect(await alter({ 'min.insync.replicas': '1' }, { type: 4, name: '' })).to.equal(0)
  })
})
