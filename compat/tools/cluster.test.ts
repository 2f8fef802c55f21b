/**
 * Apache's tools on a cluster of three brokers, one of which dies: what they say is compared with what is so. Odradek's own cluster: the
 * reference is a single broker (its share is in `commands.ts`).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Cluster } from '../../lib/index.js'
import {
  AlterPartitionReassignments,
  CreateTopics,
  DescribeConfigs,
  ElectLeaders,
  ErrorCode,
} from '../../protocol/index.js'
import { RawClient } from '../../test/support/raw-client.js'
import { onPath, runOrThrow } from '../commands.js'
import { rowsOf, ToolBox, type ToolName, toolsUnavailable } from './tool-box.js'

const IDS = [101, 102, 103]
/** What only the leader of a partition throttles, and only its followers. */
const RATES = ['leader.replication.throttled.rate', 'follower.replication.throttled.rate']

describe("Apache's tools on a cluster", function () {
  this.timeout(60_000)
  let box: ToolBox
  let cluster: Cluster
  let folder = ''

  before(async function () {
    this.timeout(600_000)
    const reason =
      process.env['ODRADEK_COMPAT'] === 'reference' || process.env['BOOTSTRAP']
        ? 'it starts brokers of its own'
        : toolsUnavailable()
    if (reason !== null) {
      process.stdout.write(`    left out: Apache's tools on a cluster: ${reason}\n`)
      this.skip()
    }
    box = await ToolBox.open()
    folder = mkdtempSync(join(tmpdir(), 'odradek-tools-'))
  })
  after(() => {
    box?.close()
    if (folder !== '') rmSync(folder, { recursive: true })
  })
  beforeEach(async () => {
    cluster = await Cluster.create({ brokerIds: IDS, racks: ['a', 'b', 'c'] })
  })
  afterEach(() => cluster?.close())

  const run = (tool: ToolName, ...args: string[]) =>
    box.run(tool, '--bootstrap-server', cluster.bootstrapServers, ...args)
  const ask = (tool: ToolName, ...args: string[]) =>
    box.runOrThrow(tool, '--bootstrap-server', cluster.bootstrapServers, ...args)

  async function raw<T>(id: number, work: (client: RawClient) => Promise<T>): Promise<T> {
    const client = await RawClient.connect(cluster.brokers[IDS.indexOf(id)]!)
    try {
      return await work(client)
    } finally {
      client.close()
    }
  }

  const create = (name: string, replicas: number[][], config: Record<string, string> = {}) =>
    raw(101, async (client) => {
      const assignments = replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }))
      const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }))
      const topic = { name, numPartitions: -1, replicationFactor: -1, assignments, configs }
      const { topics } = await client.send(CreateTopics, 7, { topics: [topic], timeoutMs: 10_000 })
      expect(topics[0]!.errorCode).to.equal(ErrorCode.NONE)
    })

  /** The file that kafka-reassign-partitions reads. */
  function plan(topic: string, moves: readonly (readonly [partition: number, replicas: number[]])[]): string[] {
    const partitions = moves.map(([partition, replicas]) => ({ topic, partition, replicas }))
    const path = join(folder, 'plan.json')
    writeFileSync(path, JSON.stringify({ version: 1, partitions }))
    return ['--reassignment-json-file', path]
  }

  const isr = (topic: string, partition = 0): number[] => [...cluster.isrOf(topic, partition)].sort()

  async function completed(move: string[]): Promise<string> {
    for (;;) {
      const said = await ask('kafka-reassign-partitions', ...move, '--verify')
      if (!said.includes('is still in progress')) return said
    }
  }

  it('kafka-reassign-partitions moves, with a throttle that --verify takes away again', async () => {
    await create('t', [
      [101, 102],
      [102, 103],
    ])
    const move = plan('t', [
      [0, [103, 101]],
      [1, [101, 102, 103]],
    ])
    const started = await ask('kafka-reassign-partitions', ...move, '--execute', '--throttle', '50000000')
    expect(started).to.include('The inter-broker throttle limit was set to 50000000 B/s')
    expect(started).to.include('Successfully started partition reassignments for t-0,t-1')
    const verified = await completed(move)
    expect(verified).to.include('Reassignment of partition t-0 is completed.')
    expect(verified).to.include('Reassignment of partition t-1 is completed.')
    expect(verified).to.include('Clearing topic-level throttles on topic t')
    expect([isr('t', 0), isr('t', 1)]).to.deep.equal([
      [101, 103],
      [101, 102, 103],
    ])
    for (const id of IDS) {
      const resources = [{ resourceType: 4, resourceName: String(id), configurationKeys: RATES }]
      const { results } = await raw(id, (client) => client.send(DescribeConfigs, 4, { resources }))
      expect(results[0]!.configs, `throttles left on ${id}`).to.deep.equal([])
    }
    expect(await ask('kafka-reassign-partitions', '--list')).to.include('No partition reassignments found.')
  })

  it('kafka-reassign-partitions lists what is under way and cancels it', async () => {
    await create('t', [[101, 102]])
    await cluster.stopBroker(103, { how: 'kill' })
    const move = plan('t', [[0, [101, 103]]])
    const unknown = await run('kafka-reassign-partitions', ...move, '--execute')
    expect([unknown.code, unknown.output]).to.satisfy(
      ([code, output]: [number, string]) => code === 1 && output.includes('Unknown broker id 103'),
    )
    // The tool only moves to brokers that live; the protocol takes one that will be back.
    await raw(101, (client) =>
      client.send(AlterPartitionReassignments, 0, {
        topics: [{ name: 't', partitions: [{ partitionIndex: 0, replicas: [101, 103] }] }],
      }),
    )
    expect(await ask('kafka-reassign-partitions', '--list')).to.match(
      /t-0: replicas: 101,103,102\. adding: 103\. removing: 102\./,
    )
    // Replicas that are being added are not missed.
    expect((await ask('kafka-topics', '--describe', '--under-replicated-partitions')).trim()).to.equal('')
    const cancelled = await ask('kafka-reassign-partitions', ...move, '--cancel', '--preserve-throttles')
    expect(cancelled).to.match(/Successfully cancelled partition reassignments? for: t-0/)
    expect(await ask('kafka-reassign-partitions', '--list')).to.include('No partition reassignments found.')
    expect(isr('t')).to.deep.equal([101, 102])
  })

  it('kafka-topics and kcat -L tell who is missing', async () => {
    await create('copied', [
      [101, 102],
      [103, 101],
    ])
    await create('strict', [[102, 101]], { 'min.insync.replicas': '2' })
    await create('single', [[102], [103]])
    await cluster.stopBroker(102, { how: 'kill' })
    const partitions = async (flag: string): Promise<string[]> => {
      const output = await ask('kafka-topics', '--describe', flag)
      const rows = [
        ...output.matchAll(/Topic: (\S+)\s+Partition: (\d+)\s+Leader: (\S+)\s+Replicas: (\S*)\s+Isr: (\S*)/g),
      ]
      return rows.map(([, topic, partition, leader, , inSync]) => `${topic}-${partition} ${leader} ${inSync}`).sort()
    }
    expect(await partitions('--under-replicated-partitions')).to.deep.equal(['copied-0 101 101', 'strict-0 101 101'])
    expect(await partitions('--unavailable-partitions')).to.deep.equal(['single-0 none 102'])
    // Who has no leader cannot have enough in-sync replicas, to this tool.
    expect(await partitions('--under-min-isr-partitions')).to.deep.equal(['single-0 none 102', 'strict-0 101 101'])
    if (onPath('kcat')) {
      const { stdout } = await runOrThrow('kcat', ['-b', cluster.bootstrapServers, '-L', '-J'])
      const seen = JSON.parse(stdout) as {
        brokers: { id: number }[]
        topics: { topic: string; partitions: { partition: number; leader: number; isrs: { id: number }[] }[] }[]
      }
      expect(seen.brokers.map(({ id }) => id).sort()).to.deep.equal([101, 103])
      for (const { topic, partitions: all } of seen.topics) {
        for (const { partition, leader, isrs } of all) {
          expect(leader, `${topic}-${partition}`).to.equal(cluster.leaderOf(topic, partition))
          expect(isrs.map(({ id }) => id)).to.deep.equal([...cluster.isrOf(topic, partition)])
        }
      }
    }
    await cluster.startBroker(102)
    while ((await partitions('--under-replicated-partitions')).length > 0);
    expect(await partitions('--unavailable-partitions')).to.deep.equal([])
  })

  it('kafka-leader-election gives back to preferred replicas, and lets who lags lead when asked', async () => {
    await create('t', [[101, 102, 103]])
    const where = ['--topic', 't', '--partition', '0']
    const elect = (type: string, ...which: string[]) => run('kafka-leader-election', '--election-type', type, ...which)
    expect((await elect('preferred', ...where)).output).to.include('Valid replica already elected for partitions t-0')
    await cluster.moveLeader('t', 0, 103)
    expect((await elect('preferred', '--all-topic-partitions')).output).to.include(
      'Successfully completed leader election (PREFERRED) for partitions t-0',
    )
    expect(cluster.leaderOf('t', 0)).to.equal(101)
    // 103 falls behind, and then nobody is left who does not.
    await cluster.stopBroker(103, { how: 'kill' })
    await cluster.stopBroker(102, { how: 'kill' })
    await cluster.stopBroker(101, { how: 'kill' })
    await cluster.startBroker(103)
    expect(cluster.leaderOf('t', 0)).to.equal(-1)
    const preferred = await elect('preferred', ...where)
    expect(preferred.output).to.include('PreferredLeaderNotAvailableException')
    expect(preferred.code).to.equal(1)
    const unclean = await elect('unclean', ...where)
    expect(unclean.output).to.include('Successfully completed leader election (UNCLEAN) for partitions t-0')
    expect(cluster.leaderOf('t', 0)).to.equal(103)
    const nobody = await elect('preferred', '--topic', 'nope', '--partition', '0')
    expect(nobody.output).to.include('UnknownTopicOrPartitionException')
    const { errorCode } = await raw(103, (client) =>
      client.send(ElectLeaders, 2, { electionType: 9, topicPartitions: null, timeoutMs: 5000 }),
    )
    expect(errorCode).to.equal(ErrorCode.INVALID_REQUEST)
  })

  it('kafka-metadata-quorum, kafka-broker-api-versions and kafka-cluster', async () => {
    const status = await ask('kafka-metadata-quorum', 'describe', '--status')
    expect(status).to.match(new RegExp(`ClusterId:\\s+${cluster.clusterId}\\n`))
    expect(status).to.match(new RegExp(`LeaderId:\\s+${cluster.controllerId}\\n`))
    for (const id of IDS) expect(status).to.include(`"id": ${id}`)
    const members = rowsOf(await ask('kafka-metadata-quorum', 'describe', '--replication'))
    expect(members.map(({ NodeId, Lag }) => `${NodeId} ${Lag}`).sort()).to.deep.equal(IDS.map((id) => `${id} 0`))

    const served = await ask('kafka-broker-api-versions')
    for (const id of IDS) expect(served).to.match(new RegExp(`\\(id: ${id} rack: [abc] isFenced: false\\) -> \\(`))
    expect(served).to.match(/ElectLeaders\(43\): 0 to 2/)

    const at = ['--bootstrap-server', cluster.bootstrapServers]
    const clusterTool = (command: string, ...args: string[]) => box.runOrThrow('kafka-cluster', command, ...at, ...args)
    expect(await clusterTool('cluster-id')).to.include(`Cluster ID: ${cluster.clusterId}`)
    await cluster.stopBroker(103)
    const fenced = async () => rowsOf(await clusterTool('list-endpoints', '--include-fenced-brokers'))
    expect((await fenced()).map(({ ID, STATE }) => `${ID} ${STATE}`)).to.have.members([
      '101 unfenced',
      '102 unfenced',
      '103 fenced',
    ])
    expect(await clusterTool('unregister', '--id', '103')).to.include('Broker 103 is no longer registered.')
    expect((await fenced()).map(({ ID }) => ID)).to.have.members(['101', '102'])
    await cluster.startBroker(103)
    expect((await fenced()).map(({ ID, STATE }) => `${ID} ${STATE}`)).to.include('103 unfenced')
  })
})
