/** What lasts and what goes with a change, seen from several connections of a whole broker. */
import { expect } from 'chai'
import { Broker } from '../../lib/embed/broker.js'
import {
  DescribeConfigs,
  DescribeGroups,
  ErrorCode,
  Heartbeat,
  IncrementalAlterConfigs,
  Metadata,
  OffsetFetch,
  Produce,
} from '../../protocol/index.js'
import { RawClient } from '../support/raw-client.js'
import { batch, World } from './versions/world.js'

const TOPIC = 2
const SET = 0

describe('server/lasting', () => {
  let broker: Broker
  let world: World
  let other: RawClient
  before(async () => {
    broker = await Broker.create()
    world = await World.on(broker)
    other = await RawClient.connect(broker.bootstrapServers)
  })
  after(async () => {
    world.client.close()
    other.close()
    await broker.close()
  })

  it('behaviour 71: deleting a topic drops what groups have committed for it, and nothing else', async () => {
    const { name: gone } = await world.topic()
    const { name: kept } = await world.topic()
    const groupOfGone = await world.committed(gone, 5)
    const groupId = await world.committed(kept, 6)
    await broker.deleteTopic(gone)
    const offset = async (group: string, name: string): Promise<[number, number]> => {
      const answer = await other.send(OffsetFetch, 5, { groupId: group, topics: [{ name, partitionIndexes: [0] }] })
      const { errorCode, committedOffset } = answer.topics[0]!.partitions[0]!
      return [errorCode, committedOffset]
    }
    expect(await offset(groupOfGone, gone)).to.deep.equal([0, -1])
    expect((await other.send(OffsetFetch, 5, { groupId: groupOfGone, topics: null })).topics).to.deep.equal([])
    expect(await offset(groupId, kept)).to.deep.equal([0, 6])
    await broker.createTopic(gone)
    expect(await offset(groupOfGone, gone), 'made again').to.deep.equal([0, -1])
  })

  it('behaviour 79: a change is there for every connection once it is acknowledged (Kafka: a moment later)', async () => {
    for (let round = 0; round < 20; round++) {
      const { name } = await world.topic()
      const seen = await other.send(Metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false })
      expect(seen.topics[0]!.errorCode).to.equal(ErrorCode.NONE)
      const configs = [{ name: 'max.message.bytes', configOperation: SET, value: '70' }]
      const resource = { resourceType: TOPIC, resourceName: name }
      await world.send(IncrementalAlterConfigs, 1, { resources: [{ ...resource, configs }], validateOnly: false })
      const described = await other.send(DescribeConfigs, 4, {
        resources: [{ ...resource, configurationKeys: ['max.message.bytes'] }],
      })
      expect(described.results[0]!.configs[0]!.value).to.equal('70')
      const { responses } = await other.send(Produce, 9, {
        acks: 1,
        timeoutMs: 1000,
        topicData: [{ name, partitionData: [{ index: 0, records: batch('a long enough value') }] }],
      })
      expect(responses[0]!.partitionResponses[0]!.errorCode).to.equal(ErrorCode.MESSAGE_TOO_LARGE)
    }
  })

  it('behaviour 91: closing its socket removes no member', async () => {
    const vanishing = await World.on(broker)
    const member = await vanishing.member('stays')
    vanishing.client.stream.end()
    await vanishing.client.closed
    const { groups } = await other.send(DescribeGroups, 5, { groups: ['stays'] })
    expect(groups[0]).to.include({ groupState: 'Stable' })
    expect(groups[0]!.members.map(({ memberId }) => memberId)).to.deep.equal([member.memberId])
    expect(await other.send(Heartbeat, 4, member)).to.include({ errorCode: ErrorCode.NONE })
  })
})
