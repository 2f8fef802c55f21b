/** Every version of every API that ApiVersions shows, over TCP, with a request that succeeds. */
import { expect } from 'chai'
import { Broker } from '../../lib/embed/broker.js'
import { ApiTable } from '../../lib/server/api-table.js'
import { ApiVersions, Produce } from '../../protocol/index.js'
import { clusterCases } from './versions/cluster-cases.js'
import { groupCases } from './versions/group-cases.js'
import { logCases } from './versions/log-cases.js'
import { transactionCases } from './versions/transaction-cases.js'
import { type VersionCase, World } from './versions/world.js'

const cases: ReadonlyMap<number, VersionCase> = new Map([
  ...logCases,
  ...groupCases,
  ...clusterCases,
  ...transactionCases,
])

describe('server/every-version', () => {
  let broker: Broker
  let world: World
  before(async () => {
    broker = await Broker.create()
    world = await World.on(broker)
  })
  after(async () => {
    world.client.close()
    await broker.close()
  })

  it('has a case for every API that is advertised, and for no other', async () => {
    const { apiKeys } = await world.send(ApiVersions, 0, {})
    const advertised = apiKeys.map((row) => row.apiKey)
    expect([...cases.keys()].sort((one, other) => one - other)).to.deep.equal(advertised)
  })

  it('serves every stable version of Kafka’s of each; Produce is shown from 0 although served from 3 (KAFKA-18659)', async () => {
    const { apiKeys } = await world.send(ApiVersions, 0, {})
    const stable = new ApiTable().rows.map(({ message }) => ({
      apiKey: message.key,
      minVersion: message.key === Produce.key ? 0 : message.stableVersions.low,
      maxVersion: message.stableVersions.high,
    }))
    expect(apiKeys).to.deep.equal(stable)
  })

  for (const { message, minVersion, maxVersion } of new ApiTable().rows) {
    it(`${message.key} ${message.name} v${minVersion}-${maxVersion}`, async () => {
      for (let version = minVersion; version <= maxVersion; version++) {
        try {
          await cases.get(message.key)?.(world, version)
        } catch (error) {
          if (error instanceof Error) error.message = `v${version}: ${error.message}`
          throw error
        }
      }
    })
  }
})
