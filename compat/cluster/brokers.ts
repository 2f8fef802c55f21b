/** Three brokers 101, 102 and 103 that are one cluster: in one process, or each in its own over Apache ZooKeeper. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Cluster } from '../../lib/embed/cluster.js'
import { CrashServer } from '../../test/crash/server.js'
import { freePorts } from '../free-ports.js'
import { projectRoot } from '../project-root.js'
import { Ensemble } from '../zookeeper/ensemble.js'

export const IDS = [101, 102, 103] as const
export type BrokerId = (typeof IDS)[number]

export interface ThreeBrokers {
  /** The array that kafkajs takes. */
  readonly brokers: readonly string[]
  /** As `kill -9` does. */
  kill(id: BrokerId): Promise<void>
  /** On what the last life left; resolves when it serves. */
  start(id: BrokerId): Promise<void>
  close(): Promise<void>
}

export async function inOneProcess(): Promise<ThreeBrokers> {
  const cluster = await Cluster.create({ brokerIds: IDS, logLevel: 'silent' })
  return {
    brokers: cluster.brokers,
    kill: (id) => cluster.stopBroker(id, { how: 'kill' }),
    start: (id) => cluster.startBroker(id),
    close: () => cluster.close(),
  }
}

const TICK_TIME_MS = 200
/** The longest that ZooKeeper grants, for who kills no broker: what a busy machine delays must not look like a death. */
export const PATIENT_SESSION_MS = 20 * TICK_TIME_MS

export async function overZooKeeper(sessionTimeoutMs = 2000): Promise<ThreeBrokers> {
  const ensemble = await Ensemble.start({ servers: 3, tickTimeMs: TICK_TIME_MS })
  const folder = mkdtempSync(join(tmpdir(), 'odradek-cluster-'))
  const ports = await freePorts(IDS.length)
  const servers = new Map(
    IDS.map((id, index) => {
      const recipe = recipeOf(id, ports[index]!, join(folder, String(id)), ensemble, sessionTimeoutMs)
      return [id, new CrashServer(recipe, join(folder, `${id}.log`))]
    }),
  )
  const start = async (id: BrokerId) => {
    const server = servers.get(id)!
    if (!(await server.start(false).ready)) throw new Error(`broker ${id} did not start: ${server.failure}`)
  }
  const close = async () => {
    for (const server of servers.values()) {
      await server.end('SIGKILL')
      server.close()
    }
    await ensemble.stop()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    await Promise.all(IDS.map(start))
  } catch (error) {
    await close()
    throw error
  }
  return {
    brokers: ports.map((port) => `127.0.0.1:${port}`),
    kill: (id) => servers.get(id)!.end('SIGKILL'),
    start,
    close,
  }
}

function recipeOf(id: BrokerId, port: number, dataFolder: string, ensemble: Ensemble, sessionTimeoutMs: number) {
  const place = ['--listen', `127.0.0.1:${port}`, '--id', String(id), '--data-dir', dataFolder]
  const zooKeeper = ['--zookeeper', `${ensemble.connectString}/odradek`]
  const session = ['--zookeeper-session-timeout', String(sessionTimeoutMs)]
  const copies = ['--set', 'offsets.topic.replication.factor=3']
  const program = [process.execPath, join(projectRoot, 'dist', 'odradek.cjs'), 'start']
  return {
    bootstrapServers: `127.0.0.1:${port}`,
    dataFolder,
    command: () => [...program, ...place, ...zooKeeper, ...session, ...copies],
    isReady: (line: string) => line.startsWith('ready '),
  }
}
