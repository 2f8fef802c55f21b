/** What is measured, and against whom. */
import type { LoadLine } from './load-line.js'

export type ServerName = 'floor' | 'Odradek' | 'Odradek on disk' | 'Apache Kafka' | 'kfake'

export interface BenchServer {
  readonly name: ServerName
  /** HOST:PORT */
  readonly address: string
  /** Of the process whose processor time and memory count. */
  readonly pid: number
  stop(): Promise<void>
}

export interface Metric {
  readonly name: string
  readonly unit: string
  /** Whether more is better (a rate) or less (a time). */
  readonly better: 'more' | 'less'
}

export interface Scale {
  /** `--quick`: a fifth of the work, for a look. */
  readonly quick: boolean
  /** A count of requests, smaller when quick. */
  count(full: number): number
}

/** One case against one server, prepared. */
export interface Running {
  /** One round; a number for each metric. Checks all that it was answered. */
  round(): Promise<readonly number[]>
  /** What the round left to be checked or removed; not in the time. */
  afterRound?(): Promise<void>
  close(): Promise<void>
}

export interface OpenPorts {
  readonly scale: Scale
  /** For the floor, which can only repeat what Odradek has answered. */
  readonly odradek: BenchServer
}

export interface BenchCase {
  readonly name: string
  readonly metrics: readonly Metric[]
  /** Who takes part. */
  readonly servers: readonly ServerName[]
  /** A server for which the case is a matter of seconds gets this many rounds at most. */
  readonly roundsMax?: Partial<Record<ServerName, number>>
  /** Keys of APIs that not every build of Odradek serves. */
  readonly apis?: readonly number[]
  /** What a reader has to know. */
  readonly note?: string
  open(server: BenchServer, ports: OpenPorts): Promise<Running>
}

export const EVERYBODY: readonly ServerName[] = ['floor', 'Odradek', 'Apache Kafka', 'kfake']
/** Where it matters what a disk costs. */
export const WITH_DISK: readonly ServerName[] = ['floor', 'Odradek', 'Odradek on disk', 'Apache Kafka', 'kfake']
export const BROKERS: readonly ServerName[] = ['Odradek', 'Apache Kafka', 'kfake']

export const opsPerSecond: Metric = { name: 'ops/s', unit: '', better: 'more' }
export const megabytesPerSecond: Metric = { name: 'MB/s', unit: '', better: 'more' }

/** Runs and gives the time in seconds. */
export async function seconds(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await run()
  return (performance.now() - start) / 1000
}

export function must(condition: boolean, what: () => string): asserts condition {
  if (!condition) throw new Error(what())
}

export const closeAll = (lines: readonly LoadLine[]): void => {
  for (const line of lines) line.close()
}
