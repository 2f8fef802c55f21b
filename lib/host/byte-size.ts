const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 }

/** Bytes from what people write: 512MB, 1.5 GB, 1048576. Units are powers of 1024. Null when it is no size. */
export function parseByteSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?) ?([KMGT]?)(I?B|)$/.exec(text.trim().toUpperCase())
  if (match === null || (match[3] === 'IB' && match[2] === '')) return null
  const bytes = Math.round(Number(match[1]) * UNITS[match[2] === '' ? '' : `${match[2]}B`]!)
  return Number.isSafeInteger(bytes) ? bytes : null
}
