import { FindCoordinator, Heartbeat, JoinGroup, SyncGroup } from '../../../protocol/index.js'
import type { Connection } from './connection.js'
import type { Scene } from './scenario.js'

export interface JoinOptions {
  readonly memberId?: string
  readonly instance?: string | null
  readonly protocols?: readonly string[]
  readonly protocolType?: string
  readonly sessionTimeoutMs?: number
  readonly rebalanceTimeoutMs?: number
}

/** A JoinGroup that has only the fields of its version. */
export function joinOf(v: number, groupId: string, options: JoinOptions = {}) {
  const protocols = (options.protocols ?? ['range']).map((name) => ({ name, metadata: Buffer.from(`meta ${name}`) }))
  return {
    groupId,
    sessionTimeoutMs: options.sessionTimeoutMs ?? 10_000,
    memberId: options.memberId ?? '',
    protocolType: options.protocolType ?? 'consumer',
    protocols,
    ...(v >= 1 ? { rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? 5000 } : {}),
    ...(v >= 5 ? { groupInstanceId: options.instance ?? null } : {}),
  }
}

export function syncOf(
  v: number,
  groupId: string,
  generationId: number,
  memberId: string,
  assigned: readonly string[],
) {
  const assignments = assigned.map((id) => ({ memberId: id, assignment: Buffer.from('assigned') }))
  const named = v >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}
  return { groupId, generationId, memberId, assignments, ...named }
}

/** Waits until the coordinator of a group serves, and leaves no trace. */
export async function coordinated(c: Scene, groupId: string): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    const found = await c.quiet(FindCoordinator, 1, { key: groupId, keyType: 0 })
    const beat = await c.quiet(Heartbeat, 1, { groupId, generationId: 0, memberId: 'nobody' })
    // UNKNOWN_MEMBER_ID is the answer of a coordinator that has loaded.
    if (found?.errorCode === 0 && beat?.errorCode === 25) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`no coordinator for ${groupId}`)
}

export async function newGroup(c: Scene): Promise<string> {
  const groupId = c.name('group')
  await coordinated(c, groupId)
  return groupId
}

export interface Joined {
  readonly memberId: string
  readonly generationId: number
}

/** Joins alone and syncs, without a trace; the member then owns everything. */
export async function soleMember(c: Scene, groupId: string, options: JoinOptions = {}): Promise<Joined> {
  let answer = await c.quiet(JoinGroup, 5, joinOf(5, groupId, options))
  if (answer?.errorCode === 79) {
    answer = await c.quiet(JoinGroup, 5, joinOf(5, groupId, { ...options, memberId: answer.memberId }))
  }
  if (answer?.errorCode !== 0) throw new Error(`could not join: ${answer?.errorCode}`)
  const { memberId, generationId } = answer
  await c.quiet(SyncGroup, 3, syncOf(3, groupId, generationId, memberId, [memberId]))
  return { memberId, generationId }
}

/** Writes a JoinGroup and does not wait: the answer comes when the group is complete. */
export function startJoin(at: Connection, v: number, groupId: string, options: JoinOptions = {}): void {
  at.write(at.frameOf(JoinGroup, v, joinOf(v, groupId, options)))
}
