/**
 * Compares what the brokers hold of each partition, in their files, after they were stopped. Replicas have the same batches, byte for byte. Of
 * compacted partitions each broker removes what it wants when it wants: they have the same end, and the same last value of every key.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decompress, prepareCodec } from '../../lib/log/compression/index.js'
import { decodeBatch, forEachBatch, batchHeader as header, parseEndTxnMarker } from '../../protocol/index.js'
import type { Verdict } from '../crash/checker.js'
import { COMPACTED } from '../crash/topics.js'

export interface Promised {
  /** How many brokers hold each partition. */
  readonly copies: number
  /** `topic-partition` -> every replica has everything below. */
  readonly committed: ReadonlyMap<string, number>
}

interface Replica {
  readonly broker: number
  readonly batches: readonly Buffer[]
}

/** Kafka Streams compacts its changelogs. */
const isCompacted = (topic: string): boolean =>
  [COMPACTED, '__consumer_offsets', '__transaction_state'].includes(topic) || topic.endsWith('-changelog')

export async function compareReplicas(
  folders: readonly { readonly id: number; readonly dataFolder: string }[],
  { copies, committed }: Promised,
  verdict: Verdict,
): Promise<void> {
  const names = new Set(folders.flatMap(({ dataFolder }) => partitionsIn(dataFolder)))
  for (const name of [...names].sort()) {
    const holders = folders.filter(({ dataFolder }) => partitionsIn(dataFolder).includes(name))
    verdict.holds(
      'replicas',
      holders.length === copies,
      () => `${name} is held by ${holders.map(({ id }) => id).join(', ')}, not by ${copies} brokers`,
    )
    const replicas = holders.map(({ id, dataFolder }) => ({ broker: id, batches: batchesIn(join(dataFolder, name)) }))
    for (const { broker, batches } of replicas) {
      const end = endOf(batches)
      verdict.holds(
        'replicas',
        end >= (committed.get(name) ?? 0),
        () => `${name}: broker ${broker} ends at ${end}, but ${committed.get(name)} was committed`,
      )
    }
    const compacted = isCompacted(name.slice(0, name.lastIndexOf('-')))
    for (const other of replicas.slice(1)) {
      const difference = compacted ? await differentState(replicas[0]!, other) : differentBytes(replicas[0]!, other)
      verdict.holds('replicas', difference === null, () => `${name}: ${difference}`)
    }
  }
}

function partitionsIn(dataFolder: string): string[] {
  return readdirSync(dataFolder).filter((name) => /-\d+$/.test(name) && !name.startsWith('__cluster_metadata'))
}

function batchesIn(folder: string): Buffer[] {
  const segments = readdirSync(folder)
    .filter((name) => /^\d{20}\.log$/.test(name))
    .sort()
  return segments.flatMap((name) => {
    const bytes = readFileSync(join(folder, name))
    const found: Buffer[] = []
    forEachBatch(bytes, (at, size) => found.push(bytes.subarray(at, at + size)))
    return found
  })
}

const endOf = (batches: readonly Buffer[]): number =>
  batches.length === 0 ? 0 : header.lastOffset(batches.at(-1)!) + 1

/**
 * From where both have something (retention need not have removed the same segments) to where both have something (one was stopped before the
 * other).
 */
function differentBytes(one: Replica, other: Replica): string | null {
  const start = Math.max(
    ...[one, other].map(({ batches }) => (batches.length === 0 ? 0 : header.baseOffset(batches[0]!))),
  )
  const end = Math.min(endOf(one.batches), endOf(other.batches))
  const [a, b] = [one, other].map(({ batches }) =>
    batches.filter((batch) => header.lastOffset(batch) >= start && header.baseOffset(batch) < end),
  )
  for (let index = 0; index < Math.max(a!.length, b!.length); index++) {
    const [left, right] = [a![index], b![index]]
    if (left !== undefined && right !== undefined && left.equals(right)) continue
    return `brokers ${one.broker} and ${other.broker} differ: ${described(left)} / ${described(right)}`
  }
  return null
}

function described(batch: Buffer | undefined): string {
  if (batch === undefined) return 'nothing'
  return `offsets ${header.baseOffset(batch)}-${header.lastOffset(batch)} of epoch ${header.leaderEpoch(batch)}, producer ${header.producerId(batch)}, ${batch.length} bytes`
}

async function differentState(one: Replica, other: Replica): Promise<string | null> {
  const end = Math.min(endOf(one.batches), endOf(other.batches))
  const [a, b] = [await lastValues(one, end), await lastValues(other, end)]
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    const [left, right] = [a.get(key) ?? null, b.get(key) ?? null]
    if (left === right || left === UNSETTLED || right === UNSETTLED) continue
    return `brokers ${one.broker} and ${other.broker} have different last values of key ${key}`
  }
  return null
}

/** Its last transaction is not over. */
const UNSETTLED = 'in a transaction'

interface Written {
  readonly key: string
  readonly offset: number
  readonly value: string | null
}

/** Of every key: the value with the highest offset that no transaction took back. */
async function lastValues({ batches }: Replica, end: number): Promise<Map<string, string | null>> {
  const last = new Map<string, Written>()
  const open = new Map<number, Written[]>()
  const keep = (written: Written) => {
    if ((last.get(written.key)?.offset ?? -1) < written.offset) last.set(written.key, written)
  }
  for (const batch of batches) {
    if (header.baseOffset(batch) >= end) break
    await prepareCodec(header.compressionCode(batch))
    const producerId = header.producerId(batch)
    if (header.isControl(batch)) {
      const marker = parseEndTxnMarker(batch)
      if (marker?.type === 'commit') open.get(producerId)?.forEach(keep)
      if (marker !== null) open.delete(producerId)
      continue
    }
    const written = decodeBatch(batch, decompress).map(({ offset, key, value }) => ({
      key: key?.toString('hex') ?? '',
      offset,
      value: value?.toString('hex') ?? null,
    }))
    if (header.isTransactional(batch)) open.set(producerId, [...(open.get(producerId) ?? []), ...written])
    else written.forEach(keep)
  }
  const values = new Map([...last].map(([key, { value }]): [string, string | null] => [key, value]))
  for (const { key } of [...open.values()].flat()) values.set(key, UNSETTLED)
  return values
}
