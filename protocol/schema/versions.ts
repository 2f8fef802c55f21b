/** A range of versions, both ends included. Empty when `high < low`. */
export interface Versions {
  readonly low: number
  readonly high: number
}

/** Stands for "and all later ones". */
const OPEN_END = 0x7fff
export const NO_VERSIONS: Versions = { low: 0, high: -1 }

/** Reads `3+`, `2-5`, `4` or `none` (also `undefined`: none). Throws on anything else: a schema is source code. */
export function parseVersions(text: string | undefined): Versions {
  if (text === undefined || text === 'none') return NO_VERSIONS
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text)
  if (!match) throw new Error(`not a range of versions: ${text}`)
  const low = Number(match[1])
  if (match[2]) return { low, high: OPEN_END }
  return { low, high: match[3] === undefined ? low : Number(match[3]) }
}

export const includes = (range: Versions, version: number): boolean => version >= range.low && version <= range.high

/** Whether the text of a range includes the version; see `parseVersions`. */
export const inVersions = (text: string | undefined, version: number): boolean => includes(parseVersions(text), version)
