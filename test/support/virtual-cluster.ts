/**
 * Brokers of one cluster in one process, on a virtual clock, a virtual network and disks that fail when told to. Clients' connections are handed in;
 * time passes only in here.
 */
// Loaded when it is needed; here nothing may wait for real files.
import '../../lib/server/data-directories.js'
import { EmbeddedCoordination } from '../../lib/cluster/coordination/embedded.js'
import { FaultyDisk } from '../../lib/faults/faulty-disk.js'
import type { LogLevel } from '../../lib/host/logger.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { MemoryNetwork } from '../../lib/host/memory-network.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import type { PartitionImage } from '../../lib/metadata/image.js'
import type { BrokerNode } from '../../lib/server/broker-node.js'
import { startNode } from '../../lib/server/wire-up.js'
import {
  CreateTopics,
  IncrementalAlterConfigs,
  type Message,
  type RequestInput,
  type ResponseOf,
} from '../../protocol/index.js'
import { NodeClient } from './running-node.js'

const CLUSTER_ID = 'virtualClusterOfBroker'
const LIMIT_MS = 60_000

export interface VirtualClusterOptions {
  readonly brokerIds: readonly number[]
  readonly values?: Readonly<Record<string, string>>
  /** Log directories of each broker; they outlive it. */
  readonly directories?: readonly string[]
}

export class VirtualCluster {
  readonly clock = new VirtualClock()
  readonly lines: { brokerId: number; level: LogLevel; text: string }[] = []
  readonly #network = new MemoryNetwork({}, { clock: this.clock })
  readonly #hub = new EmbeddedCoordination({ clusterId: CLUSTER_ID })
  readonly #nodes = new Map<number, BrokerNode>()
  readonly #clients = new Map<number, NodeClient>()
  readonly #disks = new Map<number, Map<string, FaultyDisk>>()

  private constructor(readonly options: VirtualClusterOptions) {}

  static async start(options: VirtualClusterOptions): Promise<VirtualCluster> {
    const cluster = new VirtualCluster(options)
    for (const brokerId of options.brokerIds) await cluster.startBroker(brokerId)
    return cluster
  }

