import { expect } from 'chai'
import fc from 'fast-check'
import { apply, applyAll } from '../../lib/metadata/apply.js'
import { deltaBetween } from '../../lib/metadata/delta.js'
import { emptyImage, type Image, resourceConfigs } from '../../lib/metadata/image.js'
import { LayeredMap } from '../../lib/metadata/layered-map.js'
import type { MetadataRecord, PartitionRecord } from '../../lib/metadata/records.js'
import { imageToRecords } from '../../lib/metadata/snapshot.js'

const id = (n: number) => `topic${String(n).padStart(17, '0')}`

function partition(topicId: string, partitionId: number, replicas = [1]): PartitionRecord {
  return {
    type: 'PartitionRecord',
    partitionId,
    topicId,
    replicas,
    isr: replicas,
    addingReplicas: [],
    removingReplicas: [],
    leader: replicas[0] ?? -1,
    leaderEpoch: 0,
    partitionEpoch: 0,
  }
}

function topic(name: string, topicId: string, partitions = 1, replicas = [1]): MetadataRecord[] {
  const records: MetadataRecord[] = [{ type: 'TopicRecord', name, topicId }]
  for (let i = 0; i < partitions; i++) records.push(partition(topicId, i, replicas))
  return records
}

const start = emptyImage('cluster')

describe('metadata/apply', () => {
  it('makes topics, counts offsets and leaves the image before it alone', () => {
    const image = applyAll(start, topic('a', id(1), 2))
    expect(image.version).to.equal(2)
    expect(image.topicsByName.get('a')?.partitions).to.have.length(2)
    expect(image.topicsById.get(id(1))).to.equal(image.topicsByName.get('a'))
    expect(start.topicsByName.size).to.equal(0)
  })

  it('raises the leader epoch with a leader, the partition epoch always', () => {
    const image = applyAll(start, topic('a', id(1), 1, [1, 2]))
    const isr = apply(image, { type: 'PartitionChangeRecord', partitionId: 0, topicId: id(1), isr: [1] })
    expect(isr.topicsByName.get('a')?.partitions[0]).to.include({ leader: 1, leaderEpoch: 0, partitionEpoch: 1 })
    const led = apply(isr, { type: 'PartitionChangeRecord', partitionId: 0, topicId: id(1), leader: 2 })
    expect(led.topicsByName.get('a')?.partitions[0]).to.include({ leader: 2, leaderEpoch: 1, partitionEpoch: 2 })
    expect(image.topicsByName.get('a')?.partitions[0]).to.include({ leader: 1, partitionEpoch: 0 })
  })

  it('removes a topic with its configs and keeps a newer topic of the same name', () => {
    const config: MetadataRecord = {
      type: 'ConfigRecord',
      resourceType: 2,
      resourceName: 'a',
      name: 'retention.ms',
      value: '1',
    }
    const image = applyAll(start, [...topic('a', id(1)), config])
    expect(resourceConfigs(image, 2, 'a').get('retention.ms')).to.equal('1')
    const gone = apply(image, { type: 'RemoveTopicRecord', topicId: id(1) })
    expect(gone.topicsByName.has('a')).to.equal(false)
    expect(resourceConfigs(gone, 2, 'a').size).to.equal(0)
    expect(resourceConfigs(image, 2, 'a').size).to.equal(1)
  })

  it('ignores records of an earlier life of a broker', () => {
    const register: MetadataRecord = {
      type: 'RegisterBrokerRecord',
      brokerId: 1,
      incarnationId: id(9),
      brokerEpoch: 5,
      endPoints: [{ name: 'PLAINTEXT', host: 'h', port: 1, securityProtocol: 0 }],
      features: [],
      rack: null,
      fenced: true,
    }
    const image = apply(start, register)
    expect(apply(image, { type: 'UnfenceBrokerRecord', id: 1, epoch: 4 }).brokers.get(1)?.fenced).to.equal(true)
    expect(apply(image, { type: 'UnfenceBrokerRecord', id: 1, epoch: 5 }).brokers.get(1)?.fenced).to.equal(false)
  })

  it('a snapshot rebuilds the image', () => {
    const image = applyAll(start, [
      ...topic('a', id(1), 3, [1, 2]),
      ...topic('b', id(2)),
      { type: 'ConfigRecord', resourceType: 4, resourceName: '', name: 'min.insync.replicas', value: '1' },
      { type: 'FeatureLevelRecord', name: 'metadata.version', featureLevel: 33 },
      { type: 'ProducerIdsRecord', brokerId: 1, brokerEpoch: 1, nextProducerId: 1000 },
    ])
    const copy = applyAll(emptyImage('cluster'), imageToRecords(image))
    expect(plain(copy)).to.deep.equal(plain(image))
  })

  it('finds what changed for a broker', () => {
    const before = applyAll(start, [...topic('a', id(1), 1, [1, 2]), ...topic('b', id(2), 1, [2])])
    const after = applyAll(before, [
      { type: 'RemoveTopicRecord', topicId: id(2) },
      ...topic('c', id(3), 2, [2, 1]),
      { type: 'PartitionChangeRecord', partitionId: 0, topicId: id(1), leader: 2 },
      { type: 'ConfigRecord', resourceType: 2, resourceName: 'a', name: 'retention.ms', value: '1' },
    ])
    const two = deltaBetween(before, after, 2)
    expect(two.createdTopics.map((t) => t.name)).to.deep.equal(['c'])
    expect(two.deletedTopics.map((t) => t.name)).to.deep.equal(['b'])
    expect(two.led.map((c) => [c.topic.name, c.partition.partition])).to.deep.equal([
      ['a', 0],
      ['c', 0],
      ['c', 1],
    ])
    expect(two.removed.map((c) => c.topic.name)).to.deep.equal(['b'])
    expect(two.configs).to.deep.equal([{ type: 2, name: 'a' }])
    const one = deltaBetween(before, after, 1)
    expect(one.followed.map((c) => c.topic.name)).to.deep.equal(['a', 'c', 'c'])
  })

  it('costs no copy of ten thousand topics per change', () => {
    let image = start
    for (let i = 0; i < 10_000; i++) image = applyAll(image, topic(`t${i}`, id(i)))
    expect(image.topicsByName.size).to.equal(10_000)
    expect([...image.topicsById.keys()]).to.have.length(10_000)
  }).timeout(3000)
})

