/**
 * The lines of what Apache Kafka was seen to do are numbered, and a test that holds us to one says so in its title: `behaviour 71: ...`
 * or `(behaviours 69, 74)`. A line that no test claims fails here, so that nobody loses one when tests are moved or rewritten.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const tests = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'test')
const LAST_LINE = 119

/** Lines about APIs that are not served. Whoever serves one takes its lines out of here. */
const notServed: readonly { from: number; to: number; why: string }[] = [
  { from: 99, to: 104, why: 'consumer groups of KIP-848: keys 68 and 69 are not served' },
  { from: 105, to: 112, why: 'transactions: keys 22 and 24 to 28 are not served' },
  { from: 113, to: 119, why: 'SASL and ACLs: keys 17, 29 to 31 and 36 are not served' },
]

/** The numbers in `behaviour 7`, `behaviours 7, 9 and 12`, `behaviours 1-3` and `behaviours 1 to 3`. */
function linesClaimedBy(title: string): number[] {
  const claims = title.matchAll(/\bbehaviours? (\d+(?:(?:, | and |-| to )\d+)*)/g)
  return [...claims].flatMap(([, list]) =>
    list!.split(/, | and /).flatMap((part) => {
      const [from = 0, to = from] = part.split(/-| to /).map(Number)
      return Array.from({ length: to - from + 1 }, (_, i) => from + i)
    }),
  )
}

function titles(): string[] {
  const files = readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts'))
  return files.flatMap((file) => {
    const text = readFileSync(join(tests, file), 'utf8')
    return [...text.matchAll(/\b(?:it|describe)\(\s*(['`"])(.*?)\1,/gs)].map((match) => match[2]!)
  })
}

describe('server/behaviour-coverage', () => {
  const claimed = new Set(titles().flatMap(linesClaimedBy))
  const out = new Set(notServed.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i)))
  const all = Array.from({ length: LAST_LINE }, (_, i) => i + 1)

  it('every line about a served API is claimed by a test', () => {
    expect(all.filter((line) => !claimed.has(line) && !out.has(line))).to.deep.equal([])
  })

  it('no test claims a line that is not there or not served', () => {
    expect([...claimed].filter((line) => !all.includes(line) || out.has(line))).to.deep.equal([])
  })

  it('reads lists and ranges', () => {
    expect(linesClaimedBy('x (behaviours 69, 74)')).to.deep.equal([69, 74])
    expect(linesClaimedBy('behaviours 2 and 3: KIP-345')).to.deep.equal([2, 3])
    expect(linesClaimedBy('behaviours 1-3, 7 and 9 to 10; details 5')).to.deep.equal([1, 2, 3, 7, 9, 10])
    expect(linesClaimedBy('behaviour 12, details 1: v3')).to.deep.equal([12])
    expect(linesClaimedBy('62: not a claim')).to.deep.equal([])
  })
})
