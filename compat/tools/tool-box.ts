/** Apache Kafka's own command line tools (4.3.1, the newest that Maven serves), all in one JVM. */
import { type ChildProcess, spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { runOrThrow } from '../commands.js'
import { cacheFolder, projectRoot } from '../project-root.js'
import { type JarSet, javaUnavailable, mavenJars } from '../reference/jars.js'

const sources = join(projectRoot, 'compat', 'tools')

const toolJars: JarSet = {
  pom: join(sources, 'pom.xml'),
  cacheName: 'kafka-tools-4.3.1',
  witness: 'kafka-tools-4.3.1.jar',
}

/** The tools by the names of their scripts. */
const MAIN_CLASSES = {
  'kafka-dump-log': 'org.apache.kafka.tools.DumpLogSegments',
  'kafka-transactions': 'org.apache.kafka.tools.TransactionsCommand',
  'kafka-delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'kafka-get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  'kafka-consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'kafka-topics': 'org.apache.kafka.tools.TopicCommand',
  'kafka-configs': 'kafka.admin.ConfigCommand',
  'kafka-log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'kafka-broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  'kafka-cluster': 'org.apache.kafka.tools.ClusterTool',
  'kafka-leader-election': 'org.apache.kafka.tools.LeaderElectionCommand',
  'kafka-metadata-quorum': 'org.apache.kafka.tools.MetadataQuorumCommand',
  'kafka-reassign-partitions': 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
} as const

export type ToolName = keyof typeof MAIN_CLASSES

export interface ToolResult {
  readonly code: number
  /** Standard output and standard error, as they came. */
  readonly output: string
}

/** One clear sentence why the tools cannot be run here, or null. */
export function toolsUnavailable(): string | null {
  return javaUnavailable(toolJars)
}

export class ToolBox {
  readonly #jvm: ChildProcess
  #bytes: Buffer = Buffer.alloc(0)
  #waiting: { resolve(result: ToolResult): void; reject(error: Error): void } | undefined

  private constructor(jvm: ChildProcess) {
    this.#jvm = jvm
    jvm.stdout?.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      this.#answer()
    })
    jvm.once('exit', (code) => this.#waiting?.reject(new Error(`the JVM of the tools ended with ${code}`)))
  }

  /** Fetches the jars and compiles the driver when that was not done before. */
  static async open(): Promise<ToolBox> {
    const jars = join(await mavenJars(toolJars), '*')
    const classes = cacheFolder('kafka-tools-driver')
    await runOrThrow('javac', ['-nowarn', '-cp', jars, '-d', classes, join(sources, 'ToolDriver.java')])
    const flags = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error']
    const args = [...flags, '-cp', [jars, classes].join(delimiter), 'ToolDriver']
    return new ToolBox(spawn('java', args, { stdio: ['pipe', 'pipe', 'inherit'] }))
  }

  /** Runs one tool to its end; one at a time. */
  run(tool: ToolName, ...args: readonly string[]): Promise<ToolResult> {
    if (this.#waiting !== undefined) throw new Error('one tool at a time')
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#jvm.stdin?.write(`${[MAIN_CLASSES[tool], ...args].join('\t')}\n`)
    })
  }

  /** As `run`; a tool that fails is an error that shows what it wrote. */
  async runOrThrow(tool: ToolName, ...args: readonly string[]): Promise<string> {
    const { code, output } = await this.run(tool, ...args)
    if (code !== 0) throw new Error(`${tool} ${args.join(' ')} ended with ${code}:\n${output}`)
    return output
  }

  /** Ends the JVM: its input ends. */
  close(): void {
    this.#jvm.stdin?.end()
  }

  #answer(): void {
    const end = this.#bytes.indexOf('\n')
    if (end < 0) return
    const [code, length] = this.#bytes.toString('latin1', 0, end).split(' ').map(Number)
    const whole = end + 1 + length!
    if (this.#bytes.length < whole) return
    const output = this.#bytes.toString('utf8', end + 1, whole)
    this.#bytes = this.#bytes.subarray(whole)
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve({ code: code!, output })
  }
}

/**
 * The lines in which kafka-dump-log speaks of damage, whatever the file. It takes a time index for wrong whose entry is of a batch without
 * records, which compaction keeps (as Kafka's does) with its largest timestamp: for the tool that batch has none, -1.
 */
export function complaintsOf(output: string): string[] {
  const lines = output.split('\n')
  return lines.filter((line, at) => {
    if (!/Found .*:|mismatch|Could not|Exception|not valid|isvalid: false/i.test(line)) return false
    if (!line.startsWith('Found timestamp mismatch')) return true
    const next = lines.slice(at + 1).findIndex((one) => !one.startsWith('  '))
    const details = lines.slice(at + 1, next < 0 ? undefined : at + 1 + next)
    return details.length === 0 || details.some((detail) => !detail.endsWith('log timestamp: -1'))
  })
}

/** The rows of a table that a tool printed, by the names in its first line. */
export function rowsOf(output: string): Record<string, string>[] {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  const separator = (line: string) => (line.includes('\t') ? line.split('\t') : line.trim().split(/\s+/))
  const [head, ...rest] = lines
  const names = separator(head ?? '').map((name) => name.trim())
  return rest.map((line) => {
    const cells = separator(line)
    return Object.fromEntries(names.map((name, i) => [name, (cells[i] ?? '').trim()]))
  })
}
