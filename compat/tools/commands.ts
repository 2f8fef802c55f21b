/** The tools that talk to a broker, each as an operator uses it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { client, GROUP, hang, MIXED, PLAIN, ROLLED, TRANSACTIONAL_ID } from './load.js'
import { tools } from './stage.js'
import { rowsOf, type ToolName } from './tool-box.js'

const ask = (tool: ToolName, ...args: readonly string[]) =>
  tools().box.runOrThrow(tool, '--bootstrap-server', tools().bootstrapServers, ...args)

function withFile<T>(text: string, use: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-tools-'))
  const path = join(folder, 'input.json')
  writeFileSync(path, text)
  return use(path).finally(() => rmSync(folder, { recursive: true, force: true }))
}

/** A topic with `count` records in one partition. */
async function topicOf(topic: string, count: number): Promise<void> {
  await ask('kafka-topics', '--create', '--topic', topic, '--partitions', '1', '--replication-factor', '1')
  const producer = client(tools().bootstrapServers).producer()
  await producer.connect()
  await producer.send({ topic, messages: Array.from({ length: count }, (_, i) => ({ value: `v${i}` })) })
  await producer.disconnect()
}

export function commandTests(): void {
  it('kafka-topics creates, describes, alters, lists and deletes', async () => {
    const created = await ask(
      'kafka-topics',
      '--create',
      '--topic',
      'by-tool',
      '--partitions',
      '2',
      '--config',
      'retention.ms=77000',
    )
    expect(created).to.include('Created topic by-tool')
    const described = await ask('kafka-topics', '--describe', '--topic', 'by-tool')
    expect(described).to.match(
      /Topic: by-tool\s+TopicId: \S{22}\s+PartitionCount: 2\s+ReplicationFactor: 1\s+Configs: .*retention.ms=77000/,
    )
    expect(described).to.match(/Partition: 1\s+Leader: \d+\s+Replicas: \d+\s+Isr: \d+/)
    await ask('kafka-topics', '--alter', '--topic', 'by-tool', '--partitions', '4')
    expect(await ask('kafka-topics', '--describe', '--topic', 'by-tool')).to.include('PartitionCount: 4')
    const again = await tools().box.run(
      'kafka-topics',
      '--bootstrap-server',
      tools().bootstrapServers,
      '--create',
      '--topic',
      'by-tool',
    )
    expect(again.code).to.equal(1)
    expect(again.output).to.match(/by-tool'? (already exists|exists already)/)
    await ask('kafka-topics', '--delete', '--topic', 'by-tool')
    const listed = (await ask('kafka-topics', '--list')).split('\n')
    expect(listed).to.include.members([PLAIN.topic, '__consumer_offsets'])
    expect(listed).to.not.include('by-tool')
  })

  it('kafka-configs sets, shows and removes', async () => {
    const topic = ['--entity-type', 'topics', '--entity-name', PLAIN.topic]
    await ask('kafka-configs', '--alter', ...topic, '--add-config', 'max.message.bytes=2000000,flush.messages=1000')
    const set = await ask('kafka-configs', '--describe', ...topic)
    expect(set).to.match(/max.message.bytes=2000000 sensitive=false/)
    await ask('kafka-configs', '--alter', ...topic, '--delete-config', 'max.message.bytes,flush.messages')
    expect(await ask('kafka-configs', '--describe', ...topic)).to.not.include('2000000')
    expect(await ask('kafka-configs', '--describe', '--all', ...topic)).to.match(/cleanup.policy=delete/)
    expect(
      await ask('kafka-configs', '--describe', '--entity-type', 'brokers', '--entity-name', '1', '--all'),
    ).to.include('log.retention')
  })

  it('kafka-get-offsets tells the first, the last and those of a time', async () => {
    const at = (time: string, ...more: string[]) =>
      ask('kafka-get-offsets', '--topic', PLAIN.topic, '--time', time, ...more)
    expect((await at('-1')).trim().split('\n')).to.deep.equal(['plain:0:30', 'plain:1:30', 'plain:2:30'])
    expect((await ask('kafka-get-offsets', '--topic-partitions', 'plain:1', '--time', '-2')).trim()).to.equal(
      'plain:1:0',
    )
    expect((await at('latest', '--partitions', '2')).trim()).to.equal('plain:2:30')
    expect((await at('max-timestamp', '--partitions', '0')).trim()).to.match(/^plain:0:\d+$/)
    expect((await at('0', '--partitions', '0')).trim()).to.equal('plain:0:0')
    expect((await ask('kafka-get-offsets', '--topic', ROLLED.topic)).trim()).to.equal(`rolled:0:${ROLLED.records}`)
  })

  it('kafka-delete-records deletes up to an offset, and refuses what is beyond', async () => {
    await topicOf('to-shorten', 10)
    const request = (offset: number) =>
      JSON.stringify({ partitions: [{ topic: 'to-shorten', partition: 0, offset }], version: 1 })
    const done = await withFile(request(4), (path) => ask('kafka-delete-records', '--offset-json-file', path))
    expect(done).to.match(/partition: to-shorten-0\s+low_watermark: 4/)
    expect((await ask('kafka-get-offsets', '--topic', 'to-shorten', '--time', 'earliest')).trim()).to.equal(
      'to-shorten:0:4',
    )
    const beyond = await withFile(request(11), (path) => ask('kafka-delete-records', '--offset-json-file', path))
    expect(beyond).to.match(/to-shorten-0.*OffsetOutOfRangeException/)
    const all = await withFile(request(-1), (path) => ask('kafka-delete-records', '--offset-json-file', path))
    expect(all).to.match(/low_watermark: 10/)
  })

  it('kafka-consumer-groups lists, describes, resets and deletes', async () => {
    expect((await ask('kafka-consumer-groups', '--list')).split('\n')).to.include(GROUP)
    const described = await ask('kafka-consumer-groups', '--describe', '--group', GROUP)
    const row = rowsOf(described.slice(described.indexOf('GROUP '))).find(({ PARTITION }) => PARTITION === '1')!
    expect(row).to.include({ TOPIC: PLAIN.topic, 'CURRENT-OFFSET': '11', 'LOG-END-OFFSET': '30', LAG: '19' })
    expect(await ask('kafka-consumer-groups', '--describe', '--group', GROUP, '--state')).to.match(/Empty\s+0/)
    const group = 'to-reset'
    const target = ['--group', group, '--topic', PLAIN.topic]
    await ask('kafka-consumer-groups', '--reset-offsets', ...target, '--to-earliest', '--execute')
    const shift = await ask('kafka-consumer-groups', '--reset-offsets', ...target, '--shift-by', '5', '--execute')
    expect(shift).to.match(/to-reset\s+plain\s+2\s+5/)
    await ask('kafka-consumer-groups', '--delete-offsets', ...target)
    await ask('kafka-consumer-groups', '--reset-offsets', ...target, '--to-latest', '--execute')
    expect(await ask('kafka-consumer-groups', '--delete', '--group', group)).to.include("('to-reset') was successful")
    expect((await ask('kafka-consumer-groups', '--list')).split('\n')).to.not.include(group)
  })

  it('kafka-log-dirs tells the sizes of partitions', async () => {
    const output = await ask('kafka-log-dirs', '--describe', '--topic-list', ROLLED.topic)
    const found = JSON.parse(output.split('\n').find((line) => line.startsWith('{'))!) as {
      brokers: { logDirs: { error: unknown; partitions: { partition: string; size: number }[] }[] }[]
    }
    const [first] = found.brokers[0]!.logDirs.filter(({ partitions }) => partitions.length > 0)
    expect(first!.error).to.equal(null)
    expect(first!.partitions[0]).to.include({ partition: 'rolled-0' })
    expect(first!.partitions[0]!.size).to.be.above(ROLLED.records * ROLLED.valueBytes)
  })

  it('kafka-transactions lists and describes', async () => {
    const listed = rowsOf(await ask('kafka-transactions', 'list'))
    const mine = listed.find((row) => row['TransactionalId'] === TRANSACTIONAL_ID)
    expect(mine).to.include({ TransactionState: 'CompleteAbort' })
    const [described] = rowsOf(await ask('kafka-transactions', 'describe', '--transactional-id', TRANSACTIONAL_ID))
    expect(described).to.include({ TransactionalId: TRANSACTIONAL_ID, TransactionState: 'CompleteAbort' })
    expect(described!['ProducerId']).to.equal(mine!['ProducerId'])
    const producers = rowsOf(
      await ask('kafka-transactions', 'describe-producers', '--topic', MIXED.topic, '--partition', '0'),
    )
    expect(producers.find(({ ProducerId }) => ProducerId === mine!['ProducerId'])).to.include({
      CurrentTransactionStartOffset: 'None',
    })
  })

  it('kafka-transactions finds a transaction that hangs, and aborts it', async () => {
    const producerId = String(await hang(tools().bootstrapServers, 'hanging'))
    const find = async () =>
      rowsOf(await ask('kafka-transactions', 'find-hanging', '--topic', 'hanging', '--partition', '0'))
    expect((await find())[0]).to.include({ Topic: 'hanging', Partition: '0', ProducerId: producerId, StartOffset: '0' })
    await ask('kafka-transactions', 'abort', '--topic', 'hanging', '--partition', '0', '--start-offset', '0')
    expect(await find()).to.deep.equal([])
    const [producer] = rowsOf(
      await ask('kafka-transactions', 'describe-producers', '--topic', 'hanging', '--partition', '0'),
    )
    expect(producer).to.include({ CurrentTransactionStartOffset: 'None' })
  })
}
