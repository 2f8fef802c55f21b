/** `odradek groups`: list, describe (members and lag), reset offsets, delete. */
import kafkajs, { type Admin, type SeekEntry } from 'kafkajs'
import { ErrorCode, errorName, FindCoordinator, OffsetCommit } from '../../../protocol/index.js'
import { endpoint } from '../../host/network-error.js'
import type { Output } from '../output.js'
import { refused } from '../refused.js'
import { CommandError, withAdmin } from '../session.js'
import { withBroker } from '../wire-client.js'

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
  const described = await withAdmin(bootstrap, async (admin) => {
    const group = await findGroup(admin, groupId)
    const owners = new Map<string, string>()
    for (const member of group.members) {
      const assignment =
        member.memberAssignment.length > 0
          ? kafkajs.AssignerProtocol.MemberAssignment.decode(member.memberAssignment)
          : null
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
  const position = positionOf(to)
  const partitions = await withAdmin(bootstrap, async (admin) => {
    const [group] = (await admin.describeGroups([groupId])).groups
    if (group && group.members.length > 0) {
      throw new CommandError(
        `The group ${groupId} has ${group.members.length} active members: stop them before its offsets are reset.`,
      )
    }
    if (!(await admin.listTopics()).includes(topic)) throw new CommandError(`There is no topic ${topic}.`)
    const seek = await targetOffsets(admin, topic, position)
    return seek
  })
  await commit(bootstrap, groupId, topic, partitions)
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

/** In OffsetCommit 0-9 a topic is told by its name; every broker since 2.4 speaks this one. */
const OFFSET_COMMIT_VERSION = 8
/** The last version that asks for one key. */
const FIND_COORDINATOR_VERSION = 3
const GROUP_KEY_TYPE = 0

/**
 * Commits as nobody's member, which a coordinator allows while the group is empty: kafkajs would join the group for it, wait for the
 * rebalance and take five seconds to leave.
 */
async function commit(
  bootstrap: readonly string[],
  groupId: string,
  topic: string,
  seek: readonly SeekEntry[],
): Promise<void> {
  const found = await withBroker(bootstrap, (broker) =>
    broker.request(
      FindCoordinator,
      { key: groupId, keyType: GROUP_KEY_TYPE, coordinatorKeys: [] },
      FIND_COORDINATOR_VERSION,
    ),
  )
  if (found.errorCode !== ErrorCode.NONE) throw refused(found.errorCode, found.errorMessage)
  const coordinator = endpoint(found.host, found.port)
  const { topics } = await withBroker([coordinator], (broker) =>
    broker.request(
      OffsetCommit,
      {
        groupId,
        topics: [
          {
            name: topic,
            partitions: seek.map(({ partition, offset }) => ({
              partitionIndex: partition,
              committedOffset: Number(offset),
              committedMetadata: null,
            })),
          },
        ],
      },
      OFFSET_COMMIT_VERSION,
    ),
  )
  const bad = topics.flatMap((one) => one.partitions).find((one) => one.errorCode !== ErrorCode.NONE)
  if (bad) throw refused(bad.errorCode, `Partition ${bad.partitionIndex} was refused: ${errorName(bad.errorCode)}.`)
}

type Position = 'earliest' | 'latest' | { readonly offset: string } | { readonly timeMs: number }

/** A date, with a time of day and a zone if wanted: Date.parse alone takes nearly anything for a date, -5 too. */
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/

function positionOf(to: string): Position {
  if (to === 'earliest' || to === 'latest') return to
  if (/^\d{1,19}$/.test(to)) return Number(to) < SMALLEST_TIME_MS ? { offset: to } : { timeMs: Number(to) }
  const timeMs = ISO_TIME.test(to) ? Date.parse(to) : Number.NaN
  if (Number.isSafeInteger(timeMs)) return { timeMs }
  throw new CommandError(
    `--to ${to} is not earliest, latest, an offset, or a time like 2026-01-31T12:00:00Z or 1760000000000.`,
    2,
  )
}

async function targetOffsets(admin: Admin, topic: string, to: Position): Promise<SeekEntry[]> {
  if (typeof to === 'object' && 'timeMs' in to) return admin.fetchTopicOffsetsByTimestamp(topic, to.timeMs)
  const bounds = await admin.fetchTopicOffsets(topic)
  return bounds.map(({ partition, low, high }) => {
    if (to === 'earliest') return { partition, offset: low }
    return { partition, offset: to === 'latest' ? high : clamp(to.offset, low, high) }
  })
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
