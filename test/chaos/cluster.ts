/** Brokers in processes of their own, an Apache ZooKeeper ensemble, and a link in front of everything that they reach each other by. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../../compat/free-ports.js'
import { projectRoot } from '../../compat/project-root.js'
import { Ensemble } from '../../compat/zookeeper/ensemble.js'
import { CrashServer, type ServerRecipe } from '../crash/server.js'
import { clientIdOf, Link, type LinkState } from './links.js'

/** Long enough for a machine that does something else as well, short enough to fail over often. */
export const SESSION_TIMEOUT_MS = 3000
export const CHROOT = '/chaos'
const ZOOKEEPER_TICK_MS = 300

export interface ChaosBroker {
  readonly id: number
  readonly server: CrashServer
  readonly clientPort: number
  readonly dataFolder: string
  /** In front of its port for brokers. */
  readonly peers: Link
  /** Its way to the ensemble: one link per member. */
  readonly zooKeeper: readonly Link[]
  frozen: boolean
}

export class ChaosCluster {
  readonly brokers: readonly ChaosBroker[]
  readonly ensemble: Ensemble

  private constructor(ensemble: Ensemble, brokers: readonly ChaosBroker[]) {
    this.ensemble = ensemble
    this.brokers = brokers
  }

  /** Nothing runs yet but the ensemble. */
  static async create(folder: string, count: number, configs: Readonly<Record<string, string>>): Promise<ChaosCluster> {
    const ensemble = await Ensemble.start({ servers: 3, tickTimeMs: ZOOKEEPER_TICK_MS })
    const ports = await freePorts(2 * count)
    const brokers: ChaosBroker[] = []
    for (let index = 0; index < count; index++) {
      const id = 101 + index
      const [clientPort, peerPort] = [ports[2 * index]!, ports[2 * index + 1]!]
      const dataFolder = join(folder, `broker-${id}`)
      mkdirSync(dataFolder, { recursive: true })
      const peers = await Link.to(peerPort, clientIdOf)
      const zooKeeper = await Promise.all(ensemble.addresses.map(({ port }) => Link.to(port, () => '')))
      const recipe = brokerRecipe({ id, clientPort, peerPort, dataFolder, peers, zooKeeper }, configs)
      const server = new CrashServer(recipe, join(folder, `broker-${id}.log`))
      brokers.push({ id, server, clientPort, dataFolder, peers, zooKeeper, frozen: false })
    }
    return new ChaosCluster(ensemble, brokers)
  }

  get bootstrapServers(): string {
    return this.brokers.map(({ clientPort }) => `127.0.0.1:${clientPort}`).join(',')
  }

  get running(): ChaosBroker[] {
    return this.brokers.filter(({ server, frozen }) => server.running && !frozen)
  }

  /** The first thing that went wrong with a process; null when none did. */
  get failure(): string | null {
    for (const { id, server } of this.brokers) if (server.failure !== null) return `broker ${id}: ${server.failure}`
    return null
  }

  async start(broker: ChaosBroker): Promise<boolean> {
    return broker.server.start(false).ready
  }

  freeze(broker: ChaosBroker): void {
    broker.frozen = true
    broker.server.signal('SIGSTOP')
  }

  thaw(broker: ChaosBroker): void {
    broker.frozen = false
    broker.server.signal('SIGCONT')
  }

  /** One direction between two brokers: what `from` asks `to`, and the answers. */
  setLink(from: ChaosBroker, to: ChaosBroker, state: LinkState): void {
    to.peers.set(`broker-${from.id}`, state)
  }

  setZooKeeper(broker: ChaosBroker, state: LinkState): void {
    for (const link of broker.zooKeeper) link.set(null, state)
  }

  /** Everybody reaches everybody again, and nobody is frozen. */
  heal(): void {
    for (const broker of this.brokers) {
      broker.peers.set(null, 'open')
      this.setZooKeeper(broker, 'open')
      if (broker.frozen) this.thaw(broker)
    }
  }

  async close(): Promise<void> {
    for (const broker of this.brokers) if (broker.frozen) this.thaw(broker)
    await Promise.all(this.brokers.map(({ server }) => server.end('SIGKILL')))
    for (const { server, peers, zooKeeper } of this.brokers) {
      server.close()
      for (const link of [peers, ...zooKeeper]) link.close()
    }
    await this.ensemble.stop()
  }
}

type Place = Pick<ChaosBroker, 'id' | 'clientPort' | 'dataFolder' | 'peers' | 'zooKeeper'> & {
  readonly peerPort: number
}

function brokerRecipe(place: Place, configs: Readonly<Record<string, string>>): ServerRecipe {
  const { id, clientPort, peerPort, dataFolder, peers, zooKeeper } = place
  const all = {
    ...configs,
    listeners: `PLAINTEXT://127.0.0.1:${clientPort},CONTROLLER://127.0.0.1:${peerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${clientPort},CONTROLLER://127.0.0.1:${peers.port}`,
  }
  const settings = Object.entries(all).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  const connect = `${zooKeeper.map(({ port }) => `127.0.0.1:${port}`).join(',')}${CHROOT}`
  const flags = ['--id', String(id), '--zookeeper', connect, '--zookeeper-session-timeout', String(SESSION_TIMEOUT_MS)]
  const start = [process.execPath, join(projectRoot, 'dist', 'odradek.cjs'), 'start']
  return {
    bootstrapServers: `127.0.0.1:${clientPort}`,
    dataFolder,
    command: () => [...start, ...flags, '--data-dir', dataFolder, ...settings],
    isReady: (line) => line.startsWith('ready '),
  }
}
