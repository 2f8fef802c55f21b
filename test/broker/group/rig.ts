/** A group coordinator on a virtual clock with one shard in memory, and readable member ids. */

import { groupRecordCodec } from '../../../lib/broker/group/codec.js'
import type { JoinGroupCommand } from '../../../lib/broker/group/commands.js'
import type { GroupConfig } from '../../../lib/broker/group/config.js'
import { GroupCoordinator } from '../../../lib/broker/group/coordinator.js'
import type { TopicView } from '../../../lib/broker/group/topic-view.js'
import { type Logger, silentLogger } from '../../../lib/host/logger.js'
import type { Random } from '../../../lib/host/random.js'
import { VirtualClock } from '../../../lib/host/virtual-clock.js'
import { MemoryShardLog } from './memory-shard-log.js'

/** Topics `a`, `b` ... of two partitions each; the id of `a` is 21 times `a` and a `Q`. */
export const lettersAsTopics: TopicView = {
  partitionCount: (name) => (/^[a-z]$/.test(name) ? 2 : null),
  topicName: (id) => (/^([a-z])\1{20}Q$/.test(id) ? id[0]! : null),
  topicId: (name) => (/^[a-z]$/.test(name) ? `${name.repeat(21)}Q` : null),
}

/** uuid() gives 1, 2, 3 ... */
function countingRandom(): Random {
  let count = 0
  return {
    integer: () => 0,
    bytes: (length) => Buffer.alloc(length),
    topicId: () => 'x'.repeat(22),
    uuid: () => String(++count),
  }
}

export interface Rig {
  clock: VirtualClock
  log: MemoryShardLog
  coordinator: GroupCoordinator
  /** Messages of level error. */
  errors: string[]
  /** Stacks of programmer errors that took the shard down. None is ever fine. */
  crashes: string[]
}

export function makeRig(config: Partial<GroupConfig> = {}, topics: TopicView = lettersAsTopics): Rig {
  const clock = new VirtualClock({ startMs: 0 })
  const log = new MemoryShardLog()
  const errors: string[] = []
  const crashes: string[] = []
  const logger: Logger = {
    ...silentLogger,
    error: (message, fields) => {
      errors.push(message)
      if (typeof fields?.error === 'string') crashes.push(fields.error)
    },
  }
  const coordinator = new GroupCoordinator(
    { config, partitionCount: () => 1 },
    { clock, random: countingRandom(), logger, codec: groupRecordCodec, topics },
  )
  coordinator.load(0, log)
  return { clock, log, coordinator, errors, crashes }
}

/** The metadata of a member of Kafka's own protocol that subscribes to these topics. */
export function subscription(topics: readonly string[]): Buffer {
  const parts = topics.map((topic) => Buffer.concat([int16(Buffer.byteLength(topic)), Buffer.from(topic)]))
  return Buffer.concat([int16(0), int32(topics.length), ...parts, int32(-1)])
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export function joinCommand(fields: Partial<JoinGroupCommand> = {}): JoinGroupCommand {
  return {
    groupId: 'g',
    memberId: '',
    groupInstanceId: null,
    clientId: 'c',
    clientHost: '/127.0.0.1',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription(['a']) }],
    requireKnownMemberId: false,
    supportsSkippingAssignment: false,
    reason: null,
    ...fields,
  }
}
