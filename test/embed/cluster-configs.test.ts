/** Configs of brokers in a cluster: each is asked for its own, whoever is the controller. */
import { expect } from 'chai'
import { Cluster } from '../../lib/index.js'
import { AlterConfigs, DescribeConfigs, ErrorCode, IncrementalAlterConfigs } from '../../protocol/index.js'
import { RawClient } from '../support/raw-client.js'

const BROKER = 4
const NAME = 'log.retention.ms'

describe('embed/cluster: configs of brokers', () => {
  let cluster: Cluster
  before(async () => {
    cluster = await Cluster.create({ brokerIds: [101, 102, 103] })
  })
  after(() => cluster.close())

  async function through<T>(id: number, work: (client: RawClient) => Promise<T>): Promise<T> {
    const client = await RawClient.connect(cluster.brokers[cluster.brokerIds.indexOf(id)]!)
    try {
      return await work(client)
    } finally {
      client.close()
    }
  }

  for (const id of [101, 102, 103]) {
    it(`broker ${id} takes its own, and refuses those of another`, async () => {
      const other = id === 102 ? 103 : 102
      const resource = (name: number) => ({ resourceType: BROKER, resourceName: String(name) })
      const outcomes = await through(id, async (client) => {
        const set = { name: NAME, configOperation: 0, value: String(id * 10) }
        const resources = [resource(id), resource(other)].map((one) => ({ ...one, configs: [set] }))
        const altered = await client.send(IncrementalAlterConfigs, 1, { resources })
        const replaced = await client.send(AlterConfigs, 2, {
          resources: [{ ...resource(other), configs: [{ name: NAME, value: '1' }] }],
        })
        return [...altered.responses, ...replaced.responses].map(({ errorCode, errorMessage }) => [
          errorCode,
          errorMessage,
        ])
      })
      const refusal = [ErrorCode.INVALID_REQUEST, `This is broker ${id}; ask broker ${other} to change its configs.`]
      expect(outcomes).to.deep.equal([[ErrorCode.NONE, null], refusal, refusal])
      const described = await through(id, (client) =>
        client.send(DescribeConfigs, 4, { resources: [{ ...resource(id), configurationKeys: [NAME] }] }),
      )
      expect(described.results[0]!.configs[0]).to.include({ name: NAME, value: String(id * 10) })
    })
  }
})
