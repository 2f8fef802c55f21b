/** The process a command runs in: arguments, standard streams, signals, exit. The only place that knows `process`. */
import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { createInterface } from 'node:readline'

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
  /** The reader of standard output has gone away (`| head`). */
  onOutputClosed(listener: () => void): void
  /** Whole text file; throws the operating system's error. */
  readText(path: string): string
  readBytes(path: string): Buffer
  /** Lets pending output leave, then ends the process with this code. */
  exit(code: number): void
  readonly totalMemoryBytes: number
}

export const nodeProgram: Program = {
  argv: process.argv.slice(2),
  outIsTerminal: process.stdout.isTTY === true,
  errIsTerminal: process.stderr.isTTY === true,
  out(text) {
    process.stdout.write(text)
  },
  err(text) {
    process.stderr.write(text)
  },
  lines() {
    return createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })
  },
  onStop(listener) {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => listener(signal))
    }
  },
  onOutputClosed(listener) {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      listener()
    })
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
  totalMemoryBytes: totalmem(),
}
