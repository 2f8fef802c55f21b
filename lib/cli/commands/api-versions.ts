/** `odradek api-versions`: what a broker serves, beside what this program knows. */
import { messages } from '../../../protocol/index.js'
import { withCluster } from '../cluster-client.js'
import type { Output } from '../output.js'

export async function apiVersions(bootstrap: readonly string[], output: Output): Promise<void> {
  const served = await withCluster(bootstrap, async (cluster) => (await cluster.any()).versions())
  const rows = [...served].map(([key, { min, max }]) => {
    const known = messages.find((message) => message.key === key)
    return {
      key,
      name: known?.name ?? null,
      min,
      max,
      knownMax: known?.stableVersions.high ?? null,
    }
  })
  output.table(
    ['key', 'name', 'min', 'max', 'known max'],
    rows.map((row) => [row.key, row.name, row.min, row.max, row.knownMax]),
    rows,
  )
}
