/** The group coordinator's state machine for one partition of `__consumer_offsets`: who decides what. */
import type { ErrorCode } from '../../../protocol/errors.js'
import type { ProducerStamp, ShardMachine } from '../coordinator/contract.js'
import { heartbeat, leaveGroup } from './classic/heartbeat-leave.js'
import { joinGroup, shrinkWhenTooLarge } from './classic/join.js'
import { initialDelayOver, joinExpired, rescheduleSession, sessionExpired, syncExpired } from './classic/rebalance.js'
import { staticMemberStored } from './classic/static-members.js'
import { assignmentStored, syncGroup } from './classic/sync.js'
import type { GroupCommand } from './commands.js'
import { deleteGroups, describeGroup, listGroups } from './describe.js'
import { commitOffsets } from './offsets/commit.js'
import { commitTransactional } from './offsets/commit-transactional.js'
import { deleteOffsets, topicsDeleted } from './offsets/delete.js'
import { expireOffsets } from './offsets/expire.js'
import { fetchOffsets } from './offsets/fetch.js'
import { OffsetStore } from './offsets/store.js'
import type { GroupRecord } from './records.js'
import { GroupRegistry } from './registry.js'
import { type GroupContext, type GroupDecision, newTurn, restart, type Turn } from './turn.js'

const EXPIRE_KEY = 'expire offsets'
/** A log that refuses a record most often does so until a replica is back. */
const DELETED_AGAIN_MS = 1_000

export class GroupMachine implements ShardMachine<GroupCommand, GroupRecord> {
  readonly registry = new GroupRegistry()
  readonly offsets = new OffsetStore()
  readonly #context: GroupContext
  #loaded = false

  constructor(context: Omit<GroupContext, 'registry' | 'offsets'>) {
    this.#context = { ...context, registry: this.registry, offsets: this.offsets }
  }

  decide(command: GroupCommand, now: number): GroupDecision {
    const turn = newTurn(this.#context, now)
    switch (command.type) {
      case 'heartbeat':
        heartbeat(turn, command.request, command.slot)
        break
      case 'commit':
        commitOffsets(turn, command.request, command.slot)
        break
      case 'commit-transactional':
        commitTransactional(turn, command.request, command.slot)
        break
      case 'fetch':
        turn.out.answer(command.slot, fetchOffsets(this.offsets, command.request))
        break
      case 'delete-offsets':
        deleteOffsets(turn, command.request, command.slot)
        break
      case 'describe':
        turn.out.answer(
          command.slot,
          command.groupIds.map((groupId) => describeGroup(this.registry, groupId)),
        )
        break
      case 'list':
        turn.out.answer(command.slot, listGroups(this.registry, command.filter))
        break
      case 'delete':
        deleteGroups(turn, command.groupIds, command.slot)
        break
      case 'topics-deleted':
        topicsDeleted(turn, command.topics)
        turn.out.ifRefused = () => this.#again(turn, command)
        break
      case 'expire-offsets':
        expireOffsets(turn)
        this.#scheduleExpiry(turn)
        turn.out.ifRefused = () => this.#expireLater(turn)
        break
      default:
        this.#decideMembership(turn, command)
    }
    return turn.out
  }

  /** Commands about who is in a group: observers hear of each. */
  #decideMembership(turn: Turn, command: MembershipCommand): void {
    switch (command.type) {
      case 'join':
        joinGroup(turn, command.request, command.slot)
        turn.out.changed(command.request.groupId)
        return
      case 'sync':
        syncGroup(turn, command.request, command.slot)
        turn.out.changed(command.request.groupId)
        return
      case 'leave':
        leaveGroup(turn, command.request, command.slot)
        turn.out.changed(command.request.groupId)
        return
      default:
        this.#decideForGroup(turn, command)
    }
  }

  /** What follows from earlier decisions. A group that is gone by then is nobody's business any more. */
  #decideForGroup(turn: Turn, command: FollowingCommand): void {
    const group = this.registry.classic(command.groupId)
    if (group === undefined) return
    turn.out.changed(command.groupId)
    switch (command.type) {
      case 'assignment-stored':
        assignmentStored(turn, group)
        break
      case 'static-member-stored':
        staticMemberStored(turn, group, command.memberId, command.leaderBefore, command.supportsSkippingAssignment)
        break
      case 'session-expired':
        sessionExpired(turn, group, command.memberId)
        break
      case 'join-expired':
        joinExpired(turn, group)
        break
      case 'initial-delay-over':
        initialDelayOver(turn, group, command.delayMs, command.remainingMs)
        break
      case 'sync-expired':
        syncExpired(turn, group, command.generationId)
        break
    }
  }

  apply(record: GroupRecord, producer: ProducerStamp | null, offset: number): void {
    switch (record.type) {
      case 'offset-commit':
        if (record.value !== null) this.registry.ensureSimple(record.group, record.value.commitTimestamp)
        this.offsets.apply(record, producer === null ? null : producer.producerId, offset)
        break
      case 'group-metadata':
        this.registry.apply(record, this.#loaded)
        break
    }
  }

  applyMarker(producerId: number, _producerEpoch: number, commit: boolean): void {
    this.offsets.endTransaction(producerId, commit)
  }

  onLoaded(now: number): GroupDecision {
    this.#loaded = true
    const turn = newTurn(this.#context, now)
    for (const group of this.registry.values()) {
      for (const member of group.members.values()) rescheduleSession(turn, member, group)
      shrinkWhenTooLarge(turn, group)
      turn.out.changed(group.groupId)
    }
    this.#scheduleExpiry(turn)
    return turn.out
  }

  onUnloaded(errorCode: ErrorCode): void {
    for (const group of this.registry.values()) {
      for (const member of group.members.values()) {
        const joining = group.takeJoin(member)
        const syncing = member.awaitingSync
        member.awaitingSync = null
        joining?.fail(errorCode)
        syncing?.fail(errorCode)
      }
      group.transition('Dead', group.stateTimestamp)
    }
  }

  /** The log takes nothing now: the next check finds the same. */
  #expireLater(turn: Turn): GroupDecision {
    const instead = restart(turn)
    this.#scheduleExpiry(instead)
    return instead.out
  }

  #again(turn: Turn, command: Extract<GroupCommand, { type: 'topics-deleted' }>): GroupDecision {
    const instead = restart(turn)
    const key = `topics deleted ${[...command.topics.values()].join(' ')}`
    instead.out.schedule(key, DELETED_AGAIN_MS, command)
    return instead.out
  }

  #scheduleExpiry(turn: Turn): void {
    turn.out.schedule(EXPIRE_KEY, turn.config.offsetsRetentionCheckIntervalMs, { type: 'expire-offsets' })
  }
}

type FollowingCommand = Extract<
  GroupCommand,
  {
    type:
      | 'assignment-stored'
      | 'static-member-stored'
      | 'session-expired'
      | 'join-expired'
      | 'initial-delay-over'
      | 'sync-expired'
  }
>
type MembershipCommand = FollowingCommand | Extract<GroupCommand, { type: 'join' | 'sync' | 'leave' }>
