/**
 * The house rules as a test: arrows between folders, sizes, banned calls, leftovers, dead files. Sizes are a ratchet: an
 * offender listed in `tidy-ratchet.json` may stay as large as it is, but not grow; a new one fails.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'acorn'
import { full } from 'acorn-walk'
import { expect } from 'chai'

const root = normalize(join(dirname(fileURLToPath(import.meta.url)), '..', '..'))
const MAX_FILE_LINES = 400
const MAX_FUNCTION_LINES = 70

interface Ratchet {
  files: Record<string, number>
  functions: Record<string, number>
}
const ratchet = JSON.parse(readFileSync(join(root, 'test/tidy-ratchet.json'), 'utf8')) as Ratchet

/** A file may import from its own folder and from lower levels. */
const LEVELS: Record<string, number> = {
  protocol: 0,
  'lib/host': 0,
  'lib/log': 1,
  'lib/metadata': 1,
  'lib/metrics': 1,
  'lib/quota': 1,
  'lib/faults': 1,
  'lib/security': 2,
  'lib/broker': 3,
  'lib/cluster': 4,
  'lib/server': 5,
  'lib/embed': 6,
  'lib/console': 6,
  'lib/index.ts': 7,
  'lib/cli': 7,
}

function walk(folder: string): string[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = join(folder, name)
    if (name === 'node_modules' || name === '.cache') return []
    return statSync(join(root, path)).isDirectory() ? walk(path) : [path]
  })
}

const sources = [...walk('protocol'), ...walk('lib')].filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
const everything = [...sources, ...walk('test'), ...walk('compat')].filter((path) => path.endsWith('.ts'))
const text = new Map(everything.map((path) => [path, readFileSync(join(root, path), 'utf8')]))

function unitOf(path: string): string {
  if (path.startsWith('protocol/')) return 'protocol'
  const [, second] = path.split('/')
  return `lib/${second}`
}

function importsOf(path: string): string[] {
  const found = text.get(path)!.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)
  return [...found].map((match) => match[1]!)
}

/** Comments out, so that a rule may be explained beside the line that obeys it. */
function code(path: string): string {
  return text
    .get(path)!
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|[^:'"`])\/\/.*$/gm, '$1')
}

function hits(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    code(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  )
}

describe('tidy', () => {
  it('arrows point downward', () => {
    const wrong = sources.flatMap((path) => {
      const unit = unitOf(path)
      const level = LEVELS[unit]
      if (level === undefined) return [`${path}: its folder has no level`]
      return importsOf(path)
        .filter((target) => target.startsWith('.'))
        .map((target) => relative('.', normalize(join(dirname(path), target))).replace(/\.js$/, '.ts'))
        .filter((target) => unitOf(target) !== unit && !((LEVELS[unitOf(target)] ?? 99) < level))
        .map((target) => `${path} imports ${target}`)
    })
    expect(wrong).to.deep.equal([])
  })

  it('protocol stands alone', () => {
    const allowed = /^(\.|buffer-layout$|node:module$)/
    const wrong = sources
      .filter((path) => path.startsWith('protocol/'))
      .flatMap((path) =>
        importsOf(path)
          .filter((target) => !allowed.test(target))
          .map((target) => `${path} imports ${target}`),
      )
    expect(wrong).to.deep.equal([])
  })

  it('only lib/host touches the outside world', () => {
    const inside = sources.filter((path) => !path.startsWith('lib/host/'))
    const modules = /^node:(fs|net|tls|timers|os|child_process|dgram|http|worker_threads|perf_hooks)/
    const imported = inside.flatMap((path) =>
      importsOf(path)
        .filter((target) => modules.test(target))
        .map((target) => `${path} imports ${target}`),
    )
    const called = hits(
      inside,
      /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\b(setTimeout|setInterval|setImmediate|queueMicrotask)\(|\bprocess\.(?!roles)|\bperformance\.now\(|\bconsole\./,
    )
    expect([...imported, ...called]).to.deep.equal([])
  })

  it('no file grows past the limit', () => {
    const wrong = everything.flatMap((path) => {
      const lines = text.get(path)!.split('\n').length - 1
      const limit = Math.max(MAX_FILE_LINES, ratchet.files[path] ?? 0)
      return lines > limit ? [`${path}: ${lines} lines`] : []
    })
    expect(wrong).to.deep.equal([])
  })

  it('no function grows past the limit', () => {
    const wrong = sources.flatMap((path) => {
      const compiled = readFileSync(join(root, 'build', path.replace(/\.ts$/, '.js')), 'utf8')
      const tree = parse(compiled, { ecmaVersion: 'latest', sourceType: 'module', locations: true })
      const long: string[] = []
      full(tree, (node) => {
        if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) return
        const lines = node.loc!.end.line - node.loc!.start.line + 1
        const limit = Math.max(MAX_FUNCTION_LINES, ratchet.functions[path] ?? 0)
        if (lines > limit)
          long.push(
            `${path}: a function of ${lines} lines near "${compiled.split('\n')[node.loc!.start.line - 1]!.trim()}"`,
          )
      })
      return long
    })
    expect(wrong).to.deep.equal([])
  })

  it('nothing is left over', () => {
    const marks = everything.flatMap((path) =>
      text
        .get(path)!
        .split('\n')
        .flatMap((line, index) =>
          /\b(FIX[M]E|TO[D]O|XX[X])\b/.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
        ),
    )
    const focused = hits(everything, /\b(describe|it)\.only\(/)
    expect([...marks, ...focused]).to.deep.equal([])
  })

  it('tests wait for conditions and do not sleep', () => {
    const tests = everything.filter((path) => path.startsWith('test/') && path.endsWith('.test.ts'))
    expect(hits(tests, /\bsleep\(|setTimeout\(\s*(resolve|done|r)\b/)).to.deep.equal([])
  })

  it('every source file is used', () => {
    const entries = new Set(['protocol/index.ts', 'lib/index.ts', 'lib/cli/main.ts'])
    const imported = new Set(
      everything.flatMap((path) =>
        importsOf(path)
          .filter((target) => target.startsWith('.'))
          .map((target) => normalize(join(dirname(path), target)).replace(/\.js$/, '.ts')),
      ),
    )
    const productive = new Set(
      sources.flatMap((path) =>
        importsOf(path)
          .filter((target) => target.startsWith('.'))
          .map((target) => normalize(join(dirname(path), target)).replace(/\.js$/, '.ts')),
      ),
    )
    /** Built for tests and the simulator: nothing in the product may need them. And the node disk, which waits for `--data-dir`. */
    const forTests = /^lib\/(faults\/|host\/(virtual-clock|memory-network|node-disk)\.ts)/
    expect(sources.filter((path) => !entries.has(path) && !imported.has(path))).to.deep.equal([])
    const unused = sources.filter((path) => !entries.has(path) && !productive.has(path) && !forTests.test(path))
    expect(unused).to.deep.equal([])
  })

  it('the ratchet holds only what still offends', () => {
    const stale = Object.keys(ratchet.files).filter(
      (path) => (text.get(path)?.split('\n').length ?? 0) - 1 <= MAX_FILE_LINES,
    )
    expect(stale).to.deep.equal([])
  })
})
