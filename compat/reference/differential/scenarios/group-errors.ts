import { Heartbeat, JoinGroup, SyncGroup } from '../../../../protocol/index.js'
import { type JoinOptions, joinOf, newGroup, soleMember, syncOf } from '../group-scene.js'
import { perVersion } from '../scenario.js'

const refused: readonly (readonly [string, JoinOptions])[] = [
  ['a session timeout too short', { sessionTimeoutMs: 5999 }],
  ['a session timeout too long', { sessionTimeoutMs: 1_800_001 }],
  ['the shortest session timeout', { sessionTimeoutMs: 6000 }],
  ['no protocols', { protocols: [] }],
  ['no protocol type', { protocolType: '' }],
  ['a member id that nobody gave', { memberId: 'made-up' }],
  ['two protocols', { protocols: ['range', 'roundrobin'] }],
  ['another protocol type', { protocolType: 'connect' }],
]
for (const [what, options] of refused) {
  perVersion(`JoinGroup {v}: ${what}`, [0, 3, 4, 6, 7, 9], async (c, v) => {
    await c.send(JoinGroup, v, joinOf(v, await newGroup(c), options))
  })
}

perVersion('JoinGroup {v}: an empty group id', [0, 5, 9], async (c, v) => {
  await newGroup(c)
  await c.send(JoinGroup, v, joinOf(v, ''))
})

perVersion('JoinGroup {v}: protocols that nobody in the group has', [0, 3, 6, 9], async (c, v) => {
  const groupId = await newGroup(c)
  await soleMember(c, groupId)
  const joined = await c.send(JoinGroup, v, joinOf(v, groupId, { protocols: ['sticky'] }))
  const memberId = joined?.memberId ?? ''
  if (joined?.errorCode === 79) await c.send(JoinGroup, v, joinOf(v, groupId, { protocols: ['sticky'], memberId }))
  await c.send(JoinGroup, v, joinOf(v, groupId, { protocolType: 'connect', memberId }))
})

perVersion('SyncGroup {v}: protocol type and name', [5], async (c, v) => {
  const groupId = await newGroup(c)
  const { memberId, generationId } = await soleMember(c, groupId)
  const good = syncOf(v, groupId, generationId, memberId, [])
  for (const wrong of [
    { protocolType: 'connect' },
    { protocolName: 'sticky' },
    { protocolType: null },
    { protocolName: null },
  ]) {
    await c.send(SyncGroup, v, { ...good, ...wrong })
  }
  await c.send(SyncGroup, v, good)
})

perVersion('SyncGroup {v}: absent and empty groups', [0, 3, 5], async (c, v) => {
  const groupId = await newGroup(c)
  await c.send(SyncGroup, v, syncOf(v, groupId, 1, 'nobody', []))
  await c.send(SyncGroup, v, syncOf(v, '', 1, 'nobody', []))
})

perVersion('static members {v}: the wrong id for an instance', [5, 9], async (c, v) => {
  const groupId = await newGroup(c)
  const { generationId } = await soleMember(c, groupId, { instance: 'one' })
  await c.send(JoinGroup, v, joinOf(v, groupId, { instance: 'one', memberId: 'stale' }))
  await c.send(JoinGroup, v, joinOf(v, groupId, { instance: 'two', memberId: 'stale' }))
  for (const groupInstanceId of ['one', 'two']) {
    await c.send(Heartbeat, 4, { groupId, generationId, memberId: 'stale', groupInstanceId })
    await c.send(SyncGroup, 5, { ...syncOf(5, groupId, generationId, 'stale', []), groupInstanceId })
  }
})
