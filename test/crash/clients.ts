/** The client programs of a run: what each needs, how it is made ready, which process plays which roles. */
import { delimiter, join } from 'node:path'
import { onPath, runOrThrow } from '../../compat/commands.js'
import { preparePython, pythonProgram } from '../../compat/others/clients.js'
import { cacheFolder, projectRoot } from '../../compat/project-root.js'
import { type JarSet, javaUnavailable, kafkaJarSet, mavenJars } from '../../compat/reference/jars.js'

export interface ClientProcess {
  /** Unique among the processes; part of the journal's file name. */
  readonly name: string
  /** The first part of its writers' and groups' names. */
  readonly program: string
  readonly roles: readonly string[]
  /** It finishes when it has read everything: after the others. */
  readonly readsToTheEnd?: boolean
}

export interface ClientKind {
  readonly name: string
  readonly processes: readonly ClientProcess[]
  /** One clear sentence why it cannot run on this machine, or null. */
  unavailable(): string | null
  prepare(): Promise<void>
  /** What to run in front of BOOTSTRAP PROGRAM INCARNATION SEED ROLES. */
  command(): readonly string[]
}

const sources = join(projectRoot, 'test', 'crash', 'programs')

const kafkajs: ClientKind = {
  name: 'kafkajs',
  processes: [
    { name: 'js-writers', program: 'js', roles: ['acks1', 'acksall', 'idempotent', 'transactional'] },
    { name: 'js-readers', program: 'js', roles: ['reader', 'committed', 'copier'] },
  ],
  unavailable: () => null,
  prepare: async () => {},
  command: () => [process.execPath, join(projectRoot, 'build', 'test', 'crash', 'programs', 'kafkajs-client.js')],
}

const streamsJars: JarSet = {
  pom: join(sources, 'pom.xml'),
  cacheName: 'kafka-streams-4.4.0',
  witness: 'kafka-streams-4.4.0.jar',
}

const javaFlags = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=off']

function javaKind(name: string, jarSet: JarSet, mainClass: string, processes: readonly ClientProcess[]): ClientKind {
  const classes = () => cacheFolder(`crash-${mainClass}`)
  const jars = () => join(cacheFolder(jarSet.cacheName), '*')
  return {
    name,
    processes,
    unavailable: () => javaUnavailable(jarSet),
    async prepare() {
      await mavenJars(jarSet)
      const source = join(sources, `${mainClass}.java`)
      await runOrThrow('javac', ['-nowarn', '-cp', jars(), '-d', classes(), source])
    },
    command: () => ['java', ...javaFlags, '-cp', [jars(), classes()].join(delimiter), mainClass],
  }
}

const java = javaKind('kafka-clients (Java)', kafkaJarSet, 'CrashClient', [
  { name: 'java', program: 'java', roles: ['idempotent', 'transactional', 'committed', 'copier'] },
])

const streams = javaKind('Kafka Streams (Java)', streamsJars, 'WordCount', [
  { name: 'streams', program: 'streams', roles: ['wordcount'], readsToTheEnd: true },
])

const librdkafka: ClientKind = {
  name: 'confluent-kafka (librdkafka)',
  processes: [
    { name: 'python', program: 'python', roles: ['acks1', 'acksall', 'idempotent', 'transactional', 'reader'] },
  ],
  unavailable: () => (onPath('python3') ? null : 'python3 is not on PATH'),
  prepare: preparePython,
  command: () => [pythonProgram(), join(sources, 'crash_client.py')],
}

const franzProgram = (): string => join(cacheFolder('crash-franz'), 'franz')

const franz: ClientKind = {
  name: 'franz-go (Go)',
  processes: [
    {
      name: 'franz',
      program: 'franz',
      roles: ['acks1', 'acksall', 'idempotent', 'transactional', 'committed', 'copier'],
    },
  ],
  unavailable: () => (onPath('go') ? null : 'go is not on PATH'),
  async prepare() {
    await runOrThrow('go', ['build', '-o', franzProgram(), '.'], { cwd: join(sources, 'franz'), timeoutMs: 300_000 })
  },
  command: () => [franzProgram()],
}

export const clientKinds: readonly ClientKind[] = [kafkajs, java, librdkafka, franz, streams]

/** The kinds whose name contains one of the words (all without words), ready to start; says which are left out, and why. */
export async function availableKinds(only: readonly string[] | undefined): Promise<ClientKind[]> {
  const kinds: ClientKind[] = []
  for (const kind of clientKinds) {
    if (only !== undefined && !only.some((word) => kind.name.toLowerCase().includes(word.toLowerCase()))) continue
    const reason = kind.unavailable()
    if (reason === null) {
      await kind.prepare()
      kinds.push(kind)
    } else console.log(`left out: ${kind.name}: ${reason}`)
  }
  return kinds
}
