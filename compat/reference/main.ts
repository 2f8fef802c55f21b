/**
 * `make reference`: the kafkajs suite against Apache Kafka itself, then the differential runner. Arguments go to the
 * differential runner. On a machine without Java or Maven it says so and succeeds.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { projectRoot } from '../project-root.js'
import { referenceUnavailable } from './jars.js'

function play(file: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): boolean {
  const program = join(projectRoot, 'build', 'compat', file)
  const env = { ...process.env, ...environment }
  return spawnSync(process.execPath, [program, ...args], { stdio: 'inherit', env }).status === 0
}

const reason = referenceUnavailable()
if (reason !== null) {
  process.stdout.write(`left out: ${reason}\n`)
} else {
  const suite = play('report.js', ['kafkajs'], { ODRADEK_COMPAT: 'reference' })
  const compared = play('reference/differential/run.js', process.argv.slice(2))
  process.exitCode = suite && compared ? 0 : 1
}
