import { ApiVersions, decodeResponseFrame } from '../../../../protocol/index.js'
import { perVersion, type Scene, scenario, versionsOf } from '../scenario.js'

/** The APIs that are served so far; the others have issues of their own and would be reported in each of these. */
const served = new Set([
  0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 23, 32, 33, 35, 37, 42, 44, 47, 57, 60, 74, 75,
])

async function ask(c: Scene, version: number, value: Record<string, string | number>): Promise<void> {
  const answer = await c.quiet(ApiVersions, version, value)
  const apiKeys = answer?.apiKeys.filter((entry) => served.has(entry.apiKey))
  const ascending = answer?.apiKeys.every((entry, i, all) => i === 0 || all[i - 1]!.apiKey < entry.apiKey)
  c.note(`ApiVersions v${version}`, answer === null ? 'closed' : { ...answer, apiKeys, ascending })
}

const software = { clientSoftwareName: 'diff', clientSoftwareVersion: '1.0' }

perVersion('ApiVersions {v}', versionsOf(ApiVersions), (c, v) => ask(c, v, v >= 3 ? software : {}))

for (const [what, name, version] of [
  ['an empty name', '', '1'],
  ['an empty version', 'a', ''],
  ['a name with a space', 'a b', '1'],
  ['a name that starts with -', '-a', '1'],
  ['a name that ends with -', 'a-', '1'],
  ['a version that starts with .', 'a', '.1'],
  ['inner dots and dashes', 'a.b-c', '1.2-3'],
  ['a name with an umlaut', 'ä', '1'],
] as const) {
  for (const v of [3, 5]) {
    scenario(`ApiVersions v${v} with ${what}`, (c) =>
      ask(c, v, { clientSoftwareName: name, clientSoftwareVersion: version }),
    )
  }
}

for (const [what, ids] of [
  ['only a node id', { nodeId: 1 }],
  ['only a cluster id', { clusterId: 'T2RyYWRla1JlZmVyZW5jZQ' }],
  ['a foreign cluster id', { clusterId: 'foreign', nodeId: 1 }],
] as const) {
  scenario(`ApiVersions v5 with ${what}`, (c) => ask(c, 5, { ...software, ...ids }))
}

for (const version of [6, 7, 100, 32767]) {
  scenario(`ApiVersions v${version} is answered in v0`, async (c) => {
    const connection = await c.connect()
    const frame = connection.frameOf(ApiVersions, 3, software)
    frame.writeInt16BE(version, 6)
    connection.write(frame)
    const outcome = await connection.next()
    c.note('answer', 'closed' in outcome ? 'closed' : decodeResponseFrame(ApiVersions, 0, outcome.frame).body)
    await c.sendOn(connection, ApiVersions, 0, {}).then(() => c.transcript.pop())
    c.note('the connection goes on', true)
  })
}
