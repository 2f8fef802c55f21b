/** Brokers 101, 102 and 103 for Apache's tools: Odradek in this process, or Apache Kafka with a controller of its own. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Cluster } from '../../lib/index.js'
import { AlterPartitionReassignments, DescribeCluster, ElectLeaders, Metadata } from '../../protocol/index.js'
import { CrashServer } from '../../test/crash/server.js'
import { RawClient } from '../../test/support/raw-client.js'
import { freePorts } from '../free-ports.js'
import { apacheKafkaStarted, prepareApacheKafka } from '../reference/apache-kafka.js'

export const IDS: readonly number[] = [101, 102, 103]
const RACKS = ['a', 'b', 'c']

/** A partition as the brokers tell it. */
export interface Told {
  readonly leader: number
  readonly isr: readonly number[]
}

interface Brokers {
  /** HOST:PORT of each, in the order of `IDS`. */
  readonly addresses: readonly string[]
  kill(id: number): Promise<void>
  /** Hands over before it stops. */
  stop(id: number): Promise<void>
  start(id: number): Promise<void>
  close(): Promise<void>
}

export class ThreeBrokers {
  readonly #brokers: Brokers
  readonly #running = new Set(IDS)

  private constructor(
    readonly isReference: boolean,
    brokers: Brokers,
  ) {
    this.#brokers = brokers
  }

  static async start(isReference: boolean): Promise<ThreeBrokers> {
    const cluster = new ThreeBrokers(isReference, await (isReference ? apacheKafkas() : odradek()))
    await cluster.#until(async () => (await cluster.brokerIds()).length === IDS.length)
    return cluster
  }

  get bootstrapServers(): string {
    return this.#brokers.addresses.join(',')
  }

  address(id: number): string {
    return this.#brokers.addresses[IDS.indexOf(id)]!
  }

  /** Resolves when the others know. */
  async kill(id: number): Promise<void> {
    this.#running.delete(id)
    await this.#brokers.kill(id)
    await this.#isOut(id)
  }

  async stop(id: number): Promise<void> {
    this.#running.delete(id)
    await this.#brokers.stop(id)
    await this.#isOut(id)
  }

  /** Resolves when the others know. */
  async start(id: number): Promise<void> {
    await this.#brokers.start(id)
    this.#running.add(id)
    await this.#until(async () => (await this.brokerIds()).includes(id))
  }

  close(): Promise<void> {
    return this.#brokers.close()
  }

  async #isOut(id: number): Promise<void> {
    if (this.#running.size > 0) await this.#until(async () => !(await this.brokerIds()).includes(id))
  }

  /** Asks every running broker until `isSo` for all. */
  async #until(isSo: () => Promise<boolean>): Promise<void> {
    while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve))
  }

  async raw<T>(id: number, work: (client: RawClient) => Promise<T>): Promise<T> {
    const client = await RawClient.connect(this.address(id))
    try {
      return await work(client)
    } finally {
      client.close()
    }
  }

  get #any(): number {
    return [...this.#running][0]!
  }

  /** Those that every running broker takes for alive. */
  async brokerIds(): Promise<number[]> {
    const told = await Promise.all(
      [...this.#running].map((id) => this.raw(id, (client) => client.send(Metadata, 12, { topics: [] }))),
    )
    const [first, ...others] = told.map(({ brokers }) => brokers.map(({ nodeId }) => nodeId))
    return first!.filter((id) => others.every((ids) => ids.includes(id)))
  }

  async describe(): Promise<{ clusterId: string; controllerId: number }> {
    return this.raw(this.#any, (client) => client.send(DescribeCluster, 0, {}))
  }

  /** Of what the brokers agree by: of Apache Kafka's quorum, which clients do not see elsewhere. */
  async quorumLeader(): Promise<number> {
    return this.isReference ? CONTROLLER_ID : (await this.describe()).controllerId
  }

  /** As a running broker tells it; null while it does not know the partition. */
  async partition(topic: string, index = 0, id = this.#any): Promise<Told | null> {
    const { topics } = await this.raw(id, (client) => client.send(Metadata, 12, { topics: [{ name: topic }] }))
    const found = topics[0]!.partitions.find(({ partitionIndex }) => partitionIndex === index)
    return found === undefined ? null : { leader: found.leaderId, isr: found.isrNodes }
  }

  /** Every running broker tells the partition so. */
  async whenTold(topic: string, index: number, isSo: (told: Told) => boolean): Promise<void> {
    await this.#until(async () => {
      const told = await Promise.all([...this.#running].map((id) => this.partition(topic, index, id)))
      return told.every((one) => one !== null && isSo(one))
    })
  }

  /** Lets a replica lead that is in sync: made the preferred one for a moment. */
  async moveLeader(topic: string, leader: number, replicas: readonly number[]): Promise<void> {
    const order = [leader, ...replicas.filter((id) => id !== leader)]
    await this.#reorder(topic, order)
    await this.raw(this.#any, (client) =>
      client.send(ElectLeaders, 2, {
        electionType: 0,
        topicPartitions: [{ topic, partitions: [0] }],
        timeoutMs: 10_000,
      }),
    )
    await this.whenTold(topic, 0, (told) => told.leader === leader)
    await this.#reorder(topic, replicas)
  }

  async #reorder(topic: string, replicas: readonly number[]): Promise<void> {
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0, replicas: [...replicas] }] }]
    await this.raw(this.#any, (client) => client.send(AlterPartitionReassignments, 0, { topics, timeoutMs: 10_000 }))
  }
}

