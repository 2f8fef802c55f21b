/**
 * The group coordinator as the rest of the broker sees it. Every question is answered in the same turn when it can be, and with a
 * promise only when something has to be waited for: other members, or the high watermark.
 */
import { ErrorCode } from '../../../protocol/errors.js'
import type { Clock } from '../../host/clock.js'
import type { Logger } from '../../host/logger.js'
import type { Random } from '../../host/random.js'
import { ask } from '../coordinator/ask.js'
import type { RecordCodec, ShardLog, TransactionMarker } from '../coordinator/contract.js'
import { GROUP_TOPIC } from '../coordinator/locate.js'
import { partitionFor } from '../coordinator/partition-for.js'
import { CoordinatorRuntime } from '../coordinator/runtime.js'
import { type Answer, all, then } from './answer.js'
import { validateJoinGroup } from './classic/join.js'
import { joinError, syncError } from './classic/replies.js'
import type {
  DeletedGroup,
  DescribedGroup,
  DescribedMember,
  GroupCommand,
  HeartbeatCommand,
  HeartbeatReply,
  JoinGroupCommand,
  JoinGroupReply,
  LeaveGroupCommand,
  LeaveGroupReply,
  ListedGroup,
  OffsetCommitCommand,
  OffsetCommitReply,
  OffsetDeleteCommand,
  OffsetDeleteReply,
  OffsetFetchCommand,
  OffsetFetchReply,
  SyncGroupCommand,
  SyncGroupReply,
  TxnOffsetCommitCommand,
} from './commands.js'
import { defaultGroupConfig, type GroupConfig } from './config.js'
import { describeGroup } from './describe.js'
import { GroupMachine } from './machine.js'
import { commitError } from './offsets/commit.js'
import type { GroupRecord } from './records.js'
import { mergeCommit, mergeDelete, splitCommit, splitDelete, splitFetch, type TopicView } from './topic-view.js'

export interface GroupCoordinatorOptions {
  /** What is not given has Kafka's default, except the initial rebalance delay, which is 0. */
  config?: Partial<GroupConfig>
  /**
   * Partitions of `__consumer_offsets`, as FindCoordinator counts them. When the topic gets more, groups move to other partitions and
   * begin anew there, as they do in Kafka.
   */
  partitionCount: () => number
}

export interface GroupCoordinatorPorts {
  clock: Clock
  random: Random
  logger: Logger
  codec: RecordCodec<GroupRecord>
  topics: TopicView
}

type Asking<T> = (slot: Parameters<Parameters<typeof ask<T>>[0]>[0]) => GroupCommand

interface Watcher {
  readonly groupId: string
  readonly members: number
  readonly onReady: (members: readonly DescribedMember[]) => void
}

export class GroupCoordinator {
  readonly #config: GroupConfig
  readonly #partitionCount: () => number
  readonly #topics: TopicView
  readonly #runtime: CoordinatorRuntime<GroupCommand, GroupRecord>
  readonly #watchers = new Map<string, Set<Watcher>>()

