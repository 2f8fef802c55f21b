/**
 * The clients of other makers and languages: what each needs, how it is made ready, how its story is run. A story is a
 * program that takes a bootstrap address and a name of its own, prints a line `ok ...` per chapter, and exits with 0
 * only when everything it saw was right.
 */
import { copyFileSync, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type CommandResult, onPath, run, runOrThrow } from '../commands.js'
import { cacheFolder, projectRoot } from '../project-root.js'
import { apacheKafkaJars } from '../reference/jars.js'

export interface OtherClient {
  readonly name: string
  /** One clear sentence why it cannot run on this machine, or null. */
  unavailable(): string | null
  /** Installs or compiles into the cache folder; quick when that was done before. */
  prepare(): Promise<void>
  story(bootstrapServers: string, name: string): Promise<CommandResult>
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

const python: OtherClient = {
  name: 'confluent-kafka (Python)',
  unavailable: () => (onPath('python3') ? null : 'python3 is not on PATH'),
  async prepare() {
    const folder = cacheFolder('python')
    if (existsSync(join(folder, 'ready', 'bin', 'python'))) return
    await runOrThrow('python3', ['-m', 'venv', join(folder, 'ready')])
    const requirements = join(sources, 'python', 'requirements.txt')
    await runOrThrow(join(folder, 'ready', 'bin', 'pip'), ['install', '-q', '-r', requirements])
  },
  story: (bootstrap, name) =>
    run(join(cacheFolder('python'), 'ready', 'bin', 'python'), [join(sources, 'python', 'story.py'), bootstrap, name], {
      timeoutMs: storyTimeoutMs,
    }),
}

const javaQuiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'

const java: OtherClient = {
  name: 'kafka-clients (Java)',
  unavailable() {
    if (!onPath('javac')) return 'no Java compiler (javac) on PATH'
    return onPath('mvn') ? null : 'the jars are fetched with Maven (mvn) and there is none on PATH'
  },
  async prepare() {
    const classPath = join(await apacheKafkaJars(), '*')
    const source = join(sources, 'java', 'Story.java')
    await runOrThrow('javac', ['-nowarn', '-cp', classPath, '-d', cacheFolder('java'), source])
  },
  async story(bootstrap, name) {
    const classPath = [join(await apacheKafkaJars(), '*'), cacheFolder('java')].join(delimiter)
    const args = ['-Xmx256m', '-XX:TieredStopAtLevel=1', javaQuiet, '-cp', classPath, 'Story', bootstrap, name]
    return run('java', args, { timeoutMs: storyTimeoutMs })
  },
}

function goClient(name: string, program: string): OtherClient {
  const binary = () => join(cacheFolder('go'), program)
  return {
    name,
    unavailable: () => (onPath('go') ? null : 'go is not on PATH'),
    async prepare() {
      const cwd = join(sources, 'go')
      await runOrThrow('go', ['build', '-o', binary(), `./${program}`], { cwd, timeoutMs: 300_000 })
    },
    story: (bootstrap, story) => run(binary(), [bootstrap, story], { timeoutMs: storyTimeoutMs }),
  }
}

export const otherClients: readonly OtherClient[] = [
  platformatic,
  kcat,
  python,
  java,
  goClient('franz-go (Go)', 'franz'),
  goClient('sarama (Go)', 'sarama'),
  goClient('kafka-go (Go)', 'segmentio'),
]
