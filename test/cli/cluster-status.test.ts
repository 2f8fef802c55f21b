import { expect } from 'chai'
import { Broker } from '../../lib/embed/broker.js'
import { Cluster } from '../../lib/embed/cluster.js'
import { AlterPartitionReassignments, CreateTopics } from '../../protocol/index.js'
import type { FakeProgram, FakeProgramOptions } from '../support/fake-program.js'
import { RawClient } from '../support/raw-client.js'
import { run } from './support.js'

const RACKS = ['a', 'b', 'c']

describe('cli cluster status', () => {
  let cluster: Cluster

  beforeEach(async () => {
    cluster = await Cluster.create({ brokerIds: [101, 102, 103], racks: RACKS })
  })
  afterEach(() => cluster.close())

  const status = (flags: string[] = [], options: FakeProgramOptions = {}): Promise<FakeProgram> =>
    run(['cluster', 'status', '--bootstrap', cluster.bootstrapServers, ...flags], options)

  const withRaw = async (work: (client: RawClient) => Promise<unknown>): Promise<void> => {
    const client = await RawClient.connect(cluster.brokers[0]!)
    try {
      await work(client)
    } finally {
      client.close()
    }
  }

  /** `replicas` of each partition. */
  const create = (name: string, replicas: number[][], config: Record<string, string> = {}): Promise<void> =>
    withRaw(async (client) => {
      const assignments = replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }))
      const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }))
      const topic = { name, numPartitions: -1, replicationFactor: -1, assignments, configs }
      const { topics } = await client.send(CreateTopics, 7, { topics: [topic], timeoutMs: 10_000 })
      expect(topics[0]!.errorCode).to.equal(0)
    })

  /** The members' lines. */
  const members = (states: string[]): string[][] =>
    cluster.brokers.map((address, index) => [`${101 + index}`, address, RACKS[index]!, states[index]!])

  const stateOf = (id: number): string => (cluster.controllerId === id ? 'controller' : 'running')

  it('a healthy cluster: its brokers, nothing else, exit code 0', async () => {
    await cluster.createTopic({ name: 't', partitions: 4, replicationFactor: 3 })
    const program = await status()
    expect([program.stderr, program.exitCode]).to.deep.equal(['', 0])
    expect(program.rows).to.deep.equal([
      [cluster.clusterId, `${cluster.controllerId}`, '3', '1', '4', '0', '0', '0'],
      ...members([101, 102, 103].map(stateOf)),
    ])
  })

  it('under-replicated, under min.insync.replicas and offline partitions, in this order of weight, exit code 1', async () => {
    await create('a', [[101, 102, 103]])
    await create('b', [[101, 102]], { 'min.insync.replicas': '2' })
    await create('c', [[102], [101]])
    await cluster.stopBroker(102, { how: 'kill' })
    const program = await status()
    expect(program.rows).to.deep.equal([
      [cluster.clusterId, `${cluster.controllerId}`, '3', '3', '4', '1', '2', '3'],
      ...members([stateOf(101), 'fenced', stateOf(103)]),
      ['a', '0', '101', '101,102,103', '101,103', '1', 'under-replicated'],
      ['b', '0', '101', '101,102', '101', '2', 'under-min-isr,under-replicated'],
      ['c', '0', '-', '102', '-', '1', 'offline,under-min-isr,under-replicated'],
    ])
    expect(program.stderr).to.equal(
      'Of 4 partitions: 1 offline, 2 with fewer in-sync replicas than min.insync.replicas, 3 under-replicated.\n',
    )
    expect(program.exitCode).to.equal(1)
  })

  it('JSON', async () => {
    await create('a', [[101, 102, 103]])
    await cluster.stopBroker(103)
    const program = await status(['--json'])
    const [host] = cluster.brokers[0]!.split(':')
    const { brokers, ...rest } = program.json as { brokers: object[] }
    expect(brokers[0]).to.deep.equal({
      ...{ broker: 101, host, port: Number(cluster.brokers[0]!.split(':')[1]), rack: 'a', state: stateOf(101) },
    })
    expect(brokers).to.have.length(3)
    expect(rest).to.deep.equal({
      cluster: cluster.clusterId,
      controller: cluster.controllerId,
      topics: 1,
      partitions: 1,
      offline: 0,
      underMinIsr: 0,
      underReplicated: 1,
      problems: [
        {
          ...{ topic: 'a', partition: 0, problems: ['under-replicated'], leader: 101 },
          ...{ replicas: [101, 102, 103], isr: [101, 102], minIsr: 1 },
        },
      ],
    })
    expect(program.exitCode).to.equal(1)
  })

  it('is tables on a terminal', async () => {
    await create('a', [[101, 102]])
    const whole = (await status([], { outIsTerminal: true })).stdout
    expect(whole).to.match(/^CLUSTER +CONTROLLER +BROKERS .*\n.*\n\nBROKER +ADDRESS +RACK +STATE\n/)
    expect(whole).not.to.include('PROBLEM')
    await cluster.stopBroker(102)
    expect((await status([], { outIsTerminal: true })).stdout).to.match(/\n\nTOPIC +PARTITION .* PROBLEM\na +0 .*\n$/)
  })

  it('does not miss replicas that are being added', async () => {
    await create('a', [[101, 102]])
    await cluster.stopBroker(103)
    await withRaw(async (client) => {
      const partitions = [{ partitionIndex: 0, replicas: [101, 103] }]
      const answer = await client.send(AlterPartitionReassignments, 0, { topics: [{ name: 'a', partitions }] })
      expect(answer.responses[0]!.partitions[0]!.errorCode).to.equal(0)
    })
    const program = await status()
    expect([program.stderr, program.exitCode]).to.deep.equal(['', 0])
  })

  it('a single broker whose min.insync.replicas nobody can fulfil', async () => {
    const broker = await Broker.create({ topics: [{ name: 't', config: { 'min.insync.replicas': '2' } }] })
    try {
      const program = await run(['cluster', 'status', '--bootstrap', broker.bootstrapServers])
      expect(program.rows.at(-1)).to.deep.equal(['t', '0', '1', '1', '1', '2', 'under-min-isr'])
      expect(program.exitCode).to.equal(1)
    } finally {
      await broker.close()
    }
  })
})
