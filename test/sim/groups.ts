/** Group offsets: a consumer that only commits, and members that join, beat and commit. What was acknowledged is never taken back. */
import {
  ErrorCode,
  errorName,
  Heartbeat,
  JoinGroup,
  OffsetCommit,
  OffsetFetch,
  SyncGroup,
} from '../../protocol/index.js'
import type { Ground } from './ground.js'
import { PASSING } from './readers.js'
import { type Client, NoAnswer } from './rpc.js'
import { type Chance, Violation } from './world.js'

/** What is known of one group's offset of one partition. Commits only rise, so that a range tells all. */
export class GroupOffset {
  /** Acknowledged: -1 before the first. */
  acked = -1
  /** The largest that anybody has asked for. */
  asked = -1
  /** Until then a commit of one member may overtake that of another: nobody else commits. */
  takenUntilMs = 0
  /** Sent in transactions that were not to be committed. */
  readonly hidden = new Set<number>()

  constructor(
    readonly group: string,
    readonly topic: string,
    readonly partition: number,
  ) {}

  next(): number {
    return ++this.asked
  }

  /** `atLeast` is `acked` as it was when the question was sent. */
  saw(offset: number, atLeast: number, what: string): void {
    if (this.hidden.has(offset)) {
      throw new Violation(
        `${what}: group ${this.group} has offset ${offset}, which was sent in a transaction that was not committed.`,
      )
    }
    if (offset >= atLeast && offset <= this.asked) return
    throw new Violation(
      `${what}: group ${this.group} has offset ${offset} for ${this.topic}-${this.partition}, but ${atLeast} was acknowledged (asked for: ${this.asked}).`,
    )
  }
}

/** Errors that end a membership, and those that end nothing. */
const REJOIN: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.MEMBER_ID_REQUIRED,
])
const AGAIN: ReadonlySet<number> = new Set([...PASSING, ErrorCode.REQUEST_TIMED_OUT, ErrorCode.UNSTABLE_OFFSET_COMMIT])
const NO_GENERATION = -1
const COMMIT_MS = 3300

interface Membership {
  readonly memberId: string
  readonly generation: number
}

export async function fetchOffset(rpc: Client, place: GroupOffset, requireStable: boolean): Promise<number | null> {
  const topics = [{ name: place.topic, partitionIndexes: [place.partition] }]
  const answer = await rpc.call(OffsetFetch, 7, { groupId: place.group, topics, groups: [], requireStable })
  const one = answer.topics[0]?.partitions[0]
  const errorCode =
    answer.errorCode !== ErrorCode.NONE ? answer.errorCode : (one?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR)
  if (AGAIN.has(errorCode)) return null
  if (errorCode !== ErrorCode.NONE)
    throw new Violation(`OffsetFetch of group ${place.group} was answered with ${errorName(errorCode)}.`)
  return one!.committedOffset
}

export class GroupClient {
  readonly #chance: Chance
  readonly #rpc: Client
  #member: Membership | null = null

  constructor(
    readonly name: string,
    readonly place: GroupOffset,
    /** False: commits without being a member. */
    readonly joins: boolean,
    readonly ground: Ground,
  ) {
    this.#chance = ground.world.chance(name)
    this.#rpc = ground.rpc(name)
  }

  async run(): Promise<void> {
    const { ground } = this
    while (!ground.ending) {
      try {
        await this.#step(this.#chance.between(0, 99))
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error
        ground.counts.unanswered++
        this.#member = this.#chance.happens(0.5) ? null : this.#member
        // A commit may still be under way: the next one must not overtake it.
        await ground.world.sleep(300)
        if (!this.joins) this.place.takenUntilMs = 0
      }
      await ground.world.sleep(this.#chance.between(5, 60))
    }
  }

  async #step(roll: number): Promise<void> {
    if (this.joins && this.#member === null) this.#member = await this.#join()
    else if (roll < 30) await this.#look()
    else if (roll < 50 && this.joins) await this.#beat()
    else await this.#commit()
  }

  async #commit(): Promise<void> {
    const { place, ground, name } = this
    if (ground.world.nowMs < place.takenUntilMs) return
    // A question that gets no answer is given up after three seconds, and its client waits a little before the next.
    place.takenUntilMs = ground.world.nowMs + COMMIT_MS
    const offset = place.next()
    const partitions = [{ partitionIndex: place.partition, committedOffset: offset, committedMetadata: '' }]
    const { losses } = ground
    const answer = await this.#rpc.call(OffsetCommit, 7, {
      groupId: place.group,
      generationIdOrMemberEpoch: this.#member?.generation ?? NO_GENERATION,
      memberId: this.#member?.memberId ?? '',
      topics: [{ name: place.topic, partitions }],
    })
    place.takenUntilMs = 0
    const { errorCode } = answer.topics[0]!.partitions[0]!
    ground.world.say(name, `commit ${offset} of ${place.topic}-${place.partition}: ${errorName(errorCode)}`)
    if (errorCode === ErrorCode.NONE) {
      if (losses === ground.losses) place.acked = Math.max(place.acked, offset)
      ground.counts.commits++
    } else if (REJOIN.has(errorCode) && this.joins) this.#member = null
    else if (!AGAIN.has(errorCode)) throw new Violation(`${name} committed ${offset} and got ${errorName(errorCode)}.`)
  }

  async #look(): Promise<void> {
    const { place, ground } = this
    const { acked } = place
    const { losses } = ground
    const offset = await fetchOffset(this.#rpc, place, this.#chance.happens(0.5))
    if (offset !== null && losses === ground.losses) place.saw(offset, acked, this.name)
  }

  async #beat(): Promise<void> {
    const { memberId, generation } = this.#member!
    const answer = await this.#rpc.call(Heartbeat, 3, { groupId: this.place.group, generationId: generation, memberId })
    if (REJOIN.has(answer.errorCode)) this.#member = null
    else if (answer.errorCode !== ErrorCode.NONE && !AGAIN.has(answer.errorCode)) {
      throw new Violation(`A heartbeat of ${this.name} was answered with ${errorName(answer.errorCode)}.`)
    }
  }

  async #join(): Promise<Membership | null> {
    const { group } = this.place
    const protocols = [{ name: 'range', metadata: Buffer.from([0]) }]
    const request = {
      groupId: group,
      sessionTimeoutMs: 6000,
      rebalanceTimeoutMs: 1500,
      memberId: '',
      protocolType: 'consumer',
      protocols,
    }
    const joined = await this.#rpc.call(JoinGroup, 3, request)
    if (!this.#fine('join', joined.errorCode)) return null
    const assignments = joined.members.map(({ memberId }) => ({ memberId, assignment: Buffer.from([1]) }))
    const { memberId, generationId } = joined
    const synced = await this.#rpc.call(SyncGroup, 2, { groupId: group, generationId, memberId, assignments })
    if (!this.#fine('sync', synced.errorCode)) return null
    this.ground.world.say(this.name, `is in generation ${generationId}`)
    return { memberId, generation: generationId }
  }

  #fine(what: string, errorCode: number): boolean {
    if (errorCode === ErrorCode.NONE) return true
    if (AGAIN.has(errorCode) || REJOIN.has(errorCode)) return false
    throw new Violation(`${this.name} wanted to ${what} and got ${errorName(errorCode)}.`)
  }
}