describe('metadata/layered-map', () => {
  it('behaves as a native map under any changes, and every version stays as it was', () => {
    const change = fc.tuple(fc.integer({ min: 0, max: 120 }), fc.option(fc.integer(), { freq: 2 }))
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 60 }), { maxLength: 12 }), (batches) => {
        let map = LayeredMap.from<number, number>(new Map())
        const model = new Map<number, number>()
        const history: [LayeredMap<number, number>, Map<number, number>][] = []
        for (const batch of batches) {
          const edit = map.edit()
          for (const [key, value] of batch) {
            if (value === null) edit.delete(key)
            else edit.set(key, value)
            if (value === null) model.delete(key)
            else model.set(key, value)
          }
          map = edit.done()
          history.push([map, new Map(model)])
        }
        for (const [version, expected] of history) {
          expect(version.size).to.equal(expected.size)
          expect(new Map(version)).to.deep.equal(expected)
          for (const key of expected.keys()) expect(version.get(key)).to.equal(expected.get(key))
        }
      }),
      { numRuns: 60 },
    )
  })
})

function plain(image: Image): unknown {
  return JSON.parse(
    JSON.stringify({ ...image, version: 0, featuresEpoch: 0 }, (_key, value: unknown) =>
      value instanceof Map || value instanceof LayeredMap ? [...(value as Map<string, unknown>)].sort() : value,
    ),
  )
}
