/**
 * The group APIs without sockets: the real handlers and dispatcher, the real coordinator over real partitions of `__consumer_offsets`
 * (memory disk, virtual clock). Requests go in as encoded frames and come out as decoded answers of that version.
 */

import { groupRecordCodec } from '../../lib/broker/group/codec.js'
import type { GroupConfig } from '../../lib/broker/group/config.js'
import { GroupCoordinator } from '../../lib/broker/group/coordinator.js'
import { PartitionShardLog } from '../../lib/broker/partition/shard-log.js'
import { silentLogger } from '../../lib/host/logger.js'
import { seededRandom } from '../../lib/host/random-sources.js'
import { ApiTable } from '../../lib/server/api-table.js'
import type { Connection } from '../../lib/server/connection.js'
import type { ApiRow } from '../../lib/server/context.js'
import { Dispatcher } from '../../lib/server/dispatcher.js'
import { offsetCommit } from '../../lib/server/handlers/08-offset-commit.js'
import { offsetFetch } from '../../lib/server/handlers/09-offset-fetch.js'
import { findCoordinator } from '../../lib/server/handlers/10-find-coordinator.js'
import { joinGroup } from '../../lib/server/handlers/11-join-group.js'
import { heartbeat } from '../../lib/server/handlers/12-heartbeat.js'
import { leaveGroup } from '../../lib/server/handlers/13-leave-group.js'
import { syncGroup } from '../../lib/server/handlers/14-sync-group.js'
import { describeGroups } from '../../lib/server/handlers/15-describe-groups.js'
import { listGroups } from '../../lib/server/handlers/16-list-groups.js'
import { deleteGroups } from '../../lib/server/handlers/42-delete-groups.js'
import { offsetDelete } from '../../lib/server/handlers/47-offset-delete.js'
import { Hangup, NO_REPLY, outcomeOf } from '../../lib/server/reply.js'
import type { BrokerServices } from '../../lib/server/services.js'
import {
  decodeResponseFrame,
  ErrorCode,
  encodeRequestFrame,
  JoinGroup,
  type Message,
  type RequestInput,
  type ResponseOf,
  SyncGroup,
  ZERO_UUID,
} from '../../protocol/index.js'
import { FakeConnection, ReplicaBroker } from './replica-broker.js'

const ROWS = [
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  describeGroups,
  listGroups,
  deleteGroups,
  offsetDelete,
]
const OFFSETS_PARTITIONS = 4
const PRODUCER = { producerId: 9, producerEpoch: 0 }

export class GroupBroker {
  readonly replicas = new ReplicaBroker()
  readonly clock = this.replicas.clock
  readonly groups: GroupCoordinator
  readonly #dispatcher: Dispatcher
  readonly #connection = new FakeConnection()

  constructor(config: Partial<GroupConfig> = {}) {
    const { replicas, clock } = this
    const topics = () => replicas.image.topicsByName
    this.groups = new GroupCoordinator(
      { config, partitionCount: () => OFFSETS_PARTITIONS },
      {
        clock,
        random: seededRandom(1),
        logger: silentLogger,
        codec: groupRecordCodec,
        topics: {
          partitionCount: (name) => topics().get(name)?.partitions.length ?? null,
          topicName: (id) => replicas.image.topicsById.get(id)?.name ?? null,
          topicId: (name) => topics().get(name)?.topicId ?? null,
        },
      },
    )
    const table = new ApiTable(ROWS as unknown as readonly ApiRow[])
    const services: Partial<BrokerServices> = {
      brokerId: 1,
      forwarder: null,
      groups: this.groups,
      image: () => replicas.image,
      internalTopics: { ensure: () => ErrorCode.NONE },
      advertised: (brokerId) => ({ host: `host-${brokerId}`, port: 9092 }),
    }
    this.#dispatcher = new Dispatcher({
      table,
      peerTable: new ApiTable([]),
      logger: silentLogger,
      broker: services as BrokerServices,
      observer: { begin: () => 0, handled() {}, end() {}, failed() {}, recordUnknown() {} },
    })
  }

  /** Makes `__consumer_offsets`, which this broker leads, and a topic `a` of two partitions. */
  start(): this {
    this.replicas.createTopic('__consumer_offsets', { partitions: OFFSETS_PARTITIONS })
    this.replicas.createTopic('a', { partitions: 2 })
    for (let partition = 0; partition < OFFSETS_PARTITIONS; partition++) {
      this.groups.load(partition, new PartitionShardLog(this.replicas.partition('__consumer_offsets', partition)))
    }
    return this
  }

  /** The answer, which must come in the turn of the request. */
  now<M extends Message>(message: M, version: number, request: RequestInput<M>): ResponseOf<M> {
    const answer = this.send(message, version, request)
    if (answer instanceof Promise) throw new Error(`${message.name} v${version} did not answer in its own turn`)
    return answer
  }

  send<M extends Message>(
    message: M,
    version: number,
    request: RequestInput<M>,
  ): ResponseOf<M> | Promise<ResponseOf<M>> {
    const frame = encodeRequestFrame(message, version, { correlationId: 7, clientId: 'test' }, request)
    const view = frame.subarray(4)
    const outcome = outcomeOf(this.#dispatcher.dispatch(view, this.#connection as unknown as Connection))
    // The socket uses the buffer again: what a handler keeps must be its own.
    view.fill(0xff)
    return outcome instanceof Promise
      ? outcome.then((late) => read(message, version, late))
      : read(message, version, outcome)
  }

  /** An offset for `a-0` by nobody in particular, pending until `commitTransaction`. */
  commitInTransaction(groupId: string, committedOffset: number): void {
    const partitions = [{ partitionIndex: 0, committedOffset, committedLeaderEpoch: -1, committedMetadata: null }]
    const nobody = { memberId: '', generationIdOrMemberEpoch: -1, groupInstanceId: null, knowsGroupIdNotFound: false }
    const topics = [{ name: 'a', topicId: ZERO_UUID, partitions }]
    const request = { groupId, ...PRODUCER, ...nobody, topics }
    void this.groups.commitTransactional(request, false, () => ErrorCode.NONE)
  }

  commitTransaction(groupId: string): void {
    const marker = { ...PRODUCER, coordinatorEpoch: 0, commit: true }
    void this.groups.completeTransaction(this.groups.partitionFor(groupId), marker)
  }

  /** A member alone in a new group `groupId`, Stable. Returns its id. */
  stableMember(groupId: string): string {
    const joined = this.now(JoinGroup, 2, {
      groupId,
      memberId: '',
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: 'consumer',
      // Version 0 of a subscription to topic `a`.
      protocols: [{ name: 'range', metadata: Buffer.from('000000000001000161ffffffff', 'hex') }],
    })
    const { memberId, generationId } = joined
    this.now(SyncGroup, 2, {
      groupId,
      generationId,
      memberId,
      assignments: [{ memberId, assignment: Buffer.from('all') }],
    })
    return memberId
  }
}

function read<M extends Message>(message: M, version: number, outcome: unknown): ResponseOf<M> {
  if (outcome === NO_REPLY || outcome instanceof Hangup) throw new Error(`${message.name} v${version} has no answer`)
  return decodeResponseFrame(message, version, Buffer.concat(outcome as Buffer[]).subarray(4)).body
}

/** All versions of an API from `from` to `to`. */
export function versions(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}
