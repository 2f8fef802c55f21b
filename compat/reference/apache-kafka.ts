/**
 * Starts a real Apache Kafka (KRaft, one node that is broker and controller) on free loopback ports with an empty
 * temporary data folder, and takes all of it away again.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eachLine, runOrThrow } from '../commands.js'
import { freePorts } from '../free-ports.js'
import { apacheKafkaJars } from './jars.js'

export interface ApacheKafkaOptions {
  /** Lines of server.properties that replace or extend the launcher's own. */
  readonly properties?: Readonly<Record<string, string>>
  /** The JVM's heap; the default is plenty for the suites. */
  readonly heapMegabytes?: number
  /** Further options of the JVM in place of the launcher's own, which favour a quick start. */
  readonly jvmOptions?: readonly string[]
  /** Gets every line that the server logs (warnings and errors, and its start). */
  readonly onLog?: (line: string) => void
  /** How long starting may take before it is an error. */
  readonly startTimeoutMs?: number
}

export interface ApacheKafka {
  /** `127.0.0.1:PORT`. */
  readonly bootstrapServers: string
  /** The folder of its logs: gone after `stop`. */
  readonly dataFolder: string
  /** Kills the server (its data is thrown away, so nothing is gained by asking it politely) and removes the folder. */
  stop(): Promise<void>
}

/**
 * The server must die with us, however we die. It is therefore started by a shell that also reads a pipe which only we
 * hold open: when we are gone, even by SIGKILL, the pipe ends and the shell kills the server and removes its data.
 */
const guardScript = [
  'exec 3<&0',
  'folder=$1; shift',
  '"$@" </dev/null &',
  'server=$!',
  '{ cat <&3 >/dev/null; kill -9 $server 2>/dev/null; wait $server 2>/dev/null; rm -rf "$folder"; } &',
  'wait $server',
].join('\n')

/** A server that is formatted and can be started, again and again, by running `command`. */
export interface PreparedApacheKafka {
  readonly bootstrapServers: string
  readonly dataFolder: string
  /** The program and its arguments. It logs the line `apacheKafkaStarted` when it serves. */
  readonly command: readonly string[]
}

export const apacheKafkaStarted = 'Kafka Server started'

/** Chooses free ports, writes server.properties into the folder and formats its data folder. */
export async function prepareApacheKafka(
  folder: string,
  options: ApacheKafkaOptions = {},
): Promise<PreparedApacheKafka> {
  const jars = await apacheKafkaJars()
  const [port, controllerPort] = await freePorts(2)
  const propertiesFile = writeProperties(folder, port!, controllerPort!, options.properties ?? {})
  const classPath = join(jars, '*')
  // A fixed cluster id keeps the transcripts of two runs comparable; any 16 bytes do.
  const format = ['kafka.tools.StorageTool', 'format', '--cluster-id', 'T2RyYWRla1JlZmVyZW5jZQ', '-c', propertiesFile]
  await runOrThrow('java', ['-Xmx128m', '-XX:TieredStopAtLevel=1', ...logSettings, '-cp', classPath, ...format])
  const heap = `-Xmx${options.heapMegabytes ?? 512}m`
  const jvmOptions = options.jvmOptions ?? ['-XX:+UseSerialGC']
  return {
    bootstrapServers: `127.0.0.1:${port}`,
    dataFolder: join(folder, 'data'),
    command: ['java', heap, ...jvmOptions, ...logSettings, '-cp', classPath, 'kafka.Kafka', propertiesFile],
  }
}

/** Starts Apache Kafka and resolves when it says that it serves. Rejects with the end of its log when it does not. */
export async function startApacheKafka(options: ApacheKafkaOptions = {}): Promise<ApacheKafka> {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-reference-'))
  try {
    const { bootstrapServers, dataFolder, command } = await prepareApacheKafka(folder, options)
    const guard = spawn('/bin/sh', ['-c', guardScript, 'guard', folder, ...command], { stdio: 'pipe' })
    const stop = stopper(guard, folder)
    await started(guard, options, stop)
    return { bootstrapServers, dataFolder, stop }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    throw error
  }
}

/** Everything quiet but warnings, and the one line that says that the server serves. */
const logSettings: readonly string[] = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
  '-Dlog4j2.level=OFF',
]

function writeProperties(
  folder: string,
  port: number,
  controllerPort: number,
  extra: Readonly<Record<string, string>>,
) {
  const data = join(folder, 'data')
  mkdirSync(data)
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'log.dirs': data,
    // Groups form at once: the three seconds of the default are the first thing that users of test brokers switch off.
    'group.initial.rebalance.delay.ms': '0',
    // One node and small internal topics: they are made in a fraction of the time.
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'share.coordinator.state.topic.num.partitions': '4',
    ...extra,
  }
  const file = join(folder, 'server.properties')
  writeFileSync(
    file,
    `${Object.entries(properties)
      .map(([key, value]) => `${key}=${value}\n`)
      .join('')}`,
  )
  return file
}

function stopper(guard: ChildProcess, folder: string): () => Promise<void> {
  let stopping: Promise<void> | undefined
  return () => {
    stopping ??= new Promise<void>((resolve) => {
      const finish = () => {
        rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
        resolve()
      }
      if (guard.exitCode !== null || guard.signalCode !== null) finish()
      else guard.once('exit', finish)
      guard.stdin?.destroy()
    })
    return stopping
  }
}

function started(guard: ChildProcess, options: ApacheKafkaOptions, stop: () => Promise<void>): Promise<void> {
  const limitMs = options.startTimeoutMs ?? 60_000
  return new Promise((resolve, reject) => {
    const log: string[] = []
    let settled = false
    const fail = (reason: string) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      void stop().then(() => reject(new Error(`Apache Kafka ${reason}:\n${log.slice(-20).join('\n')}`)))
    }
    const timer = setTimeout(() => fail(`did not start within ${limitMs} ms`), limitMs)
    const read = (line: string) => {
      if (!settled) log.push(line)
      options.onLog?.(line)
      if (settled || !line.includes(apacheKafkaStarted)) return
      settled = true
      clearTimeout(timer)
      resolve()
    }
    for (const stream of [guard.stdout, guard.stderr]) if (stream !== null) eachLine(stream, read)
    guard.on('error', (error) => fail(`could not be run (${error.message})`))
    guard.on('exit', (code) => fail(`ended with code ${code}`))
  })
}
