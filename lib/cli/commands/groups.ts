/** `odradek groups`: list, describe (members and lag), reset offsets, delete. */
import type { Admin, SeekEntry } from 'kafkajs'
import { DeleteGroups, ErrorCode, OffsetCommit } from '../../../protocol/index.js'
import { withCluster } from '../cluster-client.js'
import { loadKafkaJs } from '../kafkajs.js'
import type { Output } from '../output.js'
import { refused } from '../refused.js'
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
  /** Null: nothing is committed. */
  readonly committed: string | null
  readonly end: string | null
  readonly lag: string | null
  readonly member: string | null
}

export async function describeGroup(bootstrap: readonly string[], groupId: string, output: Output): Promise<void> {
  const { AssignerProtocol } = await loadKafkaJs()
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

/** What is committed, and what members hold without having committed. `owners` is by `topic/partition`. */
async function lags(admin: Admin, groupId: string, owners: ReadonlyMap<string, string>): Promise<PartitionLag[]> {
  const offsets = new Map([...owners.keys()].map((key) => [key, '-1']))
  for (const { topic, partitions } of await admin.fetchOffsets({ groupId })) {
    for (const { partition, offset } of partitions) offsets.set(`${topic}/${partition}`, offset)
  }
  const topics = new Set([...offsets.keys()].map((key) => key.slice(0, key.lastIndexOf('/'))))
  const ends = new Map<string, string>()
  for (const topic of topics) {
    for (const { partition, high } of await admin.fetchTopicOffsets(topic)) ends.set(`${topic}/${partition}`, high)
  }
  const result = [...offsets].map(([key, offset]): PartitionLag => {
    const slash = key.lastIndexOf('/')
    const end = ends.get(key) ?? null
    const committed = offset === '-1' ? null : offset
    const lag = committed === null || end === null ? null : String(BigInt(end) - BigInt(committed))
    const partition = Number(key.slice(slash + 1))
    return { topic: key.slice(0, slash), partition, committed, end, lag, member: owners.get(key) ?? null }
  })
  return result.sort((one, other) =>
    one.topic === other.topic ? one.partition - other.partition : one.topic < other.topic ? -1 : 1,
  )
}

/** Where `reset` moves a group to. */
export type ResetTarget = 'earliest' | 'latest' | { readonly offset: string } | { readonly timeMs: number }

export async function resetGroup(
  bootstrap: readonly string[],
  groupId: string,
  topic: string,
  to: ResetTarget,
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
    return targetOffsets(admin, topic, to)
  })
  await commitOffsets(bootstrap, groupId, topic, partitions)
  output.table(
    ['topic', 'partition', 'offset'],
    partitions.map((one) => [topic, one.partition, one.offset]),
    { group: groupId, topic, partitions },
  )
}

/** Commits from outside the group, as administrators do: without joining it, so that nobody is disturbed. */
async function commitOffsets(
  bootstrap: readonly string[],
  groupId: string,
  topic: string,
  partitions: readonly SeekEntry[],
): Promise<void> {
  await withCluster(bootstrap, (cluster) =>
    cluster.retry(
      async () =>
        (await cluster.coordinator(groupId)).request(
          OffsetCommit,
          {
            groupId,
            topics: [
              {
                name: topic,
                partitions: partitions.map(({ partition, offset }) => ({
                  partitionIndex: partition,
                  committedOffset: Number(offset),
                  committedMetadata: null,
                })),
              },
            ],
          },
          // From version 10 on topics are told by id.
          { highest: 9 },
        ),
      (answer) =>
        answer.topics.flatMap((one) => one.partitions).find((one) => one.errorCode !== ErrorCode.NONE)?.errorCode ??
        ErrorCode.NONE,
    ),
  )
}

async function targetOffsets(admin: Admin, topic: string, to: ResetTarget): Promise<SeekEntry[]> {
  const sorted = (entries: SeekEntry[]): SeekEntry[] => entries.sort((one, other) => one.partition - other.partition)
  if (typeof to === 'object' && 'timeMs' in to)
    return sorted(await admin.fetchTopicOffsetsByTimestamp(topic, to.timeMs))
  const bounds = await admin.fetchTopicOffsets(topic)
  return sorted(
    bounds.map(({ partition, low, high }) => {
      if (typeof to === 'object') return { partition, offset: clamp(to.offset, low, high) }
      return { partition, offset: to === 'earliest' ? low : high }
    }),
  )
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
  const failures: string[] = []
  const deleted: string[] = []
  await withCluster(bootstrap, async (cluster) => {
    for (const groupId of groupIds) {
      const coordinator = await cluster.coordinator(groupId)
      const { results } = await coordinator.request(DeleteGroups, { groupsNames: [groupId] })
      const errorCode = results[0]?.errorCode ?? ErrorCode.NONE
      if (errorCode === ErrorCode.NONE) deleted.push(groupId)
      else failures.push(deletionFailure(groupId, errorCode))
    }
  })
  if (deleted.length > 0) output.done(`Deleted group ${deleted.join(', ')}.`, { deleted })
  if (failures.length > 0) throw new CommandError(failures.join(' '))
}

function deletionFailure(groupId: string, errorCode: number): string {
  if (errorCode === ErrorCode.GROUP_ID_NOT_FOUND) return `There is no group ${groupId}.`
  if (errorCode === ErrorCode.NON_EMPTY_GROUP) return `The group ${groupId} has active members: stop them first.`
  return refused(errorCode).message
}
