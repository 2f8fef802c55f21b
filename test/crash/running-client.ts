/** A client program under way. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, type WriteStream } from 'node:fs'
import { join } from 'node:path'
import { eachLine } from '../../compat/commands.js'
import type { Dice } from '../fuzz/target.js'
import type { ClientKind, ClientProcess } from './clients.js'
import { parseEvent } from './events.js'
import type { History } from './history.js'

export interface ClientSurroundings {
  /** For journals and logs. */
  readonly folder: string
  readonly bootstrapServers: string
}

/** Killed by its own watchdog. */
const DIED = 'died'

export interface Cast extends ClientSurroundings {
  readonly processes: readonly { kind: ClientKind; process: ClientProcess }[]
  readonly dice: Pick<Dice, 'below'>
  readonly history: Pick<History, 'add'>
  /** A client says what is no event, or cannot be. */
  onError(error: unknown): void
}

/** All of them, under way; what they say goes to the history. */
export function startClients({ processes, dice, history, onError, ...surroundings }: Cast): RunningClient[] {
  return processes.map(({ kind, process }) => {
    const client = new RunningClient(kind, process, surroundings, dice.below(2 ** 30), (line) => {
      try {
        history.add(parseEvent(line))
      } catch (error) {
        onError(error)
      }
    })
    client.start()
    return client
  })
}

/** One client process, started again (as another incarnation) whenever it ends before it is told to. */
export class RunningClient {
  readonly #kind: ClientKind
  readonly #process: ClientProcess
  readonly #options: ClientSurroundings
  readonly #seed: number
  readonly #take: (line: string) => void
  readonly #journal: WriteStream
  readonly #errors: WriteStream
  #child: ChildProcess | undefined
  #incarnation = 0
  #finishing = false
  /** Killed, and its end not heard of yet. */
  #killed = false
  #gone: Promise<number | null> = Promise.resolve(0)

  constructor(
    kind: ClientKind,
    process: ClientProcess,
    options: ClientSurroundings,
    seed: number,
    take: (line: string) => void,
  ) {
    this.#kind = kind
    this.#process = process
    this.#options = options
    this.#seed = seed
    this.#take = take
    this.#journal = createWriteStream(join(options.folder, `${process.name}.ndjson`))
    this.#errors = createWriteStream(join(options.folder, `${process.name}.log`))
  }

  get readsToTheEnd(): boolean {
    return this.#process.readsToTheEnd === true
  }

  start(): void {
    const { program, roles } = this.#process
    const { bootstrapServers } = this.#options
    this.#incarnation++
    const [command, ...args] = this.#kind.command()
    const seed = String(this.#seed + this.#incarnation)
    const all = [...args, bootstrapServers, program, String(this.#incarnation), seed, roles.join(',')]
    const child = spawn(command!, all, { stdio: 'pipe', cwd: this.#options.folder })
    this.#child = child
    child.stdin.on('error', () => {})
    child.stderr.on('data', (bytes: Buffer) => this.#errors.write(bytes))
    eachLine(child.stdout, (line) => {
      this.#journal.write(`${line}\n`)
      this.#take(line)
    })
    // `close` comes after the last of its output.
    this.#gone = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#errors.write(`=== incarnation ${this.#incarnation} ended: code ${code}, signal ${signal}\n`)
        this.#killed = false
        if (!this.#finishing) this.start()
        resolve(code)
      })
    })
  }

  kill(): void {
    this.#killed = true
    this.#child?.kill('SIGKILL')
  }

  /** Closes its input, which tells it to finish, and waits. @throws Error when it does not end by itself, with code 0 */
  async finish(limitMs: number): Promise<void> {
    // One that was killed a moment ago comes again first.
    while (this.#killed) await this.#gone
    let code = await this.#finishOnce(limitMs)
    if (code === DIED) {
      this.start()
      code = await this.#finishOnce(limitMs)
    }
    this.#journal.end()
    this.#errors.end()
    if (code !== 0)
      throw new Error(`${this.#process.name} did not finish within ${limitMs} ms (code ${code}); see its .log`)
  }

  async #finishOnce(limitMs: number): Promise<number | null | typeof DIED> {
    this.#finishing = true
    this.#child?.stdin?.end()
    let late = false
    const limit = setTimeout(() => {
      late = true
      this.kill()
    }, limitMs)
    const code = await this.#gone
    clearTimeout(limit)
    return code === null && !late ? DIED : code
  }
}

/** All of them finish what they began, those that read to the end after the others. Returns what went wrong: sentences. */
export async function finishAll(clients: readonly RunningClient[], limitMs: number): Promise<string[]> {
  const failures: string[] = []
  for (const readsToTheEnd of [false, true]) {
    const some = clients.filter((client) => client.readsToTheEnd === readsToTheEnd)
    const ended = await Promise.allSettled(some.map((client) => client.finish(limitMs)))
    for (const end of ended) if (end.status === 'rejected') failures.push((end.reason as Error).message)
  }
  return failures
}
