/**
 * Runs a transcript: each command of a `.txt` file, then every record it wrote and every reply it set free, as text.
 *
 * Actors (`c1`, `c2`) stand for clients: a command about one uses the member id and generation that it last heard. Options are
 * `key=value`. Lines that begin with `#` are prose.
 */
import type { Answer } from '../../../lib/broker/group/answer.js'
import { groupRecordCodec } from '../../../lib/broker/group/codec.js'
import type { JoinGroupReply, OffsetFetchReply, SyncGroupReply } from '../../../lib/broker/group/commands.js'
import type { GroupConfig } from '../../../lib/broker/group/config.js'
import type { GroupRecord } from '../../../lib/broker/group/records.js'
import { ErrorCode } from '../../../protocol/errors.js'
import { joinCommand, makeRig, type Rig, subscription } from './rig.js'

interface Actor {
  memberId: string
  generationId: number
}

const NO_ACTOR: Actor = { memberId: '', generationId: -1 }

export class Conversation {
  #rig: Rig
  readonly #actors = new Map<string, Actor>()
  #lines: string[] = []
  #recordsSeen = 0

  constructor(config: Partial<GroupConfig> = {}) {
    this.#rig = makeRig(config)
  }

  get rig(): Rig {
    return this.#rig
  }

  /** What one command leads to, line by line. */
  async run(command: string): Promise<string[]> {
    const [verb = '', ...words] = command.split(/\s+/)
    const positional = words.filter((word) => !word.includes('='))
    const options = new Map(words.filter((word) => word.includes('=')).map((word) => splitOnce(word, '=')))
    this.#lines = []
    this.#execute(verb, positional, options)
    // Answers that did not come at once come as settled promises.
    for (let i = 0; i < 10; i++) await Promise.resolve()
    return [...this.#newRecords(), ...this.#lines]
  }

  #execute(verb: string, words: string[], options: Map<string, string>): void {
    switch (verb) {
      case 'config':
        this.#rig = makeRig(Object.fromEntries([...options].map(([key, value]) => [key, Number(value)])))
        break
      case 'join':
        this.#join(words[0] ?? '', options)
        break
      case 'sync':
        this.#sync(words[0] ?? '', options)
        break
      case 'heartbeat':
        this.#heartbeat(words[0] ?? '', options)
        break
      case 'leave':
        this.#leave(words, options)
        break
      case 'commit':
        this.#commit(words[0] ?? '', options)
        break
      case 'fetch':
        this.#hear('fetch', this.#rig.coordinator.fetchOffsets(fetchCommand(words, options), false), fetchText)
        break
      case 'end':
        this.#end(words[0] ?? '', words[1] ?? '', options)
        break
      case 'describe':
        this.#describe(options.get('group') ?? 'g')
        break
      case 'delete':
        this.#hear('delete', this.#rig.coordinator.deleteGroups(words), (groups) =>
          groups.map(({ groupId, errorCode }) => `${groupId} ${nameOf(errorCode)}`).join(', '),
        )
        break
      default:
        this.#environment(verb, words)
    }
  }

  #environment(verb: string, words: string[]): void {
    const { clock, log, coordinator } = this.#rig
    switch (verb) {
      case 'advance':
        clock.advance(Number(words[0]))
        return
      case 'hold':
        log.held = true
        return
      case 'release':
        log.held = false
        log.commit()
        return
      case 'fail':
        log.failNext.push(ErrorCode[words[0] as keyof typeof ErrorCode])
        return
      case 'limit':
        log.maxBatchBytes = Number(words[0])
        return
      case 'reload':
        coordinator.unload(0)
        coordinator.load(0, log)
        return
      default:
        throw new Error(`A transcript has no command ${verb}.`)
    }
  }

  #join(name: string, options: Map<string, string>): void {
    const actor = this.#actor(name, options)
    const reply = this.#rig.coordinator.joinGroup(
      joinCommand({
        groupId: options.get('group') ?? 'g',
        clientId: name,
        memberId: actor.memberId,
        groupInstanceId: options.get('instance') ?? null,
        sessionTimeoutMs: Number(options.get('session') ?? 10_000),
        rebalanceTimeoutMs: Number(options.get('rebalance') ?? 60_000),
        protocolType: options.get('type') ?? 'consumer',
        protocols: (options.get('protocols') ?? 'range:a')
          .split(',')
          .filter((text) => text !== '')
          .map(protocolOf),
        requireKnownMemberId: Number(options.get('v') ?? 3) >= 4,
        supportsSkippingAssignment: Number(options.get('v') ?? 3) >= 9,
      }),
    )
    this.#hear(`${name} join`, reply, (answer) => {
      this.#remember(name, answer)
      return joinText(answer)
    })
  }

  #remember(name: string, answer: JoinGroupReply): void {
    if (answer.errorCode === ErrorCode.NONE || answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.#actors.set(name, { memberId: answer.memberId, generationId: answer.generationId })
    }
  }

  #sync(name: string, options: Map<string, string>): void {
    const { memberId, generationId } = this.#actor(name, options)
    const assign = (options.get('assign') ?? '').split(',').filter((text) => text !== '')
    const reply = this.#rig.coordinator.syncGroup({
      groupId: options.get('group') ?? 'g',
      memberId,
      generationId,
      groupInstanceId: options.get('instance') ?? null,
      protocolType: options.get('type') ?? null,
      protocolName: options.get('protocol') ?? null,
      assignments: assign.map((text) => {
        const [who, what] = splitOnce(text, ':')
        return { memberId: this.#actors.get(who)?.memberId ?? who, assignment: Buffer.from(what) }
      }),
    })
    this.#hear(`${name} sync`, reply, syncText)
  }

  #heartbeat(name: string, options: Map<string, string>): void {
    const { memberId, generationId } = this.#actor(name, options)
    const reply = this.#rig.coordinator.heartbeat({
      groupId: options.get('group') ?? 'g',
      memberId,
      generationId,
      groupInstanceId: options.get('instance') ?? null,
    })
    this.#hear(`${name} heartbeat`, reply, ({ errorCode }) => nameOf(errorCode))
  }

  #leave(names: string[], options: Map<string, string>): void {
    const groupInstanceId = options.get('instance') ?? null
    const leaving = names.length === 0 ? [''] : names
    const reply = this.#rig.coordinator.leaveGroup({
      groupId: options.get('group') ?? 'g',
      members: leaving.map((name) => ({
        memberId: this.#actor(name, options).memberId,
        groupInstanceId,
        reason: null,
      })),
    })
    this.#hear(`${names.join(' ')} leave`.trim(), reply, ({ errorCode, members }) =>
      [nameOf(errorCode), ...members.map((member) => `${member.memberId} ${nameOf(member.errorCode)}`)].join(', '),
    )
  }

  #commit(name: string, options: Map<string, string>): void {
    const { memberId, generationId } = this.#actor(name, options)
    const [where = 'a-0', offset = '0'] = splitOnce(options.get('at') ?? 'a-0:1', ':')
    const [topic = 'a', partition = '0'] = splitOnce(where, '-')
    const producer = options.get('txn')
    const command = {
      groupId: options.get('group') ?? 'g',
      memberId,
      generationIdOrMemberEpoch: generationId,
      groupInstanceId: options.get('instance') ?? null,
      retentionTimeMs: Number(options.get('retention') ?? -1),
      knowsGroupIdNotFound: Number(options.get('v') ?? 8) >= 9,
      ...producerOf(producer ?? ''),
      topics: [
        {
          name: topic,
          topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
          partitions: [
            {
              partitionIndex: Number(partition),
              committedOffset: Number(offset),
              committedLeaderEpoch: 0,
              committedMetadata: options.get('metadata') ?? null,
            },
          ],
        },
      ],
    }
    const { coordinator } = this.#rig
    const reply =
      producer === undefined
        ? coordinator.commitOffsets(command, false)
        : coordinator.commitTransactional(command, false, () => ErrorCode.NONE)
    this.#hear(`${name} commit`.trim(), reply, ({ topics }) =>
      topics
        .flatMap((each) => each.partitions.map((p) => `${each.name}-${p.partitionIndex} ${nameOf(p.errorCode)}`))
        .join(', '),
    )
  }

  /** `end 7/0 commit`: the marker of producer 7 with epoch 0. */
  #end(producer: string, how: string, options: Map<string, string>): void {
    const coordinatorEpoch = Number(options.get('coordinator') ?? 0)
    const marker = { ...producerOf(producer), coordinatorEpoch, commit: how === 'commit' }
    this.#hear(`end ${producer}`, this.#rig.coordinator.completeTransaction(0, marker), nameOf)
  }

  #describe(groupId: string): void {
    this.#hear('describe', this.#rig.coordinator.describeGroups([groupId]), ([group]) => {
      const members = group!.members.map(
        (member) =>
          `${member.memberId}${member.groupInstanceId === null ? '' : `/${member.groupInstanceId}`}=${member.memberAssignment}`,
      )
      const { errorCode, groupState, protocolType, protocolData } = group!
      return `${nameOf(errorCode)} ${groupState} type="${protocolType}" protocol="${protocolData}" [${members.join(' ')}]`
    })
  }

  #actor(name: string, options: Map<string, string>): Actor {
    const known = this.#actors.get(name) ?? NO_ACTOR
    return {
      memberId: options.get('member') ?? known.memberId,
      generationId: Number(options.get('generation') ?? known.generationId),
    }
  }

  #hear<T>(label: string, answer: Answer<T>, text: (answer: T) => string): void {
    const say = (value: T): void => void this.#lines.push(`-> ${label}: ${text(value)}`)
    if (answer instanceof Promise) void answer.then(say)
    else say(answer)
  }

  #newRecords(): string[] {
    const { entries } = this.#rig.log
    const lines: string[] = []
    for (; this.#recordsSeen < entries.length; this.#recordsSeen++) {
      const entry = entries[this.#recordsSeen]!
      if ('marker' in entry) {
        const { producerId, producerEpoch, commit } = entry.marker
        lines.push(`marker ${commit ? 'commit' : 'abort'} ${producerId}/${producerEpoch}`)
      } else {
        const { key, value, producer } = entry
        const text = recordText(groupRecordCodec.decode(key!, value)!)
        lines.push(producer === null ? text : `${text} txn=${producer.producerId}/${producer.producerEpoch}`)
      }
    }
    if (this.#recordsSeen > entries.length) this.#recordsSeen = entries.length
    return lines
  }
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}

