/** One crash run: clients write and read while the server, and now and then one of them, is killed; then everything is compared. */
import { toolsUnavailable } from '../../compat/tools/tool-box.js'
import { CreateTopics, ErrorCode } from '../../protocol/index.js'
import { Dice } from '../fuzz/target.js'
import { RawClient } from '../support/raw-client.js'
import type { Verdict } from './checker.js'
import type { ClientKind, ClientProcess } from './clients.js'
import { checkFiles } from './files.js'
import { History } from './history.js'
import { judge } from './judge.js'
import { finishAll, type RunningClient, startClients } from './running-client.js'
import type { CrashServer } from './server.js'
import { topicPlans } from './topics.js'

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

const DRAIN_LIMIT_MS = 180_000

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
      this.failures.push(...(await finishAll(this.#clients, DRAIN_LIMIT_MS)))
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
    const { folder, server } = this.#options
    const clients = startClients({
      folder,
      bootstrapServers: server.recipe.bootstrapServers,
      processes: this.#processes(),
      dice: this.#dice,
      history: this.history,
      onError: (error) => this.#fail(error),
    })
    this.#clients.push(...clients)
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
      const everything = async () => client
      return await judge(this.history, this.#programs(), { leaderOf: everything, coordinatorOf: everything })
    } finally {
      client.close()
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