  constructor(options: GroupCoordinatorOptions, ports: GroupCoordinatorPorts) {
    const { clock, random, logger, codec, topics } = ports
    const config = { ...defaultGroupConfig, ...options.config }
    this.#config = config
    this.#partitionCount = options.partitionCount
    this.#topics = topics
    this.#runtime = new CoordinatorRuntime(
      { topic: GROUP_TOPIC },
      {
        clock,
        logger,
        codec,
        createMachine: () => new GroupMachine({ config, random, logger }),
        onChanged: (_partition, groupId) => this.#check(groupId),
      },
    )
  }

  /** The partition of `__consumer_offsets` whose leader coordinates this group. */
  partitionFor(groupId: string): number {
    return partitionFor(groupId, this.#partitionCount())
  }

  /** This broker leads the partition now. Serves when it returns, if the log can be read in one turn. */
  load(partition: number, log: ShardLog): void {
    this.#runtime.load(partition, log)
  }

  unload(partition: number): void {
    this.#runtime.unload(partition)
  }

  /** Whether the cluster takes this broker for alive: it coordinates nothing while it may not. */
  setStanding(inCluster: boolean): void {
    this.#runtime.setStanding(inCluster)
  }

  /** NONE, COORDINATOR_LOAD_IN_PROGRESS or NOT_COORDINATOR. */
  status(partition: number): ErrorCode {
    return this.#runtime.status(partition)
  }

  /** The state behind a loaded partition, to look at; null when it is not served here. */
  machineOf(partition: number): GroupMachine | null {
    return this.#runtime.machine(partition) as GroupMachine | null
  }

  /** Unloads everything; nothing fires afterwards. */
  close(): void {
    this.#watchers.clear()
    this.#runtime.close()
  }

  /** JoinGroup. Waits for the other members. */
  joinGroup(request: JoinGroupCommand): Answer<JoinGroupReply> {
    const invalid = validateJoinGroup(this.#config, request)
    if (invalid !== ErrorCode.NONE) return joinError(invalid, request.memberId)
    return this.#ask(
      request.groupId,
      (slot) => ({ type: 'join', request, slot }),
      (errorCode) => joinError(errorCode, request.memberId),
    )
  }

  /** SyncGroup. Waits for the leader's. */
  syncGroup(request: SyncGroupCommand): Answer<SyncGroupReply> {
    return this.#askNamed(request.groupId, (slot) => ({ type: 'sync', request, slot }), syncError)
  }

  heartbeat(request: HeartbeatCommand): Answer<HeartbeatReply> {
    return this.#askNamed(
      request.groupId,
      (slot) => ({ type: 'heartbeat', request, slot }),
      // While the group is being read nobody can say that the member is wrong, so it is told to go on (as Kafka does).
      (errorCode) => ({ errorCode: errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? ErrorCode.NONE : errorCode }),
    )
  }

  leaveGroup(request: LeaveGroupCommand): Answer<LeaveGroupReply> {
    return this.#askNamed(
      request.groupId,
      (slot) => ({ type: 'leave', request, slot }),
      (errorCode) => ({ errorCode, members: [] }),
    )
  }

  /** `byId`: topics are named by id (v10+), their names are ignored. */
  commitOffsets(request: OffsetCommitCommand, byId: boolean): Answer<OffsetCommitReply> {
    return this.#commit(request, byId, (command) =>
      this.#ask<OffsetCommitReply>(
        request.groupId,
        (slot) => ({ type: 'commit', request: command, slot }),
        (errorCode) => commitError(command, errorCode),
      ),
    )
  }

  /**
   * TxnOffsetCommit: offsets that count when the producer's transaction commits. `byId`: topics are named by id (v6+). `admit`: whether that
   * transaction is open and the group's partition is part of it, asked only when there is something to commit.
   */
  commitTransactional(
    request: TxnOffsetCommitCommand,
    byId: boolean,
    admit: () => Answer<ErrorCode>,
  ): Answer<OffsetCommitReply> {
    return this.#commit(request, byId, (command) => {
      const status = this.status(this.partitionFor(request.groupId))
      if (request.groupId === '') return commitError(command, ErrorCode.INVALID_GROUP_ID)
      if (status !== ErrorCode.NONE) return commitError(command, status)
      return then(admit(), (errorCode) =>
        errorCode === ErrorCode.NONE
          ? this.#ask<OffsetCommitReply>(
              request.groupId,
              (slot) => ({ type: 'commit-transactional', request: command, slot }),
              (code) => commitError(command, code),
            )
          : commitError(command, errorCode),
      )
    })
  }

  #commit<R extends OffsetCommitCommand | TxnOffsetCommitCommand>(
    request: R,
    byId: boolean,
    commitKnown: (request: R) => Answer<OffsetCommitReply>,
  ): Answer<OffsetCommitReply> {
    const { known, refused } = splitCommit(this.#topics, request.topics, byId)
    // Nothing to commit: the group is not even looked at.
    if (known.length === 0) return { topics: refused }
    const answer = commitKnown({ ...request, topics: known })
    return refused.length === 0 ? answer : then(answer, (reply) => mergeCommit(refused, reply))
  }

  fetchOffsets(request: OffsetFetchCommand, byId: boolean): Answer<OffsetFetchReply> {
    if (!byId) return this.#fetch(request)
    if (request.topics === null) {
      // Topics that are gone have no id any more and are left out.
      return then(this.#fetch(request), (reply) => ({
        ...reply,
        topics: reply.topics.flatMap((topic) => {
          const topicId = this.#topics.topicId(topic.name)
          return topicId === null ? [] : [{ ...topic, topicId }]
        }),
      }))
    }
    const { known, refused } = splitFetch(this.#topics, request.topics)
    return then(this.#fetch({ ...request, topics: known }), (reply) =>
      reply.errorCode === ErrorCode.NONE ? { ...reply, topics: [...reply.topics, ...refused] } : reply,
    )
  }

  #fetch(request: OffsetFetchCommand): Answer<OffsetFetchReply> {
    return this.#ask(
      request.groupId,
      (slot) => ({ type: 'fetch', request, slot }),
      (errorCode) => ({ groupId: request.groupId, errorCode, topics: [] }),
    )
  }

  deleteOffsets(request: OffsetDeleteCommand): Answer<OffsetDeleteReply> {
    const { known, refused } = splitDelete(this.#topics, request.topics)
    const answer = this.#askNamed<OffsetDeleteReply>(
      request.groupId,
      (slot) => ({ type: 'delete-offsets', request: { ...request, topics: known }, slot }),
      (errorCode) => ({ errorCode, topics: [] }),
    )
    return then(answer, (reply) => mergeDelete(refused, reply))
  }

  /**
   * Ends a producer's transaction in a partition of `__consumer_offsets`: NONE when the marker is committed and applied. What the transaction
   * coordinator does not expect of a partition (nobody serves it, or not yet) is NOT_LEADER_OR_FOLLOWER, so that it looks and tries again.
   */
  completeTransaction(partition: number, marker: TransactionMarker): Answer<ErrorCode> {
    return then(this.#runtime.completeTransaction(partition, marker), (errorCode) => {
      switch (errorCode) {
        case ErrorCode.NOT_COORDINATOR:
        case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
        case ErrorCode.COORDINATOR_NOT_AVAILABLE:
          return ErrorCode.NOT_LEADER_OR_FOLLOWER
        default:
          return errorCode
      }
    })
  }

  /** One answer per distinct id, in the order asked: a group named a million times is not a million answers. Unknown: GROUP_ID_NOT_FOUND with state Dead. */
  describeGroups(groupIds: readonly string[]): Answer<readonly DescribedGroup[]> {
    return all(
      [...new Set(groupIds)].map((groupId) =>
        then(
          this.#ask<readonly DescribedGroup[]>(
            groupId,
            (slot) => ({ type: 'describe', groupIds: [groupId], slot }),
            (errorCode) => [{ ...describeNothing, errorCode, groupId }],
          ),
          ([described]) => described!,
        ),
      ),
    )
  }

  /** Groups of every partition that this broker leads. Filters ignore case; empty means all. */
  listGroups(states: readonly string[], types: readonly string[]): Answer<ListGroupsAnswer> {
    const filter = { states: lowerCased(states), types: lowerCased(types) }
    const answers = this.#runtime.partitions().map((partition) =>
      ask<ListGroupsAnswer>(
        (slot) =>
          this.#runtime.submit(
            partition,
            {
              type: 'list',
              filter,
              slot: {
                send: (groups) => slot.send({ errorCode: ErrorCode.NONE, groups }),
                fail: (code) => slot.fail(code),
              },
            },
            slot,
          ),
        // A partition that has just moved away is somebody else's to list.
        (code) => ({ errorCode: code === ErrorCode.NOT_COORDINATOR ? ErrorCode.NONE : code, groups: [] }),
      ),
    )
    return then(all(answers), (lists): ListGroupsAnswer => {
      const failed = lists.find(({ errorCode }) => errorCode !== ErrorCode.NONE)
      if (failed !== undefined) return { errorCode: failed.errorCode, groups: [] }
      return { errorCode: ErrorCode.NONE, groups: lists.flatMap(({ groups }) => groups) }
    })
  }

  /** One answer per distinct id, in the order asked. */
  deleteGroups(groupIds: readonly string[]): Answer<readonly DeletedGroup[]> {
    return all(
      [...new Set(groupIds)].map((groupId) =>
        then(
          this.#ask<readonly DeletedGroup[]>(
            groupId,
            (slot) => ({ type: 'delete', groupIds: [groupId], slot }),
            (errorCode) => [{ groupId, errorCode, errorMessage: null }],
          ),
          ([deleted]) => deleted!,
        ),
      ),
    )
  }

  /** Topics are gone: so are their offsets, in every group of this broker, also where they are still being read. */
  onTopicsDeleted(deleted: readonly { readonly name: string; readonly topicId: string }[]): void {
    const topics = new Map(deleted.map(({ name, topicId }) => [name, topicId]))
    for (const partition of this.#runtime.partitions()) {
      this.#runtime.submitInTheEnd(partition, { type: 'topics-deleted', topics })
    }
  }

  /**
   * Calls back once, with the members, when the group is Stable, every member has its assignment, and there are at least `members` of them
   * (default 1). At once when that is so already. Returns what undoes it.
   */
  onReady(
    groupId: string,
    options: { members?: number },
    onReady: (members: readonly DescribedMember[]) => void,
  ): () => void {
    const watcher: Watcher = { groupId, members: options.members ?? 1, onReady }
    let watchers = this.#watchers.get(groupId)
    if (watchers === undefined) this.#watchers.set(groupId, (watchers = new Set()))
    watchers.add(watcher)
    this.#check(groupId)
    return () => this.#forget(watcher)
  }

  #check(groupId: string): void {
    const watchers = this.#watchers.get(groupId)
    if (watchers === undefined) return
    const machine = this.machineOf(this.partitionFor(groupId))
    const group = machine?.registry.classic(groupId)
    if (machine === null || group === undefined) return
    if (group.state !== 'Stable' || group.pendingSyncMembers.size > 0) return
    for (const watcher of [...watchers]) {
      if (group.members.size < watcher.members) continue
      this.#forget(watcher)
      watcher.onReady(describeGroup(machine.registry, groupId).members)
    }
  }

  #forget(watcher: Watcher): void {
    const watchers = this.#watchers.get(watcher.groupId)
    watchers?.delete(watcher)
    if (watchers?.size === 0) this.#watchers.delete(watcher.groupId)
  }

  /** No group is called '', and every broker says so, whoever would coordinate it. */
  #askNamed<T>(groupId: string, command: Asking<T>, onFail: (errorCode: ErrorCode) => T): Answer<T> {
    return groupId === '' ? onFail(ErrorCode.INVALID_GROUP_ID) : this.#ask(groupId, command, onFail)
  }

  #ask<T>(groupId: string, command: Asking<T>, onFail: (errorCode: ErrorCode) => T): Answer<T> {
    return ask<T>((slot) => this.#runtime.submit(this.partitionFor(groupId), command(slot), slot), onFail)
  }
}

export interface ListGroupsAnswer {
  readonly errorCode: ErrorCode
  readonly groups: readonly ListedGroup[]
}

const describeNothing = { errorMessage: null, groupState: '', protocolType: '', protocolData: '', members: [] } as const

function lowerCased(words: readonly string[]): ReadonlySet<string> {
  return new Set(words.map((word) => word.toLowerCase()))
}
