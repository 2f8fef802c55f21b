/** `odradek dump` for what is no segment or index: metadata records, and the text files of a log directory. */
import { clusterMetadataRecords, decodeMetadataRecord, metadataRecordHead } from '../../../protocol/index.js'
import type { Output } from '../output.js'
import { CommandError } from '../session.js'

/** A record of the metadata log in words and as a value for --json; null when the bytes are none. */
export function metadataRecord(value: Buffer): { name: string; fields: object } | null {
  try {
    const decoded = decodeMetadataRecord(clusterMetadataRecords, value)
    if (decoded === undefined) return { name: `record type ${metadataRecordHead(value).type}`, fields: {} }
    return { name: decoded.record.name, fields: decoded.value }
  } catch {
    return null
  }
}

/** Files of lines: checkpoints (`replication-offset-checkpoint` ...), `meta.properties`, `partition.metadata`. */
export function dumpText(path: string, bytes: Buffer, output: Output): void {
  const lines = bytes.toString('utf8').split(/\r?\n/)
  if (lines[lines.length - 1] === '') lines.pop()
  if (!path.endsWith('-checkpoint')) {
    const pairs = lines
      .map((line) => /^\s*([^#=:\s]+)\s*[=:]\s*(.*)$/.exec(line))
      .filter((match) => match !== null)
      .map((match) => [match[1]!, match[2]!] as const)
    output.table(['name', 'value'], pairs, Object.fromEntries(pairs))
    return
  }
  const [version, count, ...entries] = lines
  if (version !== '0') throw new CommandError(`${path} has version ${version ?? ''}; only 0 is known here.`)
  if (Number(count) !== entries.length) {
    throw new CommandError(`${path} says that it has ${count ?? 'no'} entries and has ${entries.length}.`)
  }
  const rows = entries.map((line) => line.trim().split(/\s+/))
  if (path.endsWith('leader-epoch-checkpoint')) {
    const values = rows.map(([epoch, start]) => ({ epoch: Number(epoch), startOffset: Number(start) }))
    output.table(['epoch', 'start'], rows, values)
    return
  }
  const values = rows.map(([topic, partition, offset]) => ({
    topic,
    partition: Number(partition),
    offset: Number(offset),
  }))
  output.table(['topic', 'partition', 'offset'], rows, values)
}
