/**
 * Notices a hang, also one that never leaves its turn of the event loop: a thread of its own watches a counter in shared memory, says
 * which case stands still, and ends the process.
 */
import { Worker } from 'node:worker_threads'

/** No single case needs nearly as long, even on a busy machine. */
const HANG_MS = 30_000

/** Plain JavaScript: a worker that is an ES module of its own would have to be found in the build. */
const WATCHER = `
const { workerData } = require('node:worker_threads')
const { writeSync } = require('node:fs')
const view = new Int32Array(workerData.shared)
let last = -1
let since = Date.now()
setInterval(() => {
  const ticks = Atomics.load(view, 0)
  if (ticks !== last) { last = ticks; since = Date.now(); return }
  if (Date.now() - since < workerData.hangMs) return
  const name = workerData.names[Atomics.load(view, 1)] || 'the start'
  writeSync(1, 'HANG in ' + name + ': nothing moved for ' + workerData.hangMs + ' ms. Reproduce: ' +
    'node build/test/fuzz/main.js --only "' + name + '" --seed ' + Atomics.load(view, 2) + '\\n' +
    Atomics.load(view, 3) + ' passed, ' + (Atomics.load(view, 4) + 1) + ' failed\\n')
  process.kill(process.pid, 'SIGKILL')
}, 250)
`

export class Watchdog {
  readonly #view: Int32Array
  readonly #worker: Worker

  constructor(names: readonly string[], hangMs = HANG_MS) {
    const shared = new SharedArrayBuffer(5 * 4)
    this.#view = new Int32Array(shared)
    this.#worker = new Worker(WATCHER, { eval: true, workerData: { shared, names, hangMs } })
    this.#worker.unref()
  }

  /** Something moved. */
  tick(): void {
    Atomics.add(this.#view, 0, 1)
  }

  /** What runs now; seeds are below 2^31. */
  at(target: number, seed: number): void {
    Atomics.store(this.#view, 1, target)
    Atomics.store(this.#view, 2, seed)
    this.tick()
  }

  /** Of the case at hand. */
  get seed(): number {
    return Atomics.load(this.#view, 2)
  }

  /** For the last line, should it come to that. */
  score(passed: number, failed: number): void {
    Atomics.store(this.#view, 3, passed)
    Atomics.store(this.#view, 4, failed)
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }
}
