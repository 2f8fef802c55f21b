/** One crash run: clients write and read while the server, and now and then one of them, is killed; then everything is compared. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, type WriteStream } from 'node:fs'
import { join } from 'node:path'
import { toolsUnavailable } from '../../compat/tools/tool-box.js'
import { CreateTopics, ErrorCode } from '../../protocol/index.js'
import { Dice } from '../fuzz/target.js'
import { RawClient } from '../support/raw-client.js'
import { Checker, type CopyPlan, type TopicPromise, Verdict } from './checker.js'
import type { ClientKind, ClientProcess } from './clients.js'
import { parseEvent } from './events.js'
import { checkFiles } from './files.js'
import { committedOffset, ends, type FinalPartition, patiently, readPartition } from './final-state.js'
import { History } from './history.js'
import { type CrashServer, eachLine } from './server.js'
import {
  COMPACTED,
  COUNTS,
  copyOf,
  EXACT,
  ONE_AT_A_TIME,
  PLAIN,
  RETAINED,
  sourceOf,
  TRANSACTIONS,
  topicPlans,
} from './topics.js'
import { checkWordCount } from './word-count.js'

export interface RunOptions {
  readonly seed: number
  readonly seconds: number
  readonly folder: string
  readonly kinds: readonly ClientKind[]
  readonly server: CrashServer
  /** Mean time between two kills of the server. */
  readonly meanUptimeMs: number
  readonly say: (line: string) => void
}

export interface RunCounts {
  kills: number
  killsWhileStarting: number
  cleanStops: number
  fsyncStarts: number
  clientKills: number
}

const DRAIN_LIMIT_MS = 90_000
const SETTLE_LIMIT_MS = 60_000

export class CrashRun {
  readonly counts: RunCounts = { kills: 0, killsWhileStarting: 0, cleanStops: 0, fsyncStarts: 0, clientKills: 0 }
  readonly history = new History()
  readonly failures: string[] = []
  readonly #options: RunOptions
  readonly #dice: Dice
  readonly #clients: RunningClient[] = []

  constructor(options: RunOptions) {
    this.#options = options
    this.#dice = new Dice(options.seed)
  }

