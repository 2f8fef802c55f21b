/**
 * Ends a process whose event loop stands still, and says what it was doing. Nothing on the loop itself can: code that asks itself for more in
 * one turn, for ever, lets no timer come to its turn, and so no test's time limit. (kafkajs 2.2.4's consumers do that now and then.)
 */
import { writeSync } from 'node:fs'
import { type Profiler, Session } from 'node:inspector'
import { fileURLToPath } from 'node:url'
import { isMainThread, Worker, workerData } from 'node:worker_threads'

/** Missed beats in a row that make a standstill. Several, since after a pause of the whole machine ours may be looked for before it comes. */
const BEATS = 5
const PROFILE_MS = 1000
/** A loop that sleeps in the kernel cannot be looked into. */
const PROFILE_LIMIT_MS = 5000
const SHOWN_FUNCTIONS = 12
const NAME_BYTES = 500

interface Shared {
  readonly watchdog: true
  readonly limitMs: number
  readonly beats: Int32Array
  /** UTF-8 of what is being done, zero-terminated. */
  readonly name: Uint8Array
}

/** Watches this process until it ends, without keeping it alive. The returned function tells what is being done now, for the last words. */
export function watchLoop(limitMs: number): (name: string) => void {
  const shared: Shared = {
    watchdog: true,
    limitMs,
    beats: new Int32Array(new SharedArrayBuffer(4)),
    name: new Uint8Array(new SharedArrayBuffer(NAME_BYTES + 1)),
  }
  setInterval(() => Atomics.add(shared.beats, 0, 1), limitMs / BEATS / 4).unref()
  new Worker(fileURLToPath(import.meta.url), { workerData: shared, execArgv: [] }).unref()
  return (name) => {
    shared.name.fill(0)
    shared.name.set(Buffer.from(name).subarray(0, NAME_BYTES))
  }
}

function watch({ limitMs, beats, name }: Shared): void {
  let last = -1
  let missed = 0
  const timer = setInterval(() => {
    const now = Atomics.load(beats, 0)
    missed = now === last ? missed + 1 : 0
    last = now
    if (missed < BEATS) return
    clearInterval(timer)
    const doing = Buffer.from(name).toString().replace(/\0.*/s, '')
    writeSync(2, `\nThe event loop has stood still for ${limitMs} ms${doing === '' ? '' : ` in "${doing}"`}.\n`)
    setTimeout(end, PROFILE_LIMIT_MS)
    profile()
  }, limitMs / BEATS)
}

function end(): void {
  process.kill(process.pid, 'SIGKILL')
}

/** Writes where the loop spends its time, then ends. */
function profile(): void {
  const session = new Session()
  session.connectToMainThread()
  session.post('Profiler.enable')
  session.post('Profiler.start', () => {
    setTimeout(() => {
      session.post('Profiler.stop', (_error, result) => {
        if (result !== undefined) writeSync(2, `${busiest(result.profile)}\n`)
        end()
      })
    }, PROFILE_MS)
  })
}

function busiest({ nodes, samples = [] }: Profiler.Profile): string {
  const counts = new Map<number, number>()
  for (const id of samples) counts.set(id, (counts.get(id) ?? 0) + 1)
  return nodes
    .map(({ id, callFrame }) => ({ count: counts.get(id) ?? 0, callFrame }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, SHOWN_FUNCTIONS)
    .map(({ count, callFrame: { functionName, url, lineNumber } }) => {
      const share = Math.round((100 * count) / samples.length)
      return `${String(share).padStart(4)} % ${functionName || '(anonymous)'} ${url}:${lineNumber + 1}`
    })
    .join('\n')
}

if (!isMainThread && (workerData as Partial<Shared> | null)?.watchdog === true) watch(workerData as Shared)
