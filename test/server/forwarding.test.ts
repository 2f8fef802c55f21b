/** Requests that another broker than the controller hands on, when the way there breaks (KIP-590). */
import { expect } from 'chai'
import { ZERO_UUID } from '../../lib/metadata/image.js'
import {
  CreateTopics,
  DeleteTopics,
  ElectLeaders,
  ErrorCode,
  FindCoordinator,
  IncrementalAlterConfigs,
  Metadata,
} from '../../protocol/index.js'
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

  it('is decided by the next controller when the one that was asked itself loses the lease first', async () => {
    const { controller: asked } = cluster.node(controller)
    const alterConfigs = asked.alterConfigs.bind(asked)
    let refused = 0
    asked.alterConfigs = async (command) => {
      if (++refused > 2) return alterConfigs(command)
      return command.resources.map(({ resourceType, resourceName }) => ({
        resourceType,
        resourceName,
        errorCode: ErrorCode.NOT_CONTROLLER,
        errorMessage: 'This broker is not the controller.',
      }))
    }
    await cluster.topic('t', [controller])
    const configs = [{ name: 'retention.ms', configOperation: 0, value: '5000' }]
    const resources = [{ resourceType: 2, resourceName: 't', configs }]
    const { responses } = await cluster.ask(controller, IncrementalAlterConfigs, 1, { resources })
    expect(responses[0]).to.include({ errorCode: ErrorCode.NONE })
    expect(refused).to.equal(3)
  })

  it('is refused when no lease is to be had in time', async () => {
    const { controller: asked } = cluster.node(controller)
    asked.deleteTopics = async (topics) =>
      topics.map((topic) => ({ ...topic, errorCode: ErrorCode.NOT_CONTROLLER, errorMessage: 'no' }))
    await cluster.topic('t', [controller])
    const request = { topics: [{ name: 't', topicId: ZERO_UUID }], timeoutMs: 30_000 }
    const sent = cluster.send(controller, DeleteTopics, 6, request)
    await cluster.pass(16_000)
    expect((await cluster.whenDone(sent)).responses[0]).to.include({ errorCode: ErrorCode.NOT_CONTROLLER })
  })

  it('is not answered by a broker that stops meanwhile: the client asks another one', async () => {
    for (const brokerId of [other, controller]) {
      const { controller: asked } = cluster.node(controller)
      asked.deleteTopics = () => new Promise(() => {})
      if (brokerId === controller) {
        asked.deleteTopics = async (topics) =>
          topics.map((topic) => ({ ...topic, errorCode: ErrorCode.NOT_CONTROLLER, errorMessage: 'no' }))
      }
      const request = { topics: [{ name: 't', topicId: ZERO_UUID }], timeoutMs: 30_000 }
      const sent = cluster.send(brokerId, DeleteTopics, 6, request).then(
        () => 'answered',
        (error: Error) => error.message,
      )
      await cluster.pass(10)
      await cluster.stopBroker(brokerId)
      expect(await cluster.whenDone(sent)).not.to.equal('answered')
    }
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
