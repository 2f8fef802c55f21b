/** The table: who has a column, and which ratios are shown. */
import type { ServerName } from './bench-case.js'
import { cell, ratioCell } from './numbers.js'

const COLUMNS: readonly ServerName[] = ['floor', 'Odradek', 'Odradek on disk', 'Apache Kafka', 'kfake']
const RATIOS: readonly (readonly [ServerName, ServerName])[] = [
  ['Odradek', 'floor'],
  ['Odradek', 'Apache Kafka'],
  ['Odradek', 'kfake'],
  ['Odradek on disk', 'Odradek'],
  ['Odradek on disk', 'Apache Kafka'],
]

export const HEAD: readonly string[] = [
  'case',
  'metric',
  ...COLUMNS,
  ...RATIOS.map(([ours, theirs]) => `${ours} / ${theirs}`),
  'cores: server (client), in the order of the columns',
]

/** A row; `of` gives a server's figures, one for each round, or none. */
export function tableRow(
  name: string,
  metric: string,
  of: (server: ServerName) => readonly number[],
  cores = '',
): string[] {
  return [
    name,
    metric,
    ...COLUMNS.map((server) => cell(of(server))),
    ...RATIOS.map(([ours, theirs]) => ratioCell(of(ours), of(theirs))),
    cores,
  ]
}
