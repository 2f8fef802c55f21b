/** The process a command runs in: arguments, standard streams, signals, exit. The only place that knows `process`. */
import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { createInterface } from 'node:readline'
import { enqueue } from './real-time.js'

export interface Program {
  readonly argv: readonly string[]
  readonly outIsTerminal: boolean
  readonly errIsTerminal: boolean
  out(text: string): void
  err(text: string): void
  /** Standard input, line by line, without the line ends. */
  lines(): AsyncIterable<string>
  /** Calls back at the first SIGINT or SIGTERM; a second one ends the process as if nobody listened. */
  onStop(listener: (signal: string) => void): void
  /** The reader of standard output has gone away (`| head`). Without a listener the rest of the output is dropped: that is a wish, no crash. */
  onOutputClosed(listener: () => void): void
  /** Whole text file; throws the operating system's error. */
  readText(path: string): string
  readBytes(path: string): Buffer
  /** Lets pending output leave, then ends the process with this code. */
  exit(code: number): void
  /** Memory this process may have: the container's limit where there is one, else the machine's. */
  readonly totalMemoryBytes: number
}

export const nodeProgram: Program = {
  argv: process.argv.slice(2),
  outIsTerminal: process.stdout.isTTY === true,
  errIsTerminal: process.stderr.isTTY === true,
  out(text) {
    watchOutput()
    if (!outputClosed) process.stdout.write(text)
  },
  err(text) {
    watchOutput()
    process.stderr.write(text)
  },
  async *lines() {
    // Made when the first line is asked for: lines that come before somebody iterates would be lost.
    yield* createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })
  },
  onStop(listener) {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => listener(signal))
    }
  },
  onOutputClosed(listener) {
    watchOutput()
    if (outputClosed) enqueue(listener)
    else outputListeners.push(listener)
  },
  readText(path) {
    return readFileSync(path, 'utf8')
  },
  readBytes(path) {
    return readFileSync(path)
  },
  exit(code) {
    process.exitCode = code
    // What is still in a pipe leaves first; a handle that a library forgot must not keep the process.
    process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
  },
  get totalMemoryBytes() {
    const limit = process.constrainedMemory?.() ?? 0
    const total = totalmem()
    // Without a limit Node gives 0, or a number above any machine's memory.
    return limit > 0 && limit < total ? limit : total
  },
}

let watching = false
let outputClosed = false
const outputListeners: (() => void)[] = []

/** A stream whose reader has gone emits an error, which ends the process unless somebody listens. */
function watchOutput(): void {
  if (watching) return
  watching = true
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    if (outputClosed) return
    outputClosed = true
    for (const listener of outputListeners.splice(0)) listener()
  })
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}
