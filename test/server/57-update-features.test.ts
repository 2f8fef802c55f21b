import { expect } from 'chai'
import { ApiVersions, ErrorCode, type RequestInput, UpdateFeatures } from '../../protocol/index.js'
import { AdminBroker } from '../support/admin-broker.js'

type Update = NonNullable<RequestInput<typeof UpdateFeatures>['featureUpdates']>[number]

describe('server/57-update-features', () => {
  let broker: AdminBroker
  beforeEach(async () => {
    broker = await AdminBroker.start()
  })
  afterEach(() => broker.close())

  const update = (featureUpdates: Update[], version = 2, validateOnly = false) =>
    broker.send(UpdateFeatures, version, { featureUpdates, timeoutMs: 1000, validateOnly })
  const errorOf = async (...updates: Update[]) => (await update(updates)).errorCode
  const level = async (name: string) => {
    const request = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }
    const { finalizedFeatures } = await broker.send(ApiVersions, 4, request)
    return finalizedFeatures.find((feature) => feature.name === name)?.maxVersionLevel ?? 0
  }
  const group = (maxVersionLevel: number, upgradeType: number): Update => ({
    feature: 'group.version',
    maxVersionLevel,
    upgradeType,
  })

  it('takes a feature down and up in every version', async () => {
    const down = { feature: 'group.version', maxVersionLevel: 0, allowDowngrade: true }
    const first = await update([down], 0)
    expect(first).to.include({ errorCode: 0, errorMessage: null })
    expect(first.results).to.deep.equal([{ feature: 'group.version', errorCode: 0, errorMessage: 'NONE' }])
    expect(await level('group.version')).to.equal(0)
    expect((await update([group(1, 1)], 1)).results).to.have.length(1)
    expect(await level('group.version')).to.equal(1)
    expect((await update([group(0, 3)], 2)).results).to.deep.equal([])
    expect(await level('group.version')).to.equal(0)
  })

  it('changes nothing when one of them cannot be changed', async () => {
    const answer = await update([group(0, 2), { feature: 'nonsense', maxVersionLevel: 1, upgradeType: 1 }], 1)
    expect(answer.errorCode).to.equal(ErrorCode.INVALID_UPDATE_VERSION)
    expect(answer.errorMessage).to.include('nonsense')
    expect(await level('group.version')).to.equal(1)
  })

  it('refuses wrong ways and levels', async () => {
    const invalid = ErrorCode.INVALID_UPDATE_VERSION
    expect(await errorOf(group(0, 1)), 'down as an upgrade').to.equal(invalid)
    expect(await errorOf(group(2, 1)), 'beyond').to.equal(invalid)
    expect(await errorOf(group(-1, 1)), 'negative').to.equal(invalid)
    expect(await errorOf(group(1, 0)), 'unknown type').to.equal(invalid)
    expect(await errorOf(group(1, 1)), 'same').to.equal(ErrorCode.NONE)
    await update([group(0, 2)])
    expect(await errorOf(group(1, 2)), 'up as a downgrade').to.equal(invalid)
    expect(await errorOf({ feature: 'metadata.version', maxVersionLevel: 32, upgradeType: 2 })).to.equal(invalid)
    expect(await errorOf({ feature: 'metadata.version', maxVersionLevel: 0, upgradeType: 2 })).to.equal(invalid)
    expect(await errorOf({ feature: 'kraft.version', maxVersionLevel: 1, upgradeType: 1 })).to.equal(invalid)
    expect(await errorOf(group(0, 2), group(9, 1)), 'what is said last counts').to.equal(invalid)
    expect(await errorOf(group(9, 1), group(1, 1)), 'also when it is right').to.equal(ErrorCode.NONE)
  })

  it('only validates when asked to', async () => {
    expect((await update([group(0, 2)], 2, true)).errorCode).to.equal(0)
    expect(await level('group.version')).to.equal(1)
  })
})
