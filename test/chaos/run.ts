/** One chaos run: clients write and read while brokers, ensemble and network fail; then everything is compared. */
import { CreateTopics, ErrorCode } from '../../protocol/index.js'
import { Verdict } from '../crash/checker.js'
import type { ClientKind, ClientProcess } from '../crash/clients.js'
import { History } from '../crash/history.js'
import { judge } from '../crash/judge.js'
import { finishAll, type RunningClient, startClients } from '../crash/running-client.js'
import { topicPlans } from '../crash/topics.js'
import { Dice } from '../fuzz/target.js'
import type { ChaosCluster } from './cluster.js'
import { drawFault, type Lane, pause } from './faults.js'
import { keepMetadataLog } from './metadata-log.js'
import { compareReplicas } from './replicas.js'
import { ClusterView } from './view.js'

export interface ChaosOptions {
  readonly seed: number
  readonly seconds: number
  readonly folder: string
  readonly kinds: readonly ClientKind[]
  readonly cluster: ChaosCluster
  readonly say: (line: string) => void
}

const REPLICAS = 3
const CALM_BETWEEN_MS = { processes: 4000, surroundings: 8000 } as const
const WHOLE_LIMIT_MS = 60_000
const DRAIN_LIMIT_MS = 180_000
const CLIENT_KILL_EVERY_MS = 20_000

/** acks=1 promises nothing when a leader dies. */
const NOT_PLAYED = new Set(['acks1'])

export class ChaosRun {
  readonly history = new History()
  /** How often each fault was done. */
  readonly faults = new Map<string, number>()
  readonly #options: ChaosOptions
  readonly #dice: Dice
  readonly #view: ClusterView
  readonly #clients: RunningClient[] = []
  readonly #failures: string[] = []
  #startedAt = 0

  constructor(options: ChaosOptions) {
    this.#options = options
    this.#dice = new Dice(options.seed)
    this.#view = new ClusterView(options.cluster)
  }

  async run(): Promise<Verdict> {
    const { cluster, folder, say } = this.#options
    const verdict = new Verdict()
    try {
      const started = await Promise.all(cluster.brokers.map((broker) => cluster.start(broker)))
      if (started.includes(false)) throw new Error(cluster.failure ?? 'a broker did not start')
      await this.#createTopics()
      this.#startedAt = performance.now()
      this.#startClients()
      await Promise.all([this.#play('processes'), this.#play('surroundings'), this.#killClients()])
      say('the time is over: everything is healed, the clients finish what they began')
      cluster.heal()
      await this.#wholeAgain(verdict)
      this.#failures.push(...(await finishAll(this.#clients, DRAIN_LIMIT_MS)))
      await this.#wholeAgain(verdict)
      verdict.add(await judge(this.history, this.#programs(), this.#view))
      await this.#compareReplicas(verdict)
    } catch (error) {
      this.#fail(error instanceof Error ? error.stack : error)
    } finally {
      for (const client of this.#clients) client.kill()
      this.#view.close()
    }
    if (cluster.failure !== null) this.#failures.push(cluster.failure)
    await keepMetadataLog(cluster.ensemble.addresses, folder).catch((error) => this.#fail(error))
    verdict.violations.push(...this.#failures)
    return verdict
  }

  #fail(error: unknown): void {
    this.#failures.push(error instanceof Error ? error.message : String(error))
  }

  /** All leaders there, all replicas in sync, all brokers of one mind. */
  async #wholeAgain(verdict: Verdict): Promise<void> {
    const wrong = await this.#view.whole(WHOLE_LIMIT_MS)
    verdict.holds('whole cluster', wrong.length === 0, () => `after ${WHOLE_LIMIT_MS} ms: ${wrong.join('; ')}`)
  }

  /** What is committed now is the same everywhere; what is written while one after the other stops need not be. */
  async #compareReplicas(verdict: Verdict): Promise<void> {
    const { brokers } = this.#options.cluster
    const committed = await this.#view.highWatermarks()
    await Promise.all(brokers.map(({ server }) => server.end('SIGTERM')))
    await compareReplicas(brokers, { copies: REPLICAS, committed }, verdict)
  }

  async #createTopics(): Promise<void> {
    const client = await this.#view.client(this.#options.cluster.brokers[0]!)
    const topics = topicPlans(this.#programs()).map(({ name, partitions, configs }) => ({
      name,
      numPartitions: partitions,
      replicationFactor: REPLICAS,
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    }))
    const answer = await client.send(CreateTopics, 5, { topics, timeoutMs: 20_000 })
    for (const { name, errorCode, errorMessage } of answer.topics) {
      if (errorCode !== ErrorCode.NONE) throw new Error(`topic ${name} was not created: ${errorMessage ?? errorCode}`)
    }
  }

  #programs(): string[] {
    return [...new Set(this.#processes().map(({ process }) => process.program))]
  }

  #processes(): { kind: ClientKind; process: ClientProcess }[] {
    return this.#options.kinds.flatMap((kind) =>
      kind.processes.map((process) => ({
        kind,
        process: { ...process, roles: process.roles.filter((role) => !NOT_PLAYED.has(role)) },
      })),
    )
  }

  #startClients(): void {
    const { folder, cluster } = this.#options
    const clients = startClients({
      folder,
      bootstrapServers: cluster.bootstrapServers,
      processes: this.#processes(),
      dice: this.#dice,
      history: this.history,
      onError: (error) => this.#fail(error),
    })
    this.#clients.push(...clients)
  }

  get #leftMs(): number {
    return this.#startedAt + this.#options.seconds * 1000 - performance.now()
  }

  /** One fault after the other; the lanes have dice of their own, so that a seed means the same plan whatever takes how long. */
  async #play(lane: Lane): Promise<void> {
    const { cluster, seed, say } = this.#options
    const dice = new Dice(seed * 2 + (lane === 'processes' ? 0 : 1))
    const calmMs = CALM_BETWEEN_MS[lane]
    for (;;) {
      await pause(Math.max(0, Math.min(this.#leftMs, dice.between(calmMs / 8, (calmMs * 15) / 8))))
      if (this.#leftMs <= 0 || cluster.failure !== null) return
      const fault = drawFault(dice, lane)
      this.faults.set(fault.name, (this.faults.get(fault.name) ?? 0) + 1)
      const startedAt = performance.now()
      const at = ((startedAt - this.#startedAt) / 1000).toFixed(1)
      try {
        await fault.run(cluster, dice)
      } catch (error) {
        this.#fail(error instanceof Error ? error.stack : error)
        return
      }
      say(`${at} s: ${fault.name} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`)
    }
  }

  async #killClients(): Promise<void> {
    const dice = new Dice(this.#options.seed * 2 + 7)
    for (;;) {
      await pause(Math.max(0, Math.min(this.#leftMs, dice.below(2 * CLIENT_KILL_EVERY_MS))))
      if (this.#leftMs <= 0 || this.#options.cluster.failure !== null) return
      this.faults.set('client killed', (this.faults.get('client killed') ?? 0) + 1)
      dice.pick(this.#clients).kill()
    }
  }
}
