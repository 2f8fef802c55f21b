/** kafka-dump-log reads every file that was written under load. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { COMPACTED, GROUP, MIXED, PLAIN, ROLLED, TRANSACTIONAL_GROUP, TRANSACTIONAL_ID } from './load.js'
import { tools } from './stage.js'
import { complaintsOf } from './tool-box.js'

/** The files of a partition's folder with this ending, oldest first, with their paths. */
function files(folder: string, ending: string): string[] {
  const path = join(tools().dataFolder, folder)
  const names = readdirSync(path).filter((name) => name.endsWith(ending))
  return names.sort().map((name) => join(path, name))
}

/** Apache Kafka gives an active index its full size at once; its tool takes the zeros of one for entries. */
function preallocated(path: string): boolean {
  return path.endsWith('index') && statSync(path).size > 10_000_000
}

function folders(): string[] {
  return readdirSync(tools().dataFolder).filter((name) => statSync(join(tools().dataFolder, name)).isDirectory())
}

async function dump(paths: readonly string[], ...flags: readonly string[]): Promise<string> {
  expect(paths, 'files to read').to.not.have.length(0)
  const output = await tools().box.runOrThrow('kafka-dump-log', '--files', paths.join(','), ...flags)
  expect(complaintsOf(output)).to.deep.equal([])
  return output
}

const count = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].length

export function dumpLogTests(): void {
  before(function () {
    if (tools().dataFolder === '') this.skip()
  })

  it('reads all segments of a topic that rolled, with every record', async () => {
    const paths = files('rolled-0', '.log')
    expect(paths).to.have.length.above(2)
    const output = await dump(paths, '--deep-iteration', '--print-data-log', '--max-message-size', '5242880')
    expect(count(output, /^\| offset: /gm)).to.equal(ROLLED.records)
    expect(count(output, /^baseOffset: /gm)).to.equal(ROLLED.records / 100)
    expect(output).to.match(/baseSequence: 2100 lastSequence: 2199 producerId: \d+ producerEpoch: 0/)
    expect(output).to.match(/offset: 2199 .*headerKeys: \[n\] key: r2199 payload: v{1500}/)
  })

  it('finds the indexes of all of them right', async () => {
    const offsets = files('rolled-0', '.index')
    const output = await dump(offsets, '--verify-index-only')
    expect(count(output, /^Dumping /gm)).to.equal(offsets.length)
    // The sealed ones: an active index may be larger than its entries.
    const sane = await dump(offsets.slice(0, -1), '--index-sanity-check')
    expect(count(sane, /passed sanity check/g)).to.equal(offsets.length - 1)
    expect(count(await dump(offsets), /^offset: \d+ position: \d+/gm)).to.be.above(10)
    const times = await dump(files('rolled-0', '.timeindex'))
    expect(count(times, /^timestamp: \d+ offset: \d+/gm)).to.be.above(2)
    await dump(files('rolled-0', '.timeindex').slice(0, -1), '--index-sanity-check')
  })

  it('reads producer snapshots', async () => {
    const output = await dump(files('rolled-0', '.snapshot'))
    expect(output).to.match(/producerId: \d+ producerEpoch: 0 .*lastOffset|producerId: \d+ producerEpoch: 0/)
  })

  it('reads a transaction index, and markers in the log', async () => {
    const output = await dump(files('mixed-0', '.txnindex'))
    expect(output).to.match(
      new RegExp(
        `version: 0 producerId: \\d+ firstOffset: ${MIXED.committed + 1} lastOffset: ${MIXED.committed + MIXED.aborted + 1}`,
      ),
    )
    const log = await dump(files('mixed-0', '.log'), '--deep-iteration', '--print-data-log')
    expect(count(log, /isTransactional: true isControl: true/g)).to.equal(2)
    expect(count(log, /endTxnMarker: COMMIT/g)).to.equal(1)
    expect(count(log, /endTxnMarker: ABORT/g)).to.equal(1)
  })

  it('decodes offsets and group metadata', async () => {
    const paths = folders()
      .filter((name) => name.startsWith('__consumer_offsets-'))
      .flatMap((name) => files(name, '.log'))
    const output = await dump(paths, '--offsets-decoder')
    const offsets = [...output.matchAll(/key: (\{.*?\}) payload: (\{.*\})$/gm)].map(([, key, value]) => ({
      key: JSON.parse(key!) as { type: number | string; data: { group: string; partition: number } },
      value: JSON.parse(value!) as { data: { offset: number } },
    }))
    const committed = (group: string, partition: number) =>
      offsets
        .filter(({ key }) => key.data.group === group && key.data.partition === partition)
        .map(({ value }) => value.data.offset)
        .filter((offset) => offset !== undefined)
    expect(committed(GROUP, 1)).to.deep.equal([11])
    // The aborted transaction's offsets are in the log too.
    expect(committed(TRANSACTIONAL_GROUP, 0)).to.deep.equal([7, 9])
  })

  it('decodes the state of transactions', async () => {
    const paths = folders()
      .filter((name) => name.startsWith('__transaction_state-'))
      .flatMap((name) => files(name, '.log'))
    const output = await dump(paths, '--transaction-log-decoder')
    expect(output).to.include(TRANSACTIONAL_ID)
    for (const state of ['Ongoing', 'PrepareCommit', 'CompleteCommit', 'PrepareAbort', 'CompleteAbort']) {
      expect(output).to.match(new RegExp(`state[=:"]+${state}|"transactionStatus":${STATES.indexOf(state)}`), state)
    }
  })

  it('decodes the metadata of the cluster', async () => {
    const output = await dump(files('__cluster_metadata-0', '.log'), '--cluster-metadata-decoder')
    for (const { topic } of [ROLLED, PLAIN, COMPACTED, MIXED]) {
      expect(output).to.match(new RegExp(`"type":"TOPIC_RECORD".*"name":"${topic}"`))
    }
    expect(count(output, /"type":"PARTITION_RECORD"/g)).to.be.above(6)
    expect(output).to.match(/"type":"CONFIG_RECORD".*"name":"segment.bytes"/)
  })

  it('reads every file that there is', async () => {
    let read = 0
    for (const folder of folders()) {
      const all = ['.log', '.index', '.timeindex', '.txnindex', '.snapshot'].flatMap((ending) => files(folder, ending))
      const paths = all.filter((path) => statSync(path).size > 0 && !preallocated(path))
      if (paths.length === 0) continue
      await dump(paths, '--deep-iteration')
      read += paths.length
    }
    expect(read).to.be.above(10)
  })
}

/** By their number in the log. */
const STATES = ['Empty', 'Ongoing', 'PrepareCommit', 'PrepareAbort', 'CompleteCommit', 'CompleteAbort']
