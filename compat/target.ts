/**
 * The broker that the suites talk to: Odradek itself (built and started as a user starts it), the reference (a real
 * Apache Kafka), or whatever runs at a given address.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectRoot } from './project-root.js'
import { startApacheKafka } from './reference/apache-kafka.js'
import { referenceUnavailable } from './reference/jars.js'

export type TargetName = 'odradek' | 'brokers' | 'processes' | 'reference' | 'external'

export interface Target {
  readonly name: TargetName
  /** `HOST:PORT[,HOST:PORT...]`, as clients of other languages take it. */
  readonly bootstrapServers: string
  /** The same as an array, as kafkajs takes it. */
  readonly brokers: readonly string[]
  /** Where its logs are, for who reads files; null when it keeps none, or keeps them elsewhere. */
  readonly dataFolder: string | null
  stop(): Promise<void>
}

/**
 * Chooses by environment: `BOOTSTRAP=HOST:PORT` uses what runs there, `ODRADEK_COMPAT=reference` starts Apache Kafka,
 * `ODRADEK_COMPAT=odradek` (the default) starts the built program, `brokers` starts it with three brokers in one process, and `processes` three of
 * it over a ZooKeeper ensemble of three.
 */
export async function startTarget(environment: NodeJS.ProcessEnv = process.env): Promise<Target> {
  if (environment.BOOTSTRAP) return target('external', environment.BOOTSTRAP, null, async () => undefined)
  const wanted = environment.ODRADEK_COMPAT ?? 'odradek'
  if (wanted === 'odradek') return startOdradek()
  if (wanted === 'brokers') return { ...(await startOdradek({}, ['--brokers', '3'])), name: 'brokers' }
  if (wanted === 'processes') {
    const { overZooKeeper, PATIENT_SESSION_MS } = await import('./cluster/brokers.js')
    const { brokers, close } = await overZooKeeper(PATIENT_SESSION_MS)
    return target('processes', brokers.join(','), null, close)
  }
  if (wanted === 'reference') return startReference()
  const known = "use 'odradek', 'brokers', 'processes' or 'reference', or set BOOTSTRAP to HOST:PORT"
  throw new Error(`ODRADEK_COMPAT is '${wanted}'; ${known}`)
}

/** Apache Kafka as the target, with extra lines of server.properties. */
export async function startReference(properties: Readonly<Record<string, string>> = {}): Promise<Target> {
  const reason = referenceUnavailable()
  if (reason !== null) throw new Error(reason)
  const kafka = await startApacheKafka({ properties })
  return target('reference', kafka.bootstrapServers, kafka.dataFolder, () => kafka.stop())
}

/** The built program as the target: `odradek start --listen 127.0.0.1:0`, with extra `--set` lines and flags. */
export async function startOdradek(
  properties: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
): Promise<Target> {
  const settings = Object.entries(properties).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  const args = [programFile(), 'start', '--listen', '127.0.0.1:0', ...flags, ...settings]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const address = await readyAddress(child)
  const dataFolder = flags.includes('--data-dir') ? flags[flags.indexOf('--data-dir') + 1]! : null
  return target('odradek', address, dataFolder, () => {
    process.removeListener('exit', kill)
    return stopProgram(child)
  })
}

/** The target that keeps its logs in files: Odradek in a temporary folder, Apache Kafka as ever. */
export async function startDurableTarget(
  properties: Readonly<Record<string, string>>,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Target> {
  if (environment.BOOTSTRAP) return target('external', environment.BOOTSTRAP, null, async () => undefined)
  if (environment.ODRADEK_COMPAT === 'reference') return startReference(properties)
  const folder = mkdtempSync(join(tmpdir(), 'odradek-data-'))
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  try {
    const started = await startOdradek(properties, ['--data-dir', folder])
    return { ...started, stop: () => started.stop().finally(remove) }
  } catch (error) {
    remove()
    throw error
  }
}

function target(
  name: TargetName,
  bootstrapServers: string,
  dataFolder: string | null,
  stop: () => Promise<void>,
): Target {
  return { name, bootstrapServers, brokers: bootstrapServers.split(','), dataFolder, stop }
}

function programFile(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'))
  const bin = (manifest as { bin?: string | Record<string, string> }).bin
  const shipped = typeof bin === 'string' ? bin : bin?.odradek
  const candidates = [shipped, 'build/lib/cli/main.js'].filter((file) => file !== undefined)
  for (const candidate of candidates) {
    const file = join(projectRoot, candidate)
    if (existsSync(file)) return file
  }
  throw new Error(`no built program: looked for ${candidates.join(', ')}; run 'make build' first`)
}

/** The first line of standard output is `ready HOST:PORT`, and it comes only when the broker serves. */
function readyAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let stdout = ''
    let stderr = ''
    const fail = (what: string) => reject(new Error(`odradek start ${what}; it wrote:\n${stdout}${stderr}`))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < 100_000) stderr += text
    })
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (stdout.includes('\n')) return
      stdout += text
      if (!stdout.includes('\n')) return
      const ready = /^ready (\S+:\d+)$/.exec(stdout.split('\n', 1)[0]!.trim())
      if (ready === null) fail('did not say "ready HOST:PORT" first')
      else resolve(ready[1]!)
    })
    child.once('error', (error) => fail(`could not be run (${error.message})`))
    child.once('exit', (code) => fail(`ended with code ${code}`))
  })
}

/** A clean stop is part of what is tested: SIGTERM must end the program with code 0. */
function stopProgram(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      reject(new Error(`odradek had already ended (code ${child.exitCode}, signal ${child.signalCode})`))
      return
    }
    const limit = setTimeout(() => child.kill('SIGKILL'), 10_000)
    child.once('exit', (code, signal) => {
      clearTimeout(limit)
      if (code === 0) resolve()
      else reject(new Error(`odradek did not stop cleanly on SIGTERM: code ${code}, signal ${signal}`))
    })
    child.kill('SIGTERM')
  })
}
