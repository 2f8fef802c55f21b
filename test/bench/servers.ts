/** The servers that are measured side by side, each a process of its own on a free loopback port. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onPath, runOrThrow } from '../../compat/commands.js'
import { cacheFolder, projectRoot } from '../../compat/project-root.js'
import { startApacheKafka } from '../../compat/reference/apache-kafka.js'
import { referenceUnavailable } from '../../compat/reference/jars.js'
import type { BenchServer, ServerName } from './bench-case.js'
import { findProcess } from './processes.js'

const READY_WITHIN_MS = 60_000
const STOP_WITHIN_MS = 5_000

/** A started program and how long its first line `ready HOST:PORT` took. */
export interface Started extends BenchServer {
  readonly readyMs: number
}

export interface StartedOnDisk extends Started {
  /** Ends the program and leaves its folder: politely, or by kill -9. */
  end(): Promise<void>
  kill(): Promise<void>
}

/** Starts a program that says `ready HOST:PORT` and ends with its standard input. */
export async function startProgram(
  name: ServerName,
  program: string,
  args: readonly string[],
): Promise<Started & Pick<StartedOnDisk, 'kill'>> {
  const start = performance.now()
  const child = spawn(program, [...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const address = await readyAddress(child, program)
  const readyMs = performance.now() - start
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return {
    name,
    address,
    pid: child.pid!,
    readyMs,
    async kill() {
      process.removeListener('exit', kill)
      kill()
      await ended
    },
    async stop() {
      process.removeListener('exit', kill)
      // Politely first: only so does node write its profile.
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
      await ended
      clearTimeout(late)
    },
  }
}

function readyAddress(child: ChildProcess, program: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${program} was not ready in time`)), READY_WITHIN_MS)
    let text = ''
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      const match = /^ready (\S+)\n/.exec(text)
      if (match === null) return
      clearTimeout(timer)
      resolve(match[1]!)
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code} before it was ready`)))
  })
}

export const odradekProgram = (): string => {
  const file = join(projectRoot, 'dist', 'odradek.cjs')
  if (!existsSync(file)) throw new Error(`there is no ${file}: run make build`)
  return file
}

/** The program as it is shipped, everything in memory. Like the others it is asked to log warnings only. */
export const startOdradek = (extraNodeArgs: readonly string[] = []): Promise<Started> =>
  startProgram('Odradek', process.execPath, [
    ...extraNodeArgs,
    odradekProgram(),
    ...['start', '--listen', '127.0.0.1:0', '--log-level', 'warn'],
  ])

/** The same with its log in a folder of its own, which goes with `stop`. */
export async function startOdradekOnDisk(
  options: { nodeArgs?: readonly string[]; programArgs?: readonly string[]; dataFolder?: string } = {},
): Promise<StartedOnDisk> {
  const { nodeArgs = [], programArgs = [], dataFolder = mkdtempSync(join(tmpdir(), 'odradek-bench-')) } = options
  const started = await startProgram('Odradek on disk', process.execPath, [
    ...nodeArgs,
    odradekProgram(),
    ...['start', '--listen', '127.0.0.1:0', '--log-level', 'warn', '--data-dir', dataFolder],
    ...programArgs,
  ])
  return {
    ...started,
    end: () => started.stop(),
    async stop() {
      await started.stop()
      rmSync(dataFolder, { recursive: true, force: true })
    },
  }
}

export const startFloor = (): Promise<Started> =>
  startProgram('floor', process.execPath, [join(projectRoot, 'build', 'test', 'bench', 'floor-server.js')])

/** What any Node server costs to start: a listening socket and one line. */
export const startBareNode = (): Promise<Started> =>
  startProgram('floor', process.execPath, [join(projectRoot, 'test', 'bench', 'bare-node.cjs')])

/** Null, or why kfake cannot run here. */
export function kfakeUnavailable(): string | null {
  return onPath('go') || existsSync(kfakeBinary()) ? null : 'kfake needs Go on PATH and there is none'
}

const kfakeBinary = (): string => join(cacheFolder('kfake'), 'kfake')

/** franz-go's fake broker, built on first use. */
export async function startKfake(): Promise<Started> {
  const binary = kfakeBinary()
  if (!existsSync(binary)) {
    const folder = join(projectRoot, 'test', 'bench', 'kfake')
    await runOrThrow('go', ['build', '-o', binary, '.'], { cwd: folder, timeoutMs: 300_000 })
  }
  return startProgram('kfake', binary, [])
}

/** What Apache Kafka's own start script gives to its JVM, with the same smallest and largest heap. */
export const KAFKA_JVM_OPTIONS = [
  '-server',
  '-Xms1024m',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
]

/** Apache Kafka with the heap and the collector of its own start script. `readyMs` includes the formatting of its folder. */
export async function startKafka(configs: readonly string[] = []): Promise<Started & { readonly dataFolder: string }> {
  const start = performance.now()
  const properties = Object.fromEntries(configs.map((config) => config.split(/=(.*)/s).slice(0, 2)))
  const kafka = await startApacheKafka({ heapMegabytes: 1024, jvmOptions: KAFKA_JVM_OPTIONS, properties })
  const readyMs = performance.now() - start
  const pid = findProcess('java', dirname(kafka.dataFolder))
  return {
    name: 'Apache Kafka',
    address: kafka.bootstrapServers,
    pid,
    readyMs,
    dataFolder: kafka.dataFolder,
    stop: () => kafka.stop(),
  }
}

export { referenceUnavailable as kafkaUnavailable }
