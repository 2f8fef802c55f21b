/** What the program that is measured does not have: said and left out, so that older builds can be measured, too. */
import { spawnSync } from 'node:child_process'
import { ApiVersions } from '../../protocol/index.js'
import type { BenchCase, BenchServer } from './bench-case.js'
import { odradekProgram } from './servers.js'
import { withClient } from './topics.js'

/** Null, or why there is no Odradek on disk. */
export function diskUnavailable(): string | null {
  const { stdout } = spawnSync(process.execPath, [odradekProgram(), 'start', '--help'], { encoding: 'utf8' })
  return stdout.includes('--data-dir') ? null : 'this build has no --data-dir'
}

/** The cases whose APIs are served. */
export async function servedCases(
  cases: readonly BenchCase[],
  server: BenchServer,
  leaveOut: (name: string, reason: string) => void,
): Promise<BenchCase[]> {
  const { apiKeys } = await withClient(server.address, (client) => client.send(ApiVersions, 0, {}))
  const served = new Set(apiKeys.map(({ apiKey }) => apiKey))
  return cases.filter(({ name, apis = [] }) => {
    const missing = apis.filter((key) => !served.has(key))
    if (missing.length > 0) leaveOut(name, `this build does not serve API ${missing.join(', ')}`)
    return missing.length === 0
  })
}
