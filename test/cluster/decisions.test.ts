/** Commands over a coordination engine that takes few records at once. */
import { expect } from 'chai'
import { Controller } from '../../lib/cluster/controller.js'
import type { Coordination } from '../../lib/cluster/coordination/coordination.js'
import { EmbeddedCoordination } from '../../lib/cluster/coordination/embedded.js'
import { silentLogger } from '../../lib/host/logger.js'
import { seededRandom } from '../../lib/host/random-sources.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { BrokerConfig } from '../../lib/metadata/broker-config.js'
import type { MetadataRecord } from '../../lib/metadata/records.js'
import { MetadataStore } from '../../lib/metadata/store.js'
import { ErrorCode } from '../../protocol/errors.js'

/** Batches that were appended, by their number of records. */
function limited(inner: Coordination, recordsMax: number, batches: number[]): Coordination {
  return new Proxy(inner, {
    get(target, name) {
      if (name !== 'append') {
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      }
      return async (records: readonly MetadataRecord[], epoch: number) => {
        if (records.length > recordsMax) return { errorCode: ErrorCode.RECORD_LIST_TOO_LARGE, offset: -1 }
        batches.push(records.length)
        return target.append(records, epoch)
      }
    },
  })
}

async function start(hub: EmbeddedCoordination, brokerId: number, recordsMax: number) {
  const batches: number[] = []
  const metadata = new MetadataStore({ brokerId, clusterId: hub.clusterId })
  const config = new BrokerConfig({ brokerId, profile: 'test' })
  const coordination = limited(hub.connect(brokerId), recordsMax, batches)
  const clock = new VirtualClock()
  const ports = { coordination, metadata, config, clock, random: seededRandom(brokerId), logger: silentLogger }
  const controller = new Controller({ brokerId }, ports)
  await controller.start()
  await controller.register({
    rack: null,
    endpoints: [{ name: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 'PLAINTEXT' }],
  })
  return { controller, metadata, batches }
}

const create = (controller: Controller, name: string, partitions: number, replicationFactor = 1) => {
  const topic = { name, numPartitions: partitions, replicationFactor, assignments: [], configs: [] }
  return controller.createTopics({ topics: [topic], validateOnly: false })
}

describe('cluster/decisions', () => {
  it('refuses the command that is too large, and appends its neighbours in batches that fit', async () => {
    const { controller, metadata, batches } = await start(new EmbeddedCoordination({ clusterId: 'c' }), 1, 20)
    batches.length = 0
    // A topic has a record of its own and one for each partition.
    const sizes = [3, 4, 100, 5, 6, 7, 21, 8, 9, 19]
    const outcomes = await Promise.all(sizes.map((partitions, index) => create(controller, `t${index}`, partitions)))
    const codes = outcomes.map(([one]) => one!.errorCode)
    expect(codes).to.deep.equal(sizes.map((size) => (size > 19 ? ErrorCode.POLICY_VIOLATION : ErrorCode.NONE)))
    expect(outcomes[2]![0]!.errorMessage).to.equal('The change is too large to be made at once: ask for less of it.')
    const made = sizes.map((_, index) => metadata.image.topicsByName.get(`t${index}`)?.partitions.length ?? 0)
    expect(made).to.deep.equal(sizes.map((size) => (size > 19 ? 0 : size)))
    for (const size of batches) expect(size).to.be.within(4, 20)
  })

  it('decides what came behind a refused command on what is really there', async () => {
    const { controller } = await start(new EmbeddedCoordination({ clusterId: 'c' }), 1, 20)
    const [refused, taken, twice] = await Promise.all([
      create(controller, 'same', 50),
      create(controller, 'same', 2),
      create(controller, 'same', 3),
    ])
    expect([refused, taken, twice].map((outcome) => outcome[0]!.errorCode)).to.deep.equal([
      ErrorCode.POLICY_VIOLATION,
      ErrorCode.NONE,
      ErrorCode.TOPIC_ALREADY_EXISTS,
    ])
  })

  it('a broker that goes away is taken out of more partitions than fit into one batch', async () => {
    const hub = new EmbeddedCoordination({ clusterId: 'c' })
    const one = await start(hub, 1, 20)
    const two = await start(hub, 2, 20)
    for (let index = 0; index < 6; index++) await create(one.controller, `t${index}`, 15, 2)
    await two.controller.close()
    // Behind what the controller does about it.
    await create(one.controller, 'later', 1)
    expect(one.metadata.image.brokers.get(2)!.fenced).to.equal(true)
    for (const { partitions } of one.metadata.image.topicsByName.values()) {
      for (const { leader, isr } of partitions) expect([leader, isr]).to.deep.equal([1, [1]])
    }
    for (const size of one.batches) expect(size).to.be.at.most(20)
  })
})