/** `range:a+b`: subscribes to a and b; `x:!text` has those bytes instead of a subscription. */
function protocolOf(text: string): { name: string; metadata: Buffer } {
  const [name, what] = splitOnce(text, ':')
  return { name, metadata: what.startsWith('!') ? Buffer.from(what.slice(1)) : subscription(what.split('+')) }
}

function producerOf(text: string): { producerId: number; producerEpoch: number } {
  const [producerId, producerEpoch] = splitOnce(text, '/')
  return { producerId: Number(producerId), producerEpoch: Number(producerEpoch) }
}

/** `fetch stable`: with require-stable. */
function fetchCommand(words: readonly string[], options: Map<string, string>) {
  const [topic, partition] = splitOnce(options.get('at') ?? '', '-')
  return {
    groupId: options.get('group') ?? 'g',
    topics:
      topic === '' ? null : [{ name: topic, topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitionIndexes: [Number(partition)] }],
    requireStable: words.includes('stable'),
  }
}

export function nameOf(errorCode: number): string {
  return Object.entries(ErrorCode).find(([, code]) => code === errorCode)?.[0] ?? String(errorCode)
}

function joinText(reply: JoinGroupReply): string {
  if (reply.errorCode !== ErrorCode.NONE) return `${nameOf(reply.errorCode)} member=${reply.memberId}`
  const members = reply.members.map((member) => member.memberId).join(' ')
  return (
    `NONE member=${reply.memberId} generation=${reply.generationId} leader=${reply.leader} ` +
    `protocol=${reply.protocolType}/${reply.protocolName}${reply.skipAssignment ? ' skip' : ''} [${members}]`
  )
}

