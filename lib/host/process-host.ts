import { totalmem } from 'node:os'

/**
 * What the command line needs of the process it runs in. Tests give their own, so that a command can be run in them
 * as a function, without a process for each.
 */
export interface ProcessHost {
  /** Words after the program's name. */
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingFolder: string
  readonly stdoutIsTty: boolean
  readonly stdoutColumns: number
  readonly pid: number
  /** Resolves when the text has been handed over, which a slow pipe may delay; false when nobody reads any more (EPIPE). */
  writeOut(text: string): Promise<boolean>
  writeError(text: string): void
  /** Standard input, piece by piece. */
  readonly input: AsyncIterable<Uint8Array>
  readonly inputIsTty: boolean
  /** Called for SIGINT and SIGTERM. Returns a function that stops listening. */
  onStop(stop: (signal: 'SIGINT' | 'SIGTERM') => void): () => void
  /** The code with which the process will end when nothing is left to do. */
  setExitCode(code: number): void
  /** Ends now. */
  exit(code: number): never
  /** Resident memory of this process and memory of the machine, in bytes. */
  memory(): { residentBytes: number; totalBytes: number }
}

export function nodeProcessHost(): ProcessHost {
  return {
    arguments: process.argv.slice(2),
    environment: process.env,
    workingFolder: process.cwd(),
    stdoutIsTty: process.stdout.isTTY === true,
    get stdoutColumns() {
      return process.stdout.columns ?? 80
    },
    pid: process.pid,
    writeOut,
    writeError: (text) => void process.stderr.write(text),
    get input() {
      return process.stdin as AsyncIterable<Uint8Array>
    },
    get inputIsTty() {
      return process.stdin.isTTY === true
    },
    onStop(stop) {
      const onInterrupt = () => stop('SIGINT')
      const onTerminate = () => stop('SIGTERM')
      process.on('SIGINT', onInterrupt)
      process.on('SIGTERM', onTerminate)
      return () => {
        process.off('SIGINT', onInterrupt)
        process.off('SIGTERM', onTerminate)
      }
    },
    setExitCode(code) {
      process.exitCode = code
    },
    exit: (code) => process.exit(code),
    memory: () => ({ residentBytes: process.memoryUsage.rss(), totalBytes: machineBytes() }),
  }
}

let outIsWatched = false

function writeOut(text: string): Promise<boolean> {
  if (!outIsWatched) {
    outIsWatched = true
    // `odradek consume | head` closes the pipe: that is a wish to stop, no crash.
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (!error) resolve(true)
      else if ((error as NodeJS.ErrnoException).code === 'EPIPE') resolve(false)
      else reject(error)
    })
  })
}

/** A container's limit where there is one, else the machine's memory. */
function machineBytes(): number {
  const limited = process.constrainedMemory?.() ?? 0
  const total = totalmem()
  return limited > 0 && limited < total ? limited : total
}