  async startBroker(brokerId: number): Promise<void> {
    const { directories = ['/data'], values } = this.options
    let disks = this.#disks.get(brokerId)
    if (disks === undefined) {
      disks = new Map(directories.map((path) => [path, new FaultyDisk({ seed: brokerId }, { disk: new MemoryDisk() })]))
      this.#disks.set(brokerId, disks)
    }
    const host = `b${brokerId}`
    const own = {
      listeners: `PLAINTEXT://${host}:9092`,
      'node.id': String(brokerId),
      'log.dirs': directories.join(','),
    }
    const keep = (level: LogLevel) => (text: string) => void this.lines.push({ brokerId, level, text })
    const logger = { trace() {}, debug() {}, info: keep('info'), warn: keep('warn'), error: keep('error') }
    const ports = { clock: this.clock, logger, network: this.#network.at(host), disks }
    const coordination = this.#hub.connect(brokerId)
    const starting = startNode(
      { values: { ...own, ...values }, profile: 'test', clusterId: CLUSTER_ID },
      { ...ports, coordination },
    )
    this.#nodes.set(brokerId, await this.whenDone(starting))
  }

  node(brokerId: number): BrokerNode {
    const node = this.#nodes.get(brokerId)
    if (node === undefined) throw new Error(`broker ${brokerId} does not run`)
    return node
  }

  disk(brokerId: number, directory = '/data'): FaultyDisk {
    return this.#disks.get(brokerId)!.get(directory)!
  }

  /** Nothing gets from one broker to the other, or back, until `heal`: it waits on the way. */
  cut(from: number, to: number): void {
    this.#network.cut(`b${from}`, `b${to}`)
  }

  heal(): void {
    this.#network.heal()
  }

  /** An empty one in its place; the broker is stopped. */
  replaceDisk(brokerId: number, directory: string): void {
    this.#disks.get(brokerId)!.set(directory, new FaultyDisk({ seed: brokerId }, { disk: new MemoryDisk() }))
  }

  async kill(brokerId: number): Promise<void> {
    const node = this.node(brokerId)
    this.#nodes.delete(brokerId)
    this.#clients.delete(brokerId)
    await this.whenDone(node.kill())
  }

  /** Ends cleanly. */
  async stopBroker(brokerId: number): Promise<void> {
    const node = this.node(brokerId)
    this.#nodes.delete(brokerId)
    this.#clients.delete(brokerId)
    await this.whenDone(node.close())
  }

  async close(): Promise<void> {
    await this.whenDone(Promise.all([...this.#nodes.values()].map((node) => node.close())))
  }

  /** The partition as the controller has it. */
  partition(topic: string, partition = 0): PartitionImage {
    const controller = [...this.#nodes.values()].find((node) => node.controller.isActive)
    const found = controller?.image.topicsByName.get(topic)?.partitions[partition]
    if (found === undefined) throw new Error(`there is no ${topic}-${partition}`)
    return found
  }

  async topic(name: string, brokerIds: readonly number[], configs: Record<string, string> = {}): Promise<void> {
    const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    const assignments = [{ partitionIndex: 0, brokerIds: [...brokerIds] }]
    const one = { name, numPartitions: -1, replicationFactor: -1, assignments, configs: entries }
    const { topics } = await this.ask(brokerIds[0]!, CreateTopics, 7, { topics: [one], timeoutMs: 10_000 })
    if (topics[0]!.errorCode !== 0) throw new Error(topics[0]!.errorMessage ?? name)
  }

  /** Sets configs of a topic (2) or of one broker (4); null deletes. */
  async alter(resourceType: 2 | 4, name: string | number, configs: Record<string, string | null>): Promise<void> {
    const changes = Object.entries(configs).map(([key, value]) => ({
      name: key,
      configOperation: value === null ? 1 : 0,
      value,
    }))
    const resources = [{ resourceType, resourceName: String(name), configs: changes }]
    const asked = typeof name === 'number' ? name : [...this.#nodes.keys()][0]!
    const { responses } = await this.ask(asked, IncrementalAlterConfigs, 1, { resources })
    if (responses[0]!.errorCode !== 0) throw new Error(responses[0]!.errorMessage ?? String(responses[0]!.errorCode))
  }

  ask<M extends Message>(
    brokerId: number,
    message: M,
    version: number,
    request: RequestInput<M>,
  ): Promise<ResponseOf<M>> {
    return this.whenDone(this.send(brokerId, message, version, request))
  }

  /** Without letting time pass for the answer. */
  send<M extends Message>(
    brokerId: number,
    message: M,
    version: number,
    request: RequestInput<M>,
  ): Promise<ResponseOf<M>> {
    let client = this.#clients.get(brokerId)
    if (client === undefined || client.closed) {
      client = new NodeClient()
      this.node(brokerId).handle(client)
      this.#clients.set(brokerId, client)
    }
    return client.send(message, version, request)
  }

  async pass(ms: number): Promise<void> {
    const untilMs = this.clock.monotonic() + ms
    await this.#step(() => (this.clock.untilNextMs() ?? Number.POSITIVE_INFINITY) > untilMs - this.clock.monotonic())
    this.clock.advance(untilMs - this.clock.monotonic())
  }

  /** Lets time pass until it is so. */
  async until(condition: () => boolean, what: string): Promise<void> {
    const fromMs = this.clock.monotonic()
    await this.#step(() => {
      if (this.clock.monotonic() - fromMs > LIMIT_MS) throw new Error(`In vain for ${LIMIT_MS} ms: ${what}`)
      return condition()
    })
  }

  async whenDone<T>(work: Promise<T>): Promise<T> {
    let done = false
    const end = (): void => {
      done = true
    }
    work.then(end, end)
    await this.until(() => done, 'an answer')
    return work
  }

  async #step(isOver: () => boolean): Promise<void> {
    await settled()
    while (!isOver()) {
      this.clock.step()
      await settled()
    }
  }
}

/** All promises settle before the next turn of the event loop. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