function syncText(reply: SyncGroupReply): string {
  return reply.errorCode === ErrorCode.NONE
    ? `NONE protocol=${reply.protocolType}/${reply.protocolName} assignment="${reply.assignment}"`
    : nameOf(reply.errorCode)
}

function fetchText(reply: OffsetFetchReply): string {
  const offsets = reply.topics.flatMap(({ name, partitions }) =>
    partitions.map((p) => {
      const told = p.errorCode === ErrorCode.NONE ? p.committedOffset : nameOf(p.errorCode)
      return `${name}-${p.partitionIndex}=${told}`
    }),
  )
  return [nameOf(reply.errorCode), ...offsets].join(' ')
}

function recordText(record: GroupRecord): string {
  if (record.type === 'offset-commit') {
    const { group, topic, partition, value } = record
    if (value === null) return `record OffsetCommit ${group} ${topic}-${partition} tombstone`
    const expires = value.expireTimestamp === -1 ? '' : ` expires=${value.expireTimestamp}`
    return `record OffsetCommit ${group} ${topic}-${partition} offset=${value.offset}${expires}`
  }
  const { group, value } = record
  if (value === null) return `record GroupMetadata ${group} tombstone`
  const members = value.members.map(
    ({ memberId, groupInstanceId, assignment }) =>
      `${memberId}${groupInstanceId === null ? '' : `/${groupInstanceId}`}=${assignment}`,
  )
  return (
    `record GroupMetadata ${group} generation=${value.generation} type="${value.protocolType}" ` +
    `protocol=${value.protocol} leader=${value.leader} [${members.join(' ')}]`
  )
}
