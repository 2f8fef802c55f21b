/**
 * A group of the classic protocol: its members, its generation and where it stands.
 *
 * Durable (rebuilt from GroupMetadata records): generation, protocol, leader, members with assignments, as of the last generation that was
 * agreed. Volatile: who waits for what, pending ids, and a rebalance in progress; it is lost on a reload, and clients then rejoin.
 */
import type { Slot } from '../../coordinator/contract.js'
import type { JoinGroupProtocol, JoinGroupReply, JoinGroupReplyMember } from '../commands.js'
import type { GroupMetadata, MemberMetadata } from '../records.js'
import { ClassicMember } from './member.js'
import { type ClassicGroupState, isValidTransition } from './states.js'
import { CONSUMER_PROTOCOL_TYPE, subscribedTopicsOf } from './subscriptions.js'

export class ClassicGroup {
  readonly type = 'classic'
  state: ClassicGroupState = 'Empty'
  previousState: ClassicGroupState = 'Empty'
  /** Wall time in ms of the last transition, -1 when an old record did not say. */
  stateTimestamp: number
  generationId = 0
  /** Null until the first member: offsets alone make a group without one ("simple"). */
  protocolType: string | null = null
  protocolName: string | null = null
  leaderId: string | null = null
  /** In the order in which they came. */
  readonly members = new Map<string, ClassicMember>()
  /** Instance id -> member id (KIP-345). */
  readonly staticMembers = new Map<string, string>()
  /** Ids given out with MEMBER_ID_REQUIRED, not yet joined (KIP-394). */
  readonly pendingJoinMembers = new Set<string>()
  /** Members of this generation whose SyncGroup has not come. */
  readonly pendingSyncMembers = new Set<string>()
  /** A member came while the initial delay ran: the delay may be extended. */
  newMemberAdded = false
  /** Null: not known, because the protocol is not 'consumer' or a subscription could not be read. */
  subscribedTopics: ReadonlySet<string> | null = null
  /** Keys of the group's timers. */
  readonly joinKey: string
  readonly syncKey: string
  /** Members with a JoinGroup that waits, counted so that nobody has to walk a big group. */
  #awaitingJoinCount = 0
  /** Protocol name -> members that support it. */
  readonly #supportCounts = new Map<string, number>()

  constructor(
    readonly groupId: string,
    now: number,
  ) {
    this.stateTimestamp = now
    this.joinKey = `join ${groupId}`
    this.syncKey = `sync ${groupId}`
  }

  /** A group as the log has it, nobody waiting. */
  static fromRecord(groupId: string, value: GroupMetadata): ClassicGroup {
    const group = new ClassicGroup(groupId, value.currentStateTimestamp)
    for (const stored of value.members) {
      const member = new ClassicMember(
        stored.memberId,
        stored.groupInstanceId,
        stored.clientId,
        stored.clientHost,
        stored.rebalanceTimeout === -1 ? stored.sessionTimeout : stored.rebalanceTimeout,
        stored.sessionTimeout,
        [{ name: value.protocol ?? '', metadata: stored.subscription }],
        groupId,
      )
      member.assignment = stored.assignment
      group.add(member, value.protocolType, null)
    }
    group.state = value.members.length === 0 ? 'Empty' : 'Stable'
    group.previousState = group.state
    group.#adopt(value)
    return group
  }

  /** A record about this living group has been written: agree with it. Waiting members stay where they are. */
  applyRecord(value: GroupMetadata): void {
    const state = value.members.length === 0 ? 'Empty' : 'Stable'
    for (const stored of value.members) {
      const member = this.members.get(stored.memberId)
      if (member === undefined) throw new Error(`Group ${this.groupId} wrote a member that it does not have.`)
      member.assignment = stored.assignment
    }
    if (this.state !== state) this.transition(state, value.currentStateTimestamp)
    this.#adopt(value)
  }

