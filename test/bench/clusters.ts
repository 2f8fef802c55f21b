/** Clusters of three brokers, each a program of its own or three, all on loopback. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { freePorts } from '../../compat/free-ports.js'
import { startApacheKafka } from '../../compat/reference/apache-kafka.js'
import { Ensemble } from '../../compat/zookeeper/ensemble.js'
import { Cluster } from '../../lib/index.js'
import { cpuSeconds, findProcess } from './processes.js'
import { KAFKA_JVM_OPTIONS, odradekProgram, startProgram } from './servers.js'

export interface BenchCluster {
  readonly name: string
  /** HOST:PORT of each broker. */
  readonly addresses: readonly string[]
  /** Processor seconds of all its brokers. */
  cpuSeconds(): number
  /** The broker at this address dies at once; null where that needs another cluster (`diesAlone`). */
  readonly kill: ((address: string) => Promise<void>) | null
  stop(): Promise<void>
}

const CPU_OF_A_CLUSTER = (pids: readonly number[]) => () => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)

/** `odradek start --brokers 3`, in memory. */
export async function startInOneProcess(): Promise<BenchCluster> {
  const args = [odradekProgram(), 'start', '--brokers', '3', '--listen', '127.0.0.1:0', '--log-level', 'warn']
  const started = await startProgram('Odradek', process.execPath, args)
  return {
    name: 'Odradek, one process',
    addresses: started.address.split(','),
    cpuSeconds: CPU_OF_A_CLUSTER([started.pid]),
    kill: null,
    stop: () => started.stop(),
  }
}

/** Three brokers inside this process, of which one can be stopped as if it were killed. */
export async function startEmbedded(): Promise<BenchCluster> {
  const cluster = await Cluster.create({ brokers: 3 })
  return {
    name: 'Odradek, one process',
    addresses: cluster.brokers,
    cpuSeconds: () => 0,
    kill: (address) => cluster.stopBroker(cluster.brokerIds[cluster.brokers.indexOf(address)]!, { how: 'kill' }),
    stop: () => cluster.close(),
  }
}

/** Three programs with their data on disk, coordinated by an ensemble of three. */
export async function startOverZooKeeper(): Promise<BenchCluster> {
  const ensemble = await Ensemble.start()
  const folder = mkdtempSync(join(tmpdir(), 'odradek-bench-'))
  const brokers = await Promise.all(
    [101, 102, 103].map((id) =>
      startProgram('Odradek on disk', process.execPath, [
        ...[odradekProgram(), 'start', '--listen', '127.0.0.1:0', '--id', String(id), '--log-level', 'error'],
        ...['--zookeeper', ensemble.connectString, '--data-dir', join(folder, String(id))],
      ]),
    ),
  )
  return {
    name: 'Odradek, three processes',
    addresses: brokers.map(({ address }) => address),
    cpuSeconds: CPU_OF_A_CLUSTER(brokers.map(({ pid }) => pid)),
    kill: (address) => brokers.find((one) => one.address === address)!.kill(),
    async stop() {
      await Promise.all(brokers.map((one) => one.kill()))
      await ensemble.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Three Apache Kafkas that are brokers and controllers. */
export async function startKafkas(): Promise<BenchCluster> {
  const ports = await freePorts(6)
  const voters = [1, 2, 3].map((id) => `${id}@127.0.0.1:${ports[2 + id]}`).join(',')
  const brokers = await Promise.all(
    [1, 2, 3].map(async (id) => {
      const address = `127.0.0.1:${ports[id - 1]}`
      const kafka = await startApacheKafka({
        heapMegabytes: 1024,
        jvmOptions: KAFKA_JVM_OPTIONS,
        properties: {
          'node.id': String(id),
          listeners: `PLAINTEXT://${address},CONTROLLER://127.0.0.1:${ports[2 + id]}`,
          'advertised.listeners': `PLAINTEXT://${address}`,
          'controller.quorum.voters': voters,
        },
      })
      return { address, kafka, pid: findProcess('java', dirname(kafka.dataFolder)) }
    }),
  )
  return {
    name: 'Apache Kafka x 3',
    addresses: brokers.map(({ address }) => address),
    cpuSeconds: CPU_OF_A_CLUSTER(brokers.map(({ pid }) => pid)),
    kill: async (address) => void process.kill(brokers.find((one) => one.address === address)!.pid, 'SIGKILL'),
    stop: async () => void (await Promise.all(brokers.map(({ kafka }) => kafka.stop()))),
  }
}