  async run(): Promise<Verdict> {
    const { server, say } = this.#options
    try {
      if (!(await server.start(false).ready)) throw new Error(server.failure ?? 'the server did not start')
      await this.#createTopics()
      this.#startClients()
      await this.#killAround()
      if (server.failure !== null) throw new Error(server.failure)
      say('the time is over: the clients finish what they began')
      for (const readsToTheEnd of [false, true]) {
        const some = this.#clients.filter((client) => client.readsToTheEnd === readsToTheEnd)
        await Promise.all(some.map((client) => client.finish(DRAIN_LIMIT_MS).catch((error) => this.#fail(error))))
      }
      const first = await this.#judge()
      // What is served after a clean restart is the same again.
      this.counts.cleanStops++
      await server.end('SIGTERM')
      if (!(await server.start(false).ready)) throw new Error(server.failure ?? 'the server did not start again')
      const second = await this.#judge()
      for (const violation of second.violations.splice(0)) {
        if (!first.violations.includes(violation)) second.violations.push(`after a clean restart: ${violation}`)
      }
      first.add(second)
      await server.end('SIGTERM')
      if (toolsUnavailable() === null) first.add(await checkFiles(server.recipe.dataFolder))
      first.violations.push(...this.failures, ...(server.failure === null ? [] : [server.failure]))
      return first
    } finally {
      for (const client of this.#clients) client.kill()
      await server.end('SIGKILL')
    }
  }

  #fail(error: unknown): void {
    this.failures.push(error instanceof Error ? error.message : String(error))
  }

  async #createTopics(): Promise<void> {
    const client = await RawClient.connect(this.#options.server.recipe.bootstrapServers)
    const topics = topicPlans(this.#programs()).map(({ name, partitions, configs }) => ({
      name,
      numPartitions: partitions,
      replicationFactor: 1,
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    }))
    const answer = await client.send(CreateTopics, 5, { topics, timeoutMs: 20_000 })
    for (const { name, errorCode, errorMessage } of answer.topics) {
      if (errorCode !== ErrorCode.NONE) throw new Error(`topic ${name} was not created: ${errorMessage ?? errorCode}`)
    }
    client.close()
  }

  #programs(): string[] {
    return [...new Set(this.#processes().map(({ process }) => process.program))]
  }

  #processes(): { kind: ClientKind; process: ClientProcess }[] {
    return this.#options.kinds.flatMap((kind) => kind.processes.map((process) => ({ kind, process })))
  }

  #startClients(): void {
    for (const { kind, process } of this.#processes()) {
      const client = new RunningClient(kind, process, this.#options, this.#dice.below(2 ** 30), (line) => {
        try {
          this.history.add(parseEvent(line))
        } catch (error) {
          this.#fail(error)
        }
      })
      this.#clients.push(client)
      client.start()
    }
  }

  /** Kills, waits and starts again until the time is over. */
  async #killAround(): Promise<void> {
    const { seconds, server, meanUptimeMs } = this.#options
    const dice = this.#dice
    const end = performance.now() + seconds * 1000
    const left = () => end - performance.now()
    while (left() > 0 && server.failure === null) {
      await pause(Math.min(left(), dice.between(meanUptimeMs / 5, (meanUptimeMs * 9) / 5)))
      if (left() <= 0) return
      if (dice.chance(0.25)) {
        this.counts.clientKills++
        dice.pick(this.#clients).kill()
        continue
      }
      const clean = dice.chance(0.15)
      this.counts[clean ? 'cleanStops' : 'kills']++
      await server.end(clean ? 'SIGTERM' : 'SIGKILL')
      if (dice.chance(0.3)) await pause(dice.below(1500))
      await this.#startAgain()
    }
  }

  /** Some starts are killed as well: recovery must bear that. */
  async #startAgain(): Promise<void> {
    const { server, meanUptimeMs } = this.#options
    for (;;) {
      const fsync = this.#dice.chance(0.25)
      if (fsync) this.counts.fsyncStarts++
      const { ready } = server.start(fsync)
      if (!this.#dice.chance(0.2)) {
        await ready
        return
      }
      await pause(this.#dice.below(meanUptimeMs / 8))
      this.counts.killsWhileStarting++
      await server.end('SIGKILL')
    }
  }

  async #judge(): Promise<Verdict> {
    const client = await RawClient.connect(this.#options.server.recipe.bootstrapServers)
    try {
      const programs = this.#programs()
      const plans = topicPlans(programs)
      const partitions: FinalPartition[] = []
      for (const { name, partitions: count } of plans) {
        for (let partition = 0; partition < count; partition++) {
          await settled(client, name, partition)
          partitions.push(await readPartition(client, name, partition))
        }
      }
      const verdict = new Verdict()
      const committed = new Map<string, number>()
      const groups = new Set([...this.history.groups.values()].map(({ group, topic }) => `${group} ${topic}`))
      for (const [group, topic] of [...groups].map((both) => both.split(' '))) {
        for (let partition = 0; partition < 3; partition++) {
          const asked = () => committedOffset(client, group!, topic!, partition)
          try {
            committed.set(`${group} ${topic} ${partition}`, await patiently(asked))
          } catch (error) {
            verdict.holds('group offsets', false, () => (error instanceof Error ? error.message : String(error)))
          }
        }
      }
      const copies = programs.map(
        (program): CopyPlan => ({ group: `copier-${program}`, from: sourceOf(program), to: copyOf(program) }),
      )
      verdict.add(new Checker(this.history, { partitions, committed }, promises(programs)).run(copies))
      if (programs.includes('streams')) verdict.add(checkWordCount(partitions, TRANSACTIONS, COUNTS))
      return verdict
    } finally {
      client.close()
    }
  }
}

function promises(programs: readonly string[]): Map<string, TopicPromise> {
  const once = { exactlyOnce: true, compacted: false }
  return new Map<string, TopicPromise>([
    [PLAIN, { exactlyOnce: false, compacted: false }],
    [RETAINED, { exactlyOnce: false, compacted: false }],
    [EXACT, once],
    [TRANSACTIONS, once],
    [ONE_AT_A_TIME, once],
    [COMPACTED, { exactlyOnce: true, compacted: true }],
    ...programs.map((program): [string, TopicPromise] => [copyOf(program), once]),
  ])
}

/** Transactions that a killed client left open end by their timeout. One that never does is what the checker then finds. */
async function settled(client: RawClient, topic: string, partition: number): Promise<void> {
  const limit = performance.now() + SETTLE_LIMIT_MS
  while (performance.now() < limit) {
    const [highWatermark, lastStableOffset] = await patiently(() => ends(client, topic, partition))
    if (highWatermark === lastStableOffset) return
    await pause(200)
  }
}

/** One client process, started again (as another incarnation) whenever it ends before it is told to. */
class RunningClient {
  readonly #kind: ClientKind
  readonly #process: ClientProcess
  readonly #options: RunOptions
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
    options: RunOptions,
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
    const { bootstrapServers } = this.#options.server.recipe
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
    this.#finishing = true
    this.#child?.stdin?.end()
    const limit = setTimeout(() => this.kill(), limitMs)
    const code = await this.#gone
    clearTimeout(limit)
    this.#journal.end()
    this.#errors.end()
    if (code !== 0)
      throw new Error(`${this.#process.name} did not finish within ${limitMs} ms (code ${code}); see its .log`)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
