/** Requests that another broker than the controller hands on, when the way there breaks (KIP-590). */
import { expect } from 'chai'
import { CreateTopics, DeleteTopics, ElectLeaders, ErrorCode, FindCoordinator, Metadata } from '../../protocol/index.js'
import { VirtualCluster } from '../support/virtual-cluster.js'

describe('server/forwarding', () => {
  let cluster: VirtualCluster
  let controller: number
  let other: number
  beforeEach(async () => {
    cluster = await VirtualCluster.start({ brokerIds: [1, 2, 3], values: { 'request.timeout.ms': '1000' } })
    controller = [1, 2, 3].find((id) => cluster.node(id).controller.isActive)!
    other = [1, 2, 3].find((id) => id !== controller)!
  })
  afterEach(() => cluster.close())

  const topics = () => cluster.node(controller).image.topicsByName
  const create = (name: string, numPartitions = 1) => {
    const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }
    return cluster.send(other, CreateTopics, 7, { topics: [topic], timeoutMs: 30_000 })
  }

  /** Cuts the way when the controller has done it, and mends it when the sender has given the connection up. */
  async function breakAfter(isDone: () => boolean): Promise<void> {
    await cluster.until(isDone, 'the controller has done it')
    cluster.cut(controller, other)
    await cluster.pass(3000)
    cluster.heal()
  }

  it('a CreateTopics that is sent again says that the topic exists, and changes nothing', async () => {
    const asked = create('t', 3)
    await breakAfter(() => topics().has('t'))
    const topicId = topics().get('t')!.topicId
    const [answer] = (await cluster.whenDone(asked)).topics
    expect(answer).to.include({ name: 't', errorCode: ErrorCode.TOPIC_ALREADY_EXISTS })
    expect(topics().get('t')).to.include({ topicId })
    expect(topics().get('t')!.partitions).to.have.length(3)
  })

  it('is no success when somebody else has made the topic meanwhile', async () => {
    cluster.cut(controller, other)
    const asked = create('t', 3)
    await cluster.pass(500)
    const topic = { name: 't', numPartitions: 5, replicationFactor: 1, assignments: [], configs: [] }
    const { topics: made } = await cluster.ask(controller, CreateTopics, 7, { topics: [topic], timeoutMs: 1000 })
    expect(made[0]!.errorCode).to.equal(ErrorCode.NONE)
    await cluster.pass(3000)
    cluster.heal()
    const [answer] = (await cluster.whenDone(asked)).topics
    expect(answer!.errorCode).to.equal(ErrorCode.TOPIC_ALREADY_EXISTS)
    expect(topics().get('t')!.partitions).to.have.length(5)
  })

  it('a DeleteTopics that is sent again by id does not take a topic made anew', async () => {
    await cluster.topic('t', [controller])
    const { topicId } = topics().get('t')!
    const asked = cluster.send(other, DeleteTopics, 6, { topics: [{ name: null, topicId }], timeoutMs: 30_000 })
    await cluster.until(() => !topics().has('t'), 'the controller has done it')
    cluster.cut(controller, other)
    await cluster.topic('t', [controller])
    await cluster.pass(3000)
    cluster.heal()
    const { responses } = await cluster.whenDone(asked)
    expect(responses[0]!.errorCode).to.equal(ErrorCode.UNKNOWN_TOPIC_ID)
    expect(topics().has('t')).to.equal(true)
  })

  it('an ElectLeaders for every partition that no controller has heard of is no success', async () => {
    await cluster.topic('t', [controller])
    cluster.cut(controller, other)
    const asked = cluster.send(other, ElectLeaders, 2, { electionType: 0, topicPartitions: null, timeoutMs: 30_000 })
    await cluster.pass(16_000)
    expect(await cluster.whenDone(asked)).to.deep.include({
      errorCode: ErrorCode.NOT_CONTROLLER,
      replicaElectionResults: [],
    })
  })

  it('what should be made on the way, and no controller makes, is missing in the answer', async () => {
    await cluster.topic('t', [other])
    cluster.cut(controller, other)
    const topics = [{ name: 't' }, { name: 'wanted' }]
    const metadata = cluster.send(other, Metadata, 9, { topics, allowAutoTopicCreation: true })
    await cluster.pass(16_000)
    expect((await cluster.whenDone(metadata)).topics.map(({ name, errorCode }) => [name, errorCode])).to.deep.equal([
      ['t', ErrorCode.NONE],
      ['wanted', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ])
    const coordinator = cluster.send(other, FindCoordinator, 4, { keyType: 0, coordinatorKeys: ['g'] })
    await cluster.pass(16_000)
    expect((await cluster.whenDone(coordinator)).coordinators[0]).to.include({
      errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE,
      nodeId: -1,
    })
  })
})
