/** `odradek api-versions`: what a broker serves, beside what this program knows. */
import { messages } from '../../../protocol/index.js'
import type { Output } from '../output.js'
import { withBroker } from '../wire-client.js'

export async function apiVersions(bootstrap: readonly string[], output: Output): Promise<void> {
  const served = await withBroker(bootstrap, (broker) => broker.versions())
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
