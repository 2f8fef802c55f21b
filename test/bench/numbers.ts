/** Medians, and the table. */

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly count: number
}

export function spreadOf(numbers: readonly number[]): Spread | null {
  const sorted = numbers.filter((n) => Number.isFinite(n)).sort((a, b) => a - b)
  if (sorted.length === 0) return null
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)!, count: sorted.length }
}

/** The value below which the share `p` of the samples lies. */
export function percentile(samples: Float64Array, p: number): number {
  const sorted = samples.slice().sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))]!
}

/** Three digits that mean something. */
export function short(n: number): string {
  const size = Math.abs(n)
  if (size >= 10_000) return `${(n / 1000).toFixed(size >= 100_000 ? 0 : 1)}k`
  return size >= 100 ? n.toFixed(0) : size >= 10 ? n.toFixed(1) : n.toFixed(2)
}

/** `median [min..max]`. */
export function cell(numbers: readonly number[]): string {
  const spread = spreadOf(numbers)
  if (spread === null) return ''
  return spread.count === 1
    ? short(spread.median)
    : `${short(spread.median)} [${short(spread.min)}..${short(spread.max)}]`
}

/** Median of the ratios within the same round. */
export function ratioCell(ours: readonly number[], theirs: readonly number[]): string {
  const rounds = Math.min(ours.length, theirs.length)
  return cell(Array.from({ length: rounds }, (_, i) => ours[i]! / theirs[i]!))
}

export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head!), line(head!.map(() => '---')), ...body.map(line)].join('\n')
}
