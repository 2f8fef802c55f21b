/** Runs the compiled program as people do: a process of its own, with pipes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../../lib/cli/main.js', import.meta.url))

export interface Ended {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves with all of standard output so far when it matches; rejects when the program ends without. */
  output(pattern: RegExp): Promise<string>
  /** The same for standard error. */
  log(pattern: RegExp): Promise<string>
}

export function launch(args: readonly string[], input = ''): Running {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  const text = { out: '', err: '' }
  const watchers = new Set<() => void>()
  for (const [name, stream] of [
    ['out', child.stdout],
    ['err', child.stderr],
  ] as const) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
      for (const watcher of [...watchers]) watcher()
    })
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, ...text }))
  })
  // The program may end without reading its input.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const seen = (name: 'out' | 'err', pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(text[name])) return
        watchers.delete(look)
        resolve(text[name])
      }
      watchers.add(look)
      look()
      void ended.then(({ code, err }) => reject(new Error(`ended with ${code} before ${pattern}: ${err}`)))
    })
  return { child, ended, output: (pattern) => seen('out', pattern), log: (pattern) => seen('err', pattern) }
}

export function run(args: readonly string[], input = ''): Promise<Ended> {
  return launch(args, input).ended
}

/** Refusals are one line on standard error and nothing on standard output. */
export interface Refusal {
  readonly args: readonly string[]
  readonly code: 1 | 2
  readonly sentence: RegExp
}

/** Runs a few at a time: most of a run is the start of a process. */
export async function runAll(cases: readonly { readonly args: readonly string[] }[]): Promise<Ended[]> {
  const results: Ended[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < cases.length) {
      const index = next++
      results[index] = await run(cases[index]!.args)
    }
  }
  await Promise.all([worker(), worker(), worker()])
  return results
}
