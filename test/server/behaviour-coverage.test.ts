/**
 * The lines of what Apache Kafka was seen to do are numbered, and a test that holds us to one says so in its title: `behaviour 71: ...`
 * or `(behaviours 69, 74)`. A line that no test claims fails here, so that nobody loses one when tests are moved or rewritten.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const tests = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'test')
const LAST_LINE = 119

/** Lines about APIs that are not served. Whoever serves one takes its lines out of here. */
const notServed: readonly { from: number; to: number; why: string }[] = [
  { from: 99, to: 104, why: 'consumer groups of KIP-848: keys 68 and 69 are not served' },
  { from: 113, to: 119, why: 'SASL and ACLs: keys 17, 29 to 31 and 36 are not served' },
]

/** The numbers in `behaviour 7`, `behaviours 7, 9 and 12`, `behaviours 1-3` and `behaviours 1 to 3`. */
function linesClaimedBy(title: string): number[] {
  return numbersIn(title, /\bbehaviours? (\d+(?:(?:, | and |-| to )\d+)*)/g)
}

function numbersIn(title: string, pattern: RegExp): number[] {
  const claims = title.matchAll(pattern)
  return [...claims].flatMap(([, list]) =>
    list!.split(/, | and /).flatMap((part) => {
      const [from = 0, to = from] = part.split(/-| to /).map(Number)
      return Array.from({ length: to - from + 1 }, (_, i) => from + i)
    }),
  )
}

/** Compatibility details that no test here can hold us to; BEHAVIOUR.md says why. */
const detailsElsewhere = [13, 21, 24]
const LAST_DETAIL = 26

const files = readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts'))
const titled = files.sort().map((file) => {
  const text = readFileSync(join(tests, file), 'utf8')
  return { file, titles: [...text.matchAll(/\b(?:it|describe)\(\s*(['`"])(.*?)\1,/gs)].map((match) => match[2]!) }
})

const titles = (): string[] => titled.flatMap((one) => one.titles)
const detailsClaimedBy = (title: string): number[] => numbersIn(title, /\bdetails (\d+(?:(?:, | and |-| to )\d+)*)/g)

/** BEHAVIOUR.md with the tests of each line in its last column. */
function withTests(table: string): string {
  let claimedBy = linesClaimedBy
  const rows = table.split('\n').map((row) => {
    if (row.startsWith('| details')) claimedBy = detailsClaimedBy
    const [, line, fact] = /^\| (\d+) *\| (.*?) *\|/.exec(row) ?? []
    if (line === undefined) return row
    const holding = titled.filter((one) => one.titles.some((title) => claimedBy(title).includes(Number(line))))
    const names = holding.map(({ file }) => `\`${file.replaceAll('\\', '/').replace('.test.ts', '')}\``)
    return `| ${line} | ${fact} | ${names.join(', ')} |`
  })
  return rows.join('\n')
}

/** The last column of a row. */
const testsIn = (row: string): string[] => (row.split(' | ').at(-1) ?? '').match(/`[^`]+`/g) ?? []

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

  it('every compatibility detail is claimed by a test, or checked elsewhere', () => {
    const details = new Set(titles().flatMap(detailsClaimedBy))
    const wanted = Array.from({ length: LAST_DETAIL }, (_, i) => i + 1).filter((one) => !detailsElsewhere.includes(one))
    expect([...details].sort((a, b) => a - b)).to.deep.equal(wanted)
  })

  it('BEHAVIOUR.md has every line with its tests', () => {
    const path = join(tests, 'server/BEHAVIOUR.md')
    const text = readFileSync(path, 'utf8')
    const current = withTests(text)
    if (process.env.UPDATE_BEHAVIOUR) writeFileSync(path, current)
    // It may name fewer tests than there are, so that a new test need not touch it; what it names must hold.
    const stale = text
      .split('\n')
      .filter((row, index) => !testsIn(row).every((test) => testsIn(current.split('\n')[index]!).includes(test)))
    expect(process.env.UPDATE_BEHAVIOUR ? [] : stale).to.deep.equal([])
    const listed = [...text.matchAll(/^\| (\d+) *\|/gm)].map((match) => Number(match[1]))
    const [lines, details] = [listed.slice(0, listed.lastIndexOf(1)), listed.slice(listed.lastIndexOf(1))]
    expect(lines).to.deep.equal(all.filter((line) => !out.has(line)))
    expect(details).to.have.length(LAST_DETAIL - detailsElsewhere.length)
    expect(current).to.not.match(/\| +\|$/m)
  })

  it('reads lists and ranges', () => {
    expect(linesClaimedBy('x (behaviours 69, 74)')).to.deep.equal([69, 74])
    expect(linesClaimedBy('behaviours 2 and 3: KIP-345')).to.deep.equal([2, 3])
    expect(linesClaimedBy('behaviours 1-3, 7 and 9 to 10; details 5')).to.deep.equal([1, 2, 3, 7, 9, 10])
    expect(linesClaimedBy('behaviour 12, details 1: v3')).to.deep.equal([12])
    expect(linesClaimedBy('62: not a claim')).to.deep.equal([])
  })
})
