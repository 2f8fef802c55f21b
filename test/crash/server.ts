/** A broker in a process of its own that is killed and started again on the same folder and port. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs'
import { join } from 'node:path'
import { eachLine } from '../../compat/commands.js'
import { freePorts } from '../../compat/free-ports.js'
import { projectRoot } from '../../compat/project-root.js'
import { apacheKafkaStarted, prepareApacheKafka } from '../../compat/reference/apache-kafka.js'

/** How a broker is started; both kinds say when they serve. */
export interface ServerRecipe {
  readonly bootstrapServers: string
  readonly dataFolder: string
  /** The program with its arguments; `fsync` asks for an acknowledgement after a sync only. */
  command(fsync: boolean): readonly string[]
  /** True for the line of output that says that clients can come. */
  isReady(line: string): boolean
}

export async function odradek(folder: string, configs: Readonly<Record<string, string>>): Promise<ServerRecipe> {
  const [port] = await freePorts(1)
  const dataFolder = join(folder, 'data')
  mkdirSync(dataFolder, { recursive: true })
  const settings = Object.entries(configs).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  const start = [process.execPath, join(projectRoot, 'dist', 'odradek.cjs'), 'start']
  const flags = ['--listen', `127.0.0.1:${port}`, '--data-dir', dataFolder, ...settings]
  return {
    bootstrapServers: `127.0.0.1:${port}`,
    dataFolder,
    command: (fsync) => [...start, ...flags, ...(fsync ? ['--fsync', 'always'] : [])],
    isReady: (line) => line.startsWith('ready '),
  }
}

export async function apacheKafka(folder: string, configs: Readonly<Record<string, string>>): Promise<ServerRecipe> {
  const prepared = await prepareApacheKafka(folder, { properties: configs })
  return {
    bootstrapServers: prepared.bootstrapServers,
    dataFolder: prepared.dataFolder,
    command: () => prepared.command,
    isReady: (line) => line.includes(apacheKafkaStarted),
  }
}

/**
 * The server must die with us, however we die: beside it waits a shell that reads a pipe which only we hold open. A line says that
 * the server is gone already; an end without one, that we are.
 */
const GUARD = 'exec 3<&0; { read -r line <&3 || kill -9 $$; } >/dev/null 2>&1 & exec "$@" 3<&- </dev/null'

export class CrashServer {
  readonly recipe: ServerRecipe
  readonly #log: WriteStream
  readonly #startLimitMs: number
  #child: ChildProcess | undefined
  #expected = false
  /** Set when the server ended without being told to: one sentence. */
  failure: string | null = null
  /** The slowest start, in milliseconds. */
  slowestStartMs = 0

  constructor(recipe: ServerRecipe, logFile: string, startLimitMs = 60_000) {
    this.recipe = recipe
    this.#log = createWriteStream(logFile, { flags: 'a' })
    this.#startLimitMs = startLimitMs
  }

  get running(): boolean {
    return this.#child !== undefined
  }

  /** Spawns the server. `ready` resolves with true when it serves, with false when it ended or was killed first. */
  start(fsync: boolean): { readonly ready: Promise<boolean> } {
    if (this.#child !== undefined) throw new Error('the server runs already')
    const startedAt = performance.now()
    this.#log.write(`=== start${fsync ? ' --fsync always' : ''} at ${new Date().toISOString()}\n`)
    const child = spawn('/bin/sh', ['-c', GUARD, 'guard', ...this.recipe.command(fsync)], { stdio: 'pipe' })
    this.#child = child
    this.#expected = false
    child.stdin.on('error', () => {})
    const exited = new Promise<void>((resolve) => {
      child.once('exit', (code, signal) => {
        child.stdin.end('gone\n')
        this.#child = undefined
        this.#log.write(`=== ended: code ${code}, signal ${signal}\n`)
        if (!this.#expected) this.failure ??= `the server ended by itself: code ${code}, signal ${signal}`
        resolve()
      })
    })
    const ready = new Promise<boolean>((resolve) => {
      const limit = setTimeout(() => {
        this.failure ??= `the server did not serve within ${this.#startLimitMs} ms`
        resolve(false)
      }, this.#startLimitMs)
      const settle = (serves: boolean) => {
        clearTimeout(limit)
        if (serves) this.slowestStartMs = Math.max(this.slowestStartMs, performance.now() - startedAt)
        resolve(serves)
      }
      for (const stream of [child.stdout, child.stderr]) {
        eachLine(stream, (line) => {
          this.#log.write(`${line}\n`)
          if (this.recipe.isReady(line)) settle(true)
        })
      }
      void exited.then(() => settle(false))
    })
    return { ready }
  }

  /** Resolves when the process is gone. A clean stop that takes longer than half a minute is a failure. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    this.#expected = true
    const gone = new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
      child.once('exit', (code, by) => resolve([code, by]))
    })
    const limit = setTimeout(() => child.kill('SIGKILL'), 30_000)
    child.kill(signal)
    const [code, by] = await gone
    clearTimeout(limit)
    if (signal === 'SIGTERM' && by === 'SIGKILL') this.failure ??= 'the server did not stop within 30 s of SIGTERM'
    if (signal === 'SIGTERM' && code !== null && code !== 0 && code !== 143) {
      this.failure ??= `the server stopped with code ${code} on SIGTERM`
    }
  }

  /** SIGSTOP, SIGCONT: the process stays, its connections too. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal)
  }

  close(): void {
    this.#log.end()
  }
}
