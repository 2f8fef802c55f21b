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

/**
 * The folder with the jars of Apache Kafka and all it needs (45 jars, 43 MB). The first call asks Maven, later ones find
 * them. A marker file is written last, so that an interrupted download is done again instead of half used.
 */
export async function apacheKafkaJars(): Promise<string> {
  const folder = jarFolder()
  if (jarsReady()) return folder
  const pom = join(projectRoot, 'compat', 'reference', 'pom.xml')
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`]
  await runOrThrow('mvn', ['-q', '-B', '-f', pom, ...goal], { timeoutMs: 600_000 })
  if (!readdirSync(folder).includes(`kafka_2.13-${apacheKafkaVersion}.jar`)) {
    throw new Error(`Maven left no kafka_2.13-${apacheKafkaVersion}.jar in ${folder}`)
  }
  writeFileSync(join(folder, 'complete'), '')
  return folder
}

function jarFolder(): string {
  return cacheFolder(`kafka-${apacheKafkaVersion}`)
}

function jarsReady(): boolean {
  return existsSync(join(jarFolder(), 'complete'))
}