async function odradek(): Promise<Brokers> {
  const cluster = await Cluster.create({ brokerIds: IDS, racks: RACKS })
  return {
    addresses: cluster.brokers,
    kill: (id) => cluster.stopBroker(id, { how: 'kill' }),
    stop: (id) => cluster.stopBroker(id),
    start: (id) => cluster.startBroker(id),
    close: () => cluster.close(),
  }
}

const CONTROLLER_ID = 100
/** Brokers that are killed are noticed in this time. */
const SESSION_MS = 2000

/** The controller is a program of its own, so that every broker may die. */
async function apacheKafkas(): Promise<Brokers> {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-kafkas-'))
  const [controllerPort, ...ports] = await freePorts(1 + IDS.length)
  const quorum = {
    'controller.quorum.voters': `${CONTROLLER_ID}@127.0.0.1:${controllerPort}`,
    'broker.session.timeout.ms': String(SESSION_MS),
    'broker.heartbeat.interval.ms': String(SESSION_MS / 10),
  }
  const server = async (id: number, properties: Readonly<Record<string, string>>): Promise<CrashServer> => {
    const own = join(folder, String(id))
    mkdirSync(own)
    const prepared = await prepareApacheKafka(own, {
      heapMegabytes: 256,
      jvmOptions: ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
      properties: { 'node.id': String(id), ...quorum, ...properties },
    })
    const recipe = {
      ...prepared,
      command: () => prepared.command,
      isReady: (line: string) => line.includes(apacheKafkaStarted),
    }
    return new CrashServer(recipe, join(folder, `${id}.log`))
  }
  const controllerAt = `CONTROLLER://127.0.0.1:${controllerPort}`
  const controller = await server(CONTROLLER_ID, {
    'process.roles': 'controller',
    listeners: controllerAt,
    'advertised.listeners': controllerAt,
  })
  const brokers = new Map<number, CrashServer>()
  for (const [index, id] of IDS.entries()) {
    const at = `PLAINTEXT://127.0.0.1:${ports[index]}`
    const place = { listeners: at, 'advertised.listeners': at, 'broker.rack': RACKS[index]! }
    brokers.set(id, await server(id, { 'process.roles': 'broker', ...place }))
  }
  const begin = async (one: CrashServer): Promise<void> => {
    if (!(await one.start(false).ready)) throw new Error(`Apache Kafka did not start: ${one.failure}`)
  }
  const close = async (): Promise<void> => {
    for (const one of [...brokers.values(), controller]) {
      await one.end('SIGKILL')
      one.close()
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    await Promise.all([controller, ...brokers.values()].map(begin))
  } catch (error) {
    await close()
    throw error
  }
  return {
    addresses: ports.map((port) => `127.0.0.1:${port}`),
    kill: (id) => brokers.get(id)!.end('SIGKILL'),
    stop: (id) => brokers.get(id)!.end('SIGTERM'),
    start: (id) => begin(brokers.get(id)!),
    close,
  }
}