  #adopt(value: GroupMetadata): void {
    this.generationId = value.generation
    this.protocolType = value.protocolType === '' ? null : value.protocolType
    this.protocolName = value.protocol
    this.leaderId = value.leader
    this.stateTimestamp = value.currentStateTimestamp
    this.refreshSubscribedTopics()
  }

  /** The only way to another state. */
  transition(to: ClassicGroupState, now: number): void {
    if (!isValidTransition(this.state, to)) {
      throw new Error(`Group ${this.groupId} cannot go from ${this.state} to ${to}.`)
    }
    this.previousState = this.state
    this.state = to
    this.stateTimestamp = now
  }

  get canRebalance(): boolean {
    return isValidTransition(this.state, 'PreparingRebalance')
  }

  /** Of the group that uses Kafka's own consumer protocol inside the members' metadata. */
  get usesConsumerProtocol(): boolean {
    return this.protocolType === CONSUMER_PROTOCOL_TYPE
  }

  get awaitingJoinCount(): number {
    return this.#awaitingJoinCount
  }

  get hasAllMembersJoined(): boolean {
    return this.members.size === this.#awaitingJoinCount && this.pendingJoinMembers.size === 0
  }

  /** The group waits for its slowest member: the largest of the members' timeouts. */
  get rebalanceTimeoutMs(): number {
    let timeoutMs = 0
    for (const member of this.members.values()) timeoutMs = Math.max(timeoutMs, member.rebalanceTimeoutMs)
    return timeoutMs
  }

  get sessionTimeoutMs(): number {
    let timeoutMs = 0
    for (const member of this.members.values()) timeoutMs = Math.max(timeoutMs, member.sessionTimeoutMs)
    return timeoutMs
  }

  isLeader(memberId: string): boolean {
    return this.leaderId === memberId
  }

  add(member: ClassicMember, protocolType: string, slot: Slot<JoinGroupReply> | null): void {
    if (this.members.has(member.memberId))
      throw new Error(`Member ${member.memberId} is in group ${this.groupId} already.`)
    if (member.groupInstanceId !== null) {
      if (this.staticMembers.has(member.groupInstanceId)) {
        throw new Error(`Instance ${member.groupInstanceId} is in group ${this.groupId} already.`)
      }
      this.staticMembers.set(member.groupInstanceId, member.memberId)
    }
    if (this.members.size === 0) this.protocolType = protocolType
    this.leaderId ??= member.memberId
    this.members.set(member.memberId, member)
    this.#count(member.protocols, 1)
    this.pendingJoinMembers.delete(member.memberId)
    if (slot !== null) this.awaitJoin(member, slot)
  }

  /** Takes the member out. Its waiting requests are the caller's to answer first. */
  remove(memberId: string): void {
    const member = this.members.get(memberId)
    if (member !== undefined) {
      if (member.awaitingJoin !== null || member.awaitingSync !== null) {
        throw new Error(`Member ${memberId} of group ${this.groupId} was removed while it waits for an answer.`)
      }
      this.members.delete(memberId)
      this.#count(member.protocols, -1)
      if (member.groupInstanceId !== null) this.staticMembers.delete(member.groupInstanceId)
    }
    if (this.leaderId === memberId) this.leaderId = this.members.keys().next().value ?? null
    this.pendingJoinMembers.delete(memberId)
    this.pendingSyncMembers.delete(memberId)
  }

  /** Puts a static member's new incarnation in place of the old one (KIP-345). */
  replaceStaticMember(old: ClassicMember, newMemberId: string): ClassicMember {
    if (old.groupInstanceId === null) throw new Error(`Member ${old.memberId} is not static.`)
    const wasLeader = this.isLeader(old.memberId)
    const wasPendingSync = this.pendingSyncMembers.has(old.memberId)
    this.remove(old.memberId)
    const member = new ClassicMember(
      newMemberId,
      old.groupInstanceId,
      old.clientId,
      old.clientHost,
      old.rebalanceTimeoutMs,
      old.sessionTimeoutMs,
      old.protocols,
      this.groupId,
    )
    member.assignment = old.assignment
    this.add(member, this.protocolType ?? '', null)
    if (wasLeader) this.leaderId = newMemberId
    if (wasPendingSync) this.pendingSyncMembers.add(newMemberId)
    return member
  }

  update(
    member: ClassicMember,
    protocols: readonly JoinGroupProtocol[],
    rebalanceTimeoutMs: number,
    sessionTimeoutMs: number,
  ): void {
    this.#count(member.protocols, -1)
    member.protocols = protocols
    this.#count(protocols, 1)
    member.rebalanceTimeoutMs = rebalanceTimeoutMs
    member.sessionTimeoutMs = sessionTimeoutMs
  }

  awaitJoin(member: ClassicMember, slot: Slot<JoinGroupReply>): void {
    if (member.awaitingJoin !== null) throw new Error(`Member ${member.memberId} waits for two JoinGroup answers.`)
    member.awaitingJoin = slot
    this.#awaitingJoinCount++
  }

  /** The slot to answer, which is not held any more; null when the member does not wait. */
  takeJoin(member: ClassicMember): Slot<JoinGroupReply> | null {
    const slot = member.awaitingJoin
    if (slot !== null) {
      member.awaitingJoin = null
      this.#awaitingJoinCount--
    }
    return slot
  }

  /** At least one of these protocols is supported by all members there are; in an empty group: there is one. */
  supportsProtocols(protocolType: string, protocols: readonly JoinGroupProtocol[]): boolean {
    if (this.state === 'Empty') return protocolType !== '' && protocols.length > 0
    if (this.protocolType !== protocolType) return false
    return protocols.some(({ name }) => (this.#supportCounts.get(name) ?? 0) === this.members.size)
  }

  /** Every member votes for the protocol it likes best among those all support; the most votes win, ties by the order of members. */
  selectProtocol(): string {
    const candidates = new Set<string>()
    for (const [name, count] of this.#supportCounts) {
      if (count === this.members.size) candidates.add(name)
    }
    const votes = new Map<string, number>()
    let winner = ''
    for (const member of this.members.values()) {
      const name = member.vote(candidates)
      votes.set(name, (votes.get(name) ?? 0) + 1)
    }
    let most = 0
    for (const [name, count] of votes) {
      if (count > most) {
        winner = name
        most = count
      }
    }
    return winner
  }

  /** The members as the leader is told about them. */
  joinGroupMembers(): JoinGroupReplyMember[] {
    const protocolName = this.protocolName ?? ''
    return Array.from(this.members.values(), (member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: member.metadata(protocolName),
    }))
  }

  refreshSubscribedTopics(): void {
    this.subscribedTopics = subscribedTopicsOf(this)
  }

  /** When it cannot be known: assume yes for the consumer protocol (its offsets stay), no for any other. */
  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics === null ? this.usesConsumerProtocol : this.subscribedTopics.has(topic)
  }

  /** The group's record with these assignments. */
  toRecord(assignments: ReadonlyMap<string, Buffer>, now: number): GroupMetadata {
    const protocolName = this.protocolName ?? ''
    const members = Array.from(this.members.values(), (member): MemberMetadata => {
      const assignment = assignments.get(member.memberId)
      if (assignment === undefined) throw new Error(`Member ${member.memberId} has no assignment to write.`)
      return {
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: member.metadata(protocolName),
        assignment,
      }
    })
    return {
      protocolType: this.protocolType ?? '',
      generation: this.generationId,
      protocol: this.protocolName,
      leader: this.leaderId,
      currentStateTimestamp: now,
      members,
    }
  }

  #count(protocols: readonly JoinGroupProtocol[], by: 1 | -1): void {
    for (const { name } of protocols) {
      const count = (this.#supportCounts.get(name) ?? 0) + by
      if (count === 0) this.#supportCounts.delete(name)
      else this.#supportCounts.set(name, count)
    }
  }
}
