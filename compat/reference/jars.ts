import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onPath, runOrThrow } from '../commands.js'
import { cacheFolder, projectRoot } from '../project-root.js'

/** The version named in pom.xml. */
export const apacheKafkaVersion = '4.4.0'

/** One clear sentence why Apache Kafka cannot run here, or null when it can. */
export function referenceUnavailable(): string | null {
  if (process.platform === 'win32') return 'the Apache Kafka launcher needs a POSIX shell'
  if (!onPath('java')) return 'Apache Kafka needs Java 17 or later on PATH and there is none'
  if (!jarsReady() && !onPath('mvn')) return 'Apache Kafka is fetched with Maven (mvn) and there is none on PATH'
  return null
}

/** The folder with the jars of Apache Kafka and all it needs (45 jars, 43 MB). */
export function apacheKafkaJars(): Promise<string> {
  return mavenJars(kafkaJarSet)
}

/** What a pom.xml of ours names, copied by Maven into a folder of the cache. */
export interface JarSet {
  /** The pom.xml that names the jars. */
  readonly pom: string
  /** The folder in the cache. */
  readonly cacheName: string
  /** One jar that must be there afterwards. */
  readonly witness: string
}

export const kafkaJarSet: JarSet = {
  pom: join(projectRoot, 'compat', 'reference', 'pom.xml'),
  cacheName: `kafka-${apacheKafkaVersion}`,
  witness: `kafka_2.13-${apacheKafkaVersion}.jar`,
}

/**
 * The folder with a set of jars. The first call asks Maven, later ones find them. A marker file is written last, so that an
 * interrupted download is done again instead of half used.
 */
export async function mavenJars(set: JarSet): Promise<string> {
  const folder = cacheFolder(set.cacheName)
  if (jarSetReady(set)) return folder
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`]
  await runOrThrow('mvn', ['-q', '-B', '-f', set.pom, ...goal], { timeoutMs: 600_000 })
  if (!readdirSync(folder).includes(set.witness)) throw new Error(`Maven left no ${set.witness} in ${folder}`)
  writeFileSync(join(folder, 'complete'), '')
  return folder
}

/** One clear sentence why Java programs that need these jars cannot be compiled and run here, or null. */
export function javaUnavailable(set: JarSet): string | null {
  if (!onPath('javac')) return 'no Java compiler (javac) on PATH'
  return jarSetReady(set) || onPath('mvn') ? null : 'the jars are fetched with Maven (mvn) and there is none on PATH'
}

function jarSetReady({ cacheName }: JarSet): boolean {
  return existsSync(join(cacheFolder(cacheName), 'complete'))
}

function jarsReady(): boolean {
  return jarSetReady(kafkaJarSet)
}
