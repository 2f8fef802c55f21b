/**
 * The clients of other makers and languages: what each needs, how it is made ready, how its story is run. A story is a
 * program that takes a bootstrap address and a name of its own, prints a line `ok ...` per chapter, and exits with 0
 * only when everything it saw was right.
 */
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type CommandResult, onPath, run, runOrThrow } from '../commands.js'
import { cacheFolder, projectRoot } from '../project-root.js'
import { apacheKafkaJars, javaUnavailable, kafkaJarSet } from '../reference/jars.js'

export interface OtherClient {
  readonly name: string
  /** One clear sentence why it cannot run on this machine, or null. */
  unavailable(): string | null
  /** Installs or compiles into the cache folder; quick when that was done before. */
  prepare(): Promise<void>
  story(bootstrapServers: string, name: string): Promise<CommandResult>
  /** It has no consumer groups, and remembers offsets by itself. */
  readonly withoutGroups?: true
  /** A second story for clients with transactions: commit, abort, consume-transform-produce, fencing. */
  exactlyOnce?(bootstrapServers: string, name: string): Promise<CommandResult>
  /** The integration tests of its makers, as they publish them. */
  ownTests?(bootstrapServers: string, brokerCount: number): Promise<CommandResult>
}

const sources = join(projectRoot, 'compat', 'others')
const storyTimeoutMs = 90_000

