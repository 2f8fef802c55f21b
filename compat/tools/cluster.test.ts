/**
 * Apache's tools on a cluster of three brokers, some of which die: what they say is compared with what the brokers tell. One cluster for all: each
 * test has topics of its own and leaves every broker running.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  AlterPartitionReassignments,
  CreateTopics,
  DescribeConfigs,
  ElectLeaders,
  ErrorCode,
} from '../../protocol/index.js'
import { onPath, runOrThrow } from '../commands.js'
import { referenceUnavailable } from '../reference/jars.js'
import { IDS, ThreeBrokers } from './three-brokers.js'
import { rowsOf, ToolBox, type ToolName, toolsUnavailable } from './tool-box.js'

/** What only the leader of a partition throttles, and only its followers. */
const RATES = ['leader.replication.throttled.rate', 'follower.replication.throttled.rate']

describe("Apache's tools on a cluster", function () {
  this.timeout(120_000)
  const isReference = process.env['ODRADEK_COMPAT'] === 'reference'
  let box: ToolBox
  let cluster: ThreeBrokers
  let folder = ''

  before(async function () {
    this.timeout(600_000)
    const chosen = process.env['BOOTSTRAP'] ? 'it starts brokers of its own' : null
    const reason = chosen ?? toolsUnavailable() ?? (isReference ? referenceUnavailable() : null)
    if (reason !== null) {
      process.stdout.write(`    left out: Apache's tools on a cluster: ${reason}\n`)
      this.skip()
    }
    box = await ToolBox.open()
    folder = mkdtempSync(join(tmpdir(), 'odradek-tools-'))
    cluster = await ThreeBrokers.start(isReference)
  })
  after(async () => {
    box?.close()
    await cluster?.close()
    if (folder !== '') rmSync(folder, { recursive: true })
  })

  const run = (tool: ToolName, ...args: string[]) =>
    box.run(tool, '--bootstrap-server', cluster.bootstrapServers, ...args)
  const ask = (tool: ToolName, ...args: string[]) =>
    box.runOrThrow(tool, '--bootstrap-server', cluster.bootstrapServers, ...args)

  /** Resolves when every broker knows it, with all replicas in sync. */
  async function create(name: string, replicas: number[][], config: Record<string, string> = {}): Promise<void> {
    const assignments = replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }))
    const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }))
    const topic = { name, numPartitions: -1, replicationFactor: -1, assignments, configs }
    const { topics } = await cluster.raw(101, (client) =>
      client.send(CreateTopics, 7, { topics: [topic], timeoutMs: 10_000 }),
    )
    expect(topics[0]!.errorCode).to.equal(ErrorCode.NONE)
    for (const [index, ids] of replicas.entries())
      await cluster.whenTold(name, index, ({ leader, isr }) => leader === ids[0] && isr.length === ids.length)
  }

  /** The file that kafka-reassign-partitions reads. */
  function plan(topic: string, moves: readonly (readonly [partition: number, replicas: number[]])[]): string[] {
    const partitions = moves.map(([partition, replicas]) => ({ topic, partition, replicas }))
    const path = join(folder, 'plan.json')
    writeFileSync(path, JSON.stringify({ version: 1, partitions }))
    return ['--reassignment-json-file', path]
  }

  /** As every broker tells it in the end. */
  const inSync = (topic: string, partition: number, ...ids: number[]) =>
    cluster.whenTold(topic, partition, ({ isr }) => [...isr].sort().join() === ids.join())

  async function completed(move: string[]): Promise<string> {
    for (;;) {
      const said = await ask('kafka-reassign-partitions', ...move, '--verify')
      if (!said.includes('is still in progress')) return said
    }
  }

  it('kafka-reassign-partitions moves, with a throttle that --verify takes away again', async () => {
    await create('moved', [
      [101, 102],
      [102, 103],
    ])
    const move = plan('moved', [
      [0, [103, 101]],
      [1, [101, 102, 103]],
    ])
    const started = await ask('kafka-reassign-partitions', ...move, '--execute', '--throttle', '50000000')
    expect(started).to.include('The inter-broker throttle limit was set to 50000000 B/s')
    expect(started).to.include('Successfully started partition reassignments for moved-0,moved-1')
    const verified = await completed(move)
    expect(verified).to.include('Reassignment of partition moved-0 is completed.')
    expect(verified).to.include('Reassignment of partition moved-1 is completed.')
    expect(verified).to.include('Clearing topic-level throttles on topic moved')
    await inSync('moved', 0, 101, 103)
    await inSync('moved', 1, 101, 102, 103)
    for (const id of IDS) {
      const resources = [{ resourceType: 4, resourceName: String(id), configurationKeys: RATES }]
      const { results } = await cluster.raw(id, (client) => client.send(DescribeConfigs, 4, { resources }))
      expect(results[0]!.configs, `throttles left on ${id}`).to.deep.equal([])
    }
    expect(await ask('kafka-reassign-partitions', '--list')).to.include('No partition reassignments found.')
  })

  it('kafka-reassign-partitions lists what is under way and cancels it', async () => {
    await create('stuck', [[101, 102]])
    await cluster.kill(103)
    const move = plan('stuck', [[0, [101, 103]]])
    const unknown = await run('kafka-reassign-partitions', ...move, '--execute')
    expect([unknown.code, unknown.output]).to.satisfy(
      ([code, output]: [number, string]) => code === 1 && output.includes('Unknown broker id 103'),
    )
    // The tool only moves to brokers that live; the protocol takes one that will be back.
    await cluster.raw(101, (client) =>
      client.send(AlterPartitionReassignments, 0, {
        topics: [{ name: 'stuck', partitions: [{ partitionIndex: 0, replicas: [101, 103] }] }],
      }),
    )
    expect(await ask('kafka-reassign-partitions', '--list')).to.match(
      /stuck-0: replicas: 101,103,102\. adding: 103\. removing: 102\./,
    )
    // Replicas that are being added are not missed.
    const missed = await ask('kafka-topics', '--describe', '--under-replicated-partitions')
    expect(missed).to.not.include('Topic: stuck')
    const cancelled = await ask('kafka-reassign-partitions', ...move, '--cancel', '--preserve-throttles')
    expect(cancelled).to.match(/Successfully cancelled partition reassignments? for: stuck-0/)
    expect(await ask('kafka-reassign-partitions', '--list')).to.include('No partition reassignments found.')
    await inSync('stuck', 0, 101, 102)
    await cluster.start(103)
  })

  it('kafka-topics and kcat -L tell who is missing', async () => {
    await create('copied', [
      [101, 102],
      [103, 101],
    ])
    await create('strict', [[102, 101]], { 'min.insync.replicas': '2' })
    await create('single', [[102], [103]])
    await cluster.kill(102)
    const names = ['copied', 'strict', 'single']
    const partitions = async (flag: string): Promise<string[]> => {
      const output = await ask('kafka-topics', '--describe', flag)
      const rows = [
        ...output.matchAll(
          /Topic: (\S+)\s+Partition: (\d+)\s+Leader: (\S+)\s+Replicas: \S*\s+Isr:[ ]?(\S*)\s+Elr:[ ]?(\S*)\s+LastKnownElr:[ ]?(\S*)/g,
        ),
      ]
      return rows
        .filter(([, topic]) => names.includes(topic!))
        .map(([, topic, partition, ...who]) => `${topic}-${partition} ${who.join('/')}`)
        .sort()
    }
    // Leader, in sync, eligible (KIP-966), last known.
    const [copied, single, strict] = ['copied-0 101/101//', 'single-0 none//102/102', 'strict-0 101/101/102/']
    expect(await partitions('--under-replicated-partitions')).to.deep.equal([copied, single, strict])
    expect(await partitions('--unavailable-partitions')).to.deep.equal([single])
    // Who has no leader cannot have enough in-sync replicas, to this tool.
    expect(await partitions('--under-min-isr-partitions')).to.deep.equal([single, strict])
    if (onPath('kcat')) {
      const { stdout } = await runOrThrow('kcat', ['-b', cluster.bootstrapServers, '-L', '-J'])
      const seen = JSON.parse(stdout) as {
        brokers: { id: number }[]
        topics: { topic: string; partitions: { partition: number; leader: number; isrs: { id: number }[] }[] }[]
      }
      expect(seen.brokers.map(({ id }) => id).sort()).to.deep.equal([101, 103])
      for (const { topic, partitions: all } of seen.topics) {
        for (const { partition, leader, isrs } of all) {
          const told = await cluster.partition(topic, partition)
          if (leader !== -1)
            expect({ leader, isr: isrs.map(({ id }) => id) }, `${topic}-${partition}`).to.deep.equal(told)
        }
      }
    }
    await cluster.start(102)
    while ((await partitions('--under-replicated-partitions')).length > 0);
    expect(await partitions('--unavailable-partitions')).to.deep.equal([])
  })

  it('kafka-leader-election gives back to preferred replicas, and lets who lags lead when asked', async () => {
    await create('elected', [[101, 102, 103]])
    const where = ['--topic', 'elected', '--partition', '0']
    const elect = (type: string, ...which: string[]) => run('kafka-leader-election', '--election-type', type, ...which)
    expect((await elect('preferred', ...where)).output).to.include(
      'Valid replica already elected for partitions elected-0',
    )
    await cluster.moveLeader('elected', 103, [101, 102, 103])
    expect((await elect('preferred', '--all-topic-partitions')).output).to.match(
      /Successfully completed leader election \(PREFERRED\) for partitions (\S+, )*elected-0/,
    )
    await cluster.whenTold('elected', 0, ({ leader }) => leader === 101)
    // 103 falls behind, and then nobody is left who does not.
    for (const id of [103, 102, 101]) await cluster.kill(id)
    await cluster.start(103)
    await cluster.whenTold('elected', 0, ({ leader }) => leader === -1)
    const preferred = await elect('preferred', ...where)
    expect(preferred.output).to.include('PreferredLeaderNotAvailableException')
    expect(preferred.code).to.equal(1)
    const unclean = await elect('unclean', ...where)
    expect(unclean.output).to.include('Successfully completed leader election (UNCLEAN) for partitions elected-0')
    await cluster.whenTold('elected', 0, ({ leader }) => leader === 103)
    const nobody = await elect('preferred', '--topic', 'nope', '--partition', '0')
    expect(nobody.output).to.include('UnknownTopicOrPartitionException')
    const { errorCode } = await cluster.raw(103, (client) =>
      client.send(ElectLeaders, 2, { electionType: 9, topicPartitions: null, timeoutMs: 5000 }),
    )
    expect(errorCode).to.equal(ErrorCode.INVALID_REQUEST)
    for (const id of [101, 102]) await cluster.start(id)
  })

  it('kafka-metadata-quorum, kafka-broker-api-versions and kafka-cluster', async () => {
    const { clusterId } = await cluster.describe()
    const status = await ask('kafka-metadata-quorum', 'describe', '--status')
    expect(status).to.match(new RegExp(`ClusterId:\\s+${clusterId}\\n`))
    expect(status).to.match(new RegExp(`LeaderId:\\s+${await cluster.quorumLeader()}\\n`))
    for (const id of IDS) expect(status).to.include(`"id": ${id}`)
    const members = rowsOf(await ask('kafka-metadata-quorum', 'describe', '--replication'))
    for (const id of IDS) {
      const member = members.find(({ NodeId }) => NodeId === String(id))
      expect(Number(member!.Lag), `lag of ${id}`).to.be.within(0, 100)
    }

    const served = await ask('kafka-broker-api-versions')
    for (const id of IDS) expect(served).to.match(new RegExp(`\\(id: ${id} rack: [abc] isFenced: false\\) -> \\(`))
    expect(served).to.match(/ElectLeaders\(43\): 0 to 2/)

    const at = ['--bootstrap-server', cluster.bootstrapServers]
    const clusterTool = (command: string, ...args: string[]) => box.runOrThrow('kafka-cluster', command, ...at, ...args)
    expect(await clusterTool('cluster-id')).to.include(`Cluster ID: ${clusterId}`)
    await cluster.stop(103)
    const fenced = async () => rowsOf(await clusterTool('list-endpoints', '--include-fenced-brokers'))
    expect((await fenced()).map(({ ID, STATE }) => `${ID} ${STATE}`)).to.have.members([
      '101 unfenced',
      '102 unfenced',
      '103 fenced',
    ])
    expect(await clusterTool('unregister', '--id', '103')).to.include('Broker 103 is no longer registered.')
    expect((await fenced()).map(({ ID }) => ID)).to.have.members(['101', '102'])
    await cluster.start(103)
    expect((await fenced()).map(({ ID, STATE }) => `${ID} ${STATE}`)).to.include('103 unfenced')
  })
})
