/** `odradek groups`: list, describe (members and lag), reset offsets, delete. */
import type { Admin, SeekEntry } from 'kafkajs'
import type { Output } from '../output.js'
import { CommandError, withAdmin } from '../session.js'

export async function listGroups(bootstrap: readonly string[], output: Output): Promise<void> {
  const groups = await withAdmin(bootstrap, async (admin) => {
    const { groups: listed } = await admin.listGroups()
    if (listed.length === 0) return []
    return (await admin.describeGroups(listed.map((group) => group.groupId))).groups
  })
  const rows = groups
    .map(({ groupId, state, protocolType, members }) => ({
      group: groupId,
      state,
      protocolType,
      members: members.length,
    }))
    .sort((one, other) => (one.group < other.group ? -1 : 1))
  output.table(
    ['group', 'state', 'type', 'members'],
    rows.map((row) => [row.group, row.state, row.protocolType || '-', row.members]),
    rows,
  )
}

interface PartitionLag {
  readonly topic: string
  readonly partition: number
  readonly committed: string
  readonly end: string
  readonly lag: string
  readonly member: string | null
}

export async function describeGroup(bootstrap: readonly string[], groupId: string, output: Output): Promise<void> {
  const { AssignerProtocol } = await import('kafkajs')
  const described = await withAdmin(bootstrap, async (admin) => {
    const group = await findGroup(admin, groupId)
    const owners = new Map<string, string>()
    for (const member of group.members) {
      const assignment =
        member.memberAssignment.length > 0 ? AssignerProtocol.MemberAssignment.decode(member.memberAssignment) : null
      for (const [topic, partitions] of Object.entries(assignment?.assignment ?? {})) {
        for (const partition of partitions) owners.set(`${topic}/${partition}`, member.memberId)
      }
    }
    return { group, partitions: await lags(admin, groupId, owners) }
  })
  const { group, partitions } = described
  output.table(
    ['group', 'state', 'topic', 'partition', 'committed', 'end', 'lag', 'member'],
    partitions.length > 0
      ? partitions.map((one) => [
          groupId,
          group.state,
          one.topic,
          one.partition,
          one.committed,
          one.end,
          one.lag,
          one.member,
        ])
      : [[groupId, group.state, null, null, null, null, null, null]],
    {
      group: groupId,
      state: group.state,
      protocol: group.protocol,
      members: group.members.map(({ memberId, clientId, clientHost }) => ({ memberId, clientId, clientHost })),
      partitions,
    },
  )
}

async function findGroup(admin: Admin, groupId: string) {
  const [group] = (await admin.describeGroups([groupId])).groups
  if (!group || group.state === 'Dead') throw new CommandError(`There is no group ${groupId}.`)
  return group
}

async function lags(admin: Admin, groupId: string, owners: ReadonlyMap<string, string>): Promise<PartitionLag[]> {
  const committed = await admin.fetchOffsets({ groupId })
  const result: PartitionLag[] = []
  for (const { topic, partitions } of committed) {
    const ends = await admin.fetchTopicOffsets(topic)
    for (const { partition, offset } of partitions) {
      const end = ends.find((one) => one.partition === partition)?.high ?? '0'
      const lag = offset === '-1' ? '-' : String(BigInt(end) - BigInt(offset))
      result.push({
        topic,
        partition,
        committed: offset,
        end,
        lag,
        member: owners.get(`${topic}/${partition}`) ?? null,
      })
    }
  }
  return result.sort((one, other) =>
    one.topic === other.topic ? one.partition - other.partition : one.topic < other.topic ? -1 : 1,
  )
}

/** Whole numbers from here on (September 2001 as milliseconds) are times: no partition has so many records. */
const SMALLEST_TIME_MS = 1e12

/** `to` is earliest, latest, an offset, or a time (ISO 8601, or milliseconds since the epoch). */
export async function resetGroup(
  bootstrap: readonly string[],
  groupId: string,
  topic: string,
  to: string,
  output: Output,
): Promise<void> {
  const partitions = await withAdmin(bootstrap, async (admin) => {
    const [group] = (await admin.describeGroups([groupId])).groups
    if (group && group.members.length > 0) {
      throw new CommandError(
        `The group ${groupId} has ${group.members.length} active members: stop them before its offsets are reset.`,
      )
    }
    if (!(await admin.listTopics()).includes(topic)) throw new CommandError(`There is no topic ${topic}.`)
    const seek = await targetOffsets(admin, topic, to)
    await admin.setOffsets({ groupId, topic, partitions: seek })
    return seek
  })
  output.table(
    ['topic', 'partition', 'offset'],
    partitions.map((one) => [topic, one.partition, one.offset]),
    {
      group: groupId,
      topic,
      partitions,
    },
  )
}

async function targetOffsets(admin: Admin, topic: string, to: string): Promise<SeekEntry[]> {
  const bounds = await admin.fetchTopicOffsets(topic)
  if (to === 'earliest') return bounds.map(({ partition, low }) => ({ partition, offset: low }))
  if (to === 'latest') return bounds.map(({ partition, high }) => ({ partition, offset: high }))
  if (/^\d+$/.test(to) && Number(to) < SMALLEST_TIME_MS) {
    return bounds.map(({ partition, low, high }) => ({ partition, offset: clamp(to, low, high) }))
  }
  const time = /^\d+$/.test(to) ? Number(to) : Date.parse(to)
  if (!Number.isSafeInteger(time)) {
    throw new CommandError(
      `--to ${to} is not earliest, latest, an offset, or a time like 2026-01-31T12:00:00Z or 1760000000000.`,
      2,
    )
  }
  return admin.fetchTopicOffsetsByTimestamp(topic, time)
}

/** An offset outside the log would be reset by the consumer's own policy, silently; the nearest valid one is what was meant. */
function clamp(offset: string, low: string, high: string): string {
  if (BigInt(offset) < BigInt(low)) return low
  return BigInt(offset) > BigInt(high) ? high : offset
}

export async function deleteGroups(
  bootstrap: readonly string[],
  groupIds: readonly string[],
  output: Output,
): Promise<void> {
  await withAdmin(bootstrap, async (admin) => {
    for (const groupId of groupIds) await findGroup(admin, groupId)
    await admin.deleteGroups([...groupIds])
  })
  output.done(`Deleted group ${groupIds.join(', ')}.`, { deleted: groupIds })
}