const platformatic: OtherClient = {
  name: '@platformatic/kafka',
  unavailable: () => (onPath('npm') ? null : 'npm is not on PATH'),
  async prepare() {
    const folder = cacheFolder('platformatic')
    for (const file of ['package.json', 'story.mjs']) {
      copyFileSync(join(sources, 'platformatic', file), join(folder, file))
    }
    if (existsSync(join(folder, 'node_modules', '@platformatic', 'kafka'))) return
    // One of its dependencies asks for a newer Node than it needs.
    const flags = ['--engine-strict=false', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock']
    await runOrThrow('npm', ['install', ...flags], { cwd: folder })
  },
  story: (bootstrap, name) =>
    run(process.execPath, [join(cacheFolder('platformatic'), 'story.mjs'), bootstrap, name], {
      timeoutMs: storyTimeoutMs,
    }),
}

const kcat: OtherClient = {
  name: 'kcat',
  unavailable() {
    if (onPath('kcat')) return null
    if (onPath('apt-get') && process.getuid?.() === 0) return null
    return 'kcat is not on PATH (Debian: apt-get install kcat)'
  },
  async prepare() {
    if (onPath('kcat')) return
    const install = ['install', '-y', '--no-install-recommends', 'kcat']
    if ((await run('apt-get', install)).code === 0) return
    await runOrThrow('apt-get', ['update'])
    await runOrThrow('apt-get', install)
  },
  story: (bootstrap, name) =>
    run('/bin/sh', [join(sources, 'kcat', 'story.sh'), bootstrap, name], { timeoutMs: storyTimeoutMs }),
}

/** The Python of the environment that `preparePython` makes. */
export const pythonProgram = (): string => join(cacheFolder('python'), 'ready', 'bin', 'python')

/** An environment with the clients of `requirements.txt` in the cache folder. */
export async function preparePython(): Promise<void> {
  const folder = cacheFolder('python')
  const marker = join(folder, 'complete')
  const requirements = join(sources, 'python', 'requirements.txt')
  const wanted = readFileSync(requirements, 'utf8')
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return
  await runOrThrow('python3', ['-m', 'venv', '--clear', join(folder, 'ready')])
  await runOrThrow(pythonProgram(), ['-m', 'pip', 'install', '-q', '-r', requirements])
  writeFileSync(marker, wanted)
}

function pythonClient(name: string, program: string): OtherClient {
  return {
    name,
    unavailable: () => (onPath('python3') ? null : 'python3 is not on PATH'),
    prepare: preparePython,
    story: (bootstrap, story) =>
      run(pythonProgram(), [join(sources, 'python', program), bootstrap, story], { timeoutMs: storyTimeoutMs }),
  }
}

const javaQuiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'

const java: OtherClient = {
  name: 'kafka-clients (Java)',
  unavailable: () => javaUnavailable(kafkaJarSet),
  async prepare() {
    const classPath = join(await apacheKafkaJars(), '*')
    const stories = ['Story', 'ExactlyOnce'].map((story) => join(sources, 'java', `${story}.java`))
    await runOrThrow('javac', ['-nowarn', '-cp', classPath, '-d', cacheFolder('java'), ...stories])
  },
  story: (bootstrap, name) => runJava('Story', bootstrap, name),
  exactlyOnce: (bootstrap, name) => runJava('ExactlyOnce', bootstrap, name),
}

async function runJava(mainClass: string, bootstrap: string, name: string): Promise<CommandResult> {
  const classPath = [join(await apacheKafkaJars(), '*'), cacheFolder('java')].join(delimiter)
  const args = ['-Xmx256m', '-XX:TieredStopAtLevel=1', javaQuiet, '-cp', classPath, mainClass, bootstrap, name]
  return run('java', args, { timeoutMs: storyTimeoutMs })
}

function goClient(name: string, program: string, exactlyOnceProgram?: string): OtherClient {
  const binary = (one: string) => join(cacheFolder('go'), one)
  const runGo = (one: string, bootstrap: string, story: string) =>
    run(binary(one), [bootstrap, story], { timeoutMs: storyTimeoutMs })
  return {
    name,
    unavailable: () => (onPath('go') ? null : 'go is not on PATH'),
    async prepare() {
      const cwd = join(sources, 'go')
      for (const one of [program, exactlyOnceProgram].filter((some) => some !== undefined)) {
        await runOrThrow('go', ['build', '-o', binary(one), `./${one}`], { cwd, timeoutMs: 300_000 })
      }
    },
    story: (bootstrap, story) => runGo(program, bootstrap, story),
    ...(exactlyOnceProgram && { exactlyOnce: (bootstrap, story) => runGo(exactlyOnceProgram, bootstrap, story) }),
  }
}

/** Those of the package kgo that need a broker, and no API that Odradek has not got (GAPS.md): share groups, KIP-848, SCRAM. */
const kgoTests = {
  run: '^Test(Group|Txn|Issue|Consume|Direct|AddRemove|Pause|Pooling|Ping|Unknown|Lookback|Produce)',
  skip: 'Share|848|SCRAM',
}

const franz: OtherClient = {
  ...goClient('franz-go (Go)', 'franz', 'franz-eos'),
  ownTests: (bootstrap, brokerCount) => {
    const which = ['-count=1', '-run', kgoTests.run, '-skip', kgoTests.skip, '-timeout', '300s']
    const env = {
      KGO_SEEDS: bootstrap,
      KGO_TEST_RF: String(Math.min(brokerCount, 3)),
      KGO_TEST_RECORDS: '20000',
      KGO_LOG_LEVEL: 'error',
    }
    const cwd = join(sources, 'go')
    return run('go', ['test', 'github.com/twmb/franz-go/pkg/kgo', ...which], { cwd, env, timeoutMs: 420_000 })
  },
}

const rustFolder = () => cacheFolder('rust')

const rust: OtherClient = {
  name: 'rskafka (Rust)',
  withoutGroups: true,
  unavailable: () => (onPath('cargo') ? null : 'cargo is not on PATH'),
  async prepare() {
    const manifest = join(sources, 'rust', 'Cargo.toml')
    const args = [
      'build',
      '--quiet',
      '--release',
      '--locked',
      '--manifest-path',
      manifest,
      '--target-dir',
      rustFolder(),
    ]
    await runOrThrow('cargo', args, { timeoutMs: 580_000 })
  },
  story: (bootstrap, name) =>
    run(join(rustFolder(), 'release', 'rskafka-story'), [bootstrap, name], { timeoutMs: storyTimeoutMs }),
}

export const otherClients: readonly OtherClient[] = [
  platformatic,
  kcat,
  pythonClient('confluent-kafka (Python)', 'story.py'),
  pythonClient('kafka-python (Python)', 'kafka_python.py'),
  pythonClient('aiokafka (Python)', 'aio.py'),
  java,
  franz,
  goClient('sarama (Go)', 'sarama'),
  goClient('kafka-go (Go)', 'segmentio'),
  rust,
]
