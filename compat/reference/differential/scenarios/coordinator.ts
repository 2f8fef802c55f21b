import { FindCoordinator } from '../../../../protocol/index.js'
import { perVersion, type Scene, versionsOf } from '../scenario.js'

async function find(c: Scene, v: number, keys: string[], keyType = 0): Promise<void> {
  if (v >= 4) await c.send(FindCoordinator, v, { keyType, coordinatorKeys: keys })
  else await c.send(FindCoordinator, v, v >= 1 ? { key: keys[0]!, keyType } : { key: keys[0]! })
}

const versions = versionsOf(FindCoordinator)

perVersion('FindCoordinator {v}: a group', versions, async (c, v) => {
  const key = c.name('group')
  // The first question makes the internal topic; until it is there the answer is "not available".
  for (let i = 0; i < 400; i++) {
    const answer = await c.quiet(FindCoordinator, 1, { key, keyType: 0 })
    if (answer?.errorCode === 0) break
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await find(c, v, [key])
})

perVersion('FindCoordinator {v}: unknown key types', versionsOf(FindCoordinator, 1), async (c, v) => {
  for (const keyType of [3, 9, -1]) await find(c, v, ['x'], keyType)
})

perVersion('FindCoordinator {v}: an empty key', versions, (c, v) => find(c, v, ['']))

perVersion('FindCoordinator {v}: several keys, and none', versionsOf(FindCoordinator, 4), async (c, v) => {
  await find(c, v, ['a', 'b', 'a'])
  await find(c, v, [])
})
