/** The process a command runs in: arguments, standard streams, signals, exit. The only place that knows `process`. */
import { readFileSync } from 'node:fs'
import { enqueue } from './real-time.js'

export interface Program {
  readonly argv: readonly string[]
  readonly outIsTerminal: boolean
  readonly errIsTerminal: boolean
  readonly inIsTerminal: boolean
  /** Text leaves as UTF-8, bytes as they are. */
  out(data: string | Buffer): void
  err(text: string): void
  /** Standard input as it comes; nothing is read before the first chunk is asked for, and nothing after `break`. */
  input(): AsyncIterable<Buffer>
  /** Calls back at the first SIGINT, SIGTERM or SIGHUP (the terminal has gone); a second one ends the process as if nobody listened. */
  onStop(listener: (signal: string) => void): void
  /** The reader of standard output has gone away (`| head`). Without a listener the rest of the output is dropped: that is a wish, no crash. */
  onOutputClosed(listener: () => void): void
  /** Whole text file; throws the operating system's error. */
  readText(path: string): string
  readBytes(path: string): Buffer
  /** The process stays until `exit` although nothing but a timer of ours is waited for: our clocks hold nobody (real-time.ts). */
  stay(): void
  /** Lets pending output leave, then ends the process with this code. */
  exit(code: number): void
}

export const nodeProgram: Program = {
  argv: process.argv.slice(2),
  get outIsTerminal() {
    return process.stdout.isTTY === true
  },
  get errIsTerminal() {
    return process.stderr.isTTY === true
  },
  // Looking at it opens the stream.
  get inIsTerminal() {
    return process.stdin.isTTY === true
  },
  out(data) {
    watchOutput()
    if (!outputClosed) process.stdout.write(data)
  },
  err(text) {
    watchOutput()
    process.stderr.write(text)
  },
  input() {
    return process.stdin
  },
  onStop(listener) {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
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
  stay() {
    setInterval(() => {}, LONGEST_DELAY_MS)
  },
  exit(code) {
    process.exitCode = code
    // What is still in a pipe leaves first; a handle that a library forgot must not keep the process.
    process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
  },
}

/** What Node's timers take at most. */
const LONGEST_DELAY_MS = 2 ** 31 - 1

let watching = false
let outputClosed = false
const outputListeners: (() => void)[] = []

/**
 * A stream whose reader has gone emits an error, which ends the process unless somebody listens. What cannot be written for another
 * reason (a full disk) is a failure where it is the result, and nothing to die of where it is the log.
 */
function watchOutput(): void {
  if (watching) return
  watching = true
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (outputClosed) return
    outputClosed = true
    if (error.code !== 'EPIPE') {
      process.stderr.write(`Cannot write to standard output: ${error.message}.\n`)
      nodeProgram.exit(1)
      return
    }
    for (const listener of outputListeners.splice(0)) listener()
  })
  process.stderr.on('error', () => {})
}
