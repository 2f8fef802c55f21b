/**
 * Random clients against one shard of the group coordinator, on a virtual clock: joins, syncs, leaves, crashes, commits, deletions, a high
 * watermark that stays behind, appends that fail, fail-overs. After every step the invariants of `group-invariants.ts` hold; at rest
 * every request has had exactly one answer, every group is empty and no timer is left. A seed gives the same run again.
 */
import type { Answer } from '../../lib/broker/group/answer.js'
import type { JoinGroupReply } from '../../lib/broker/group/commands.js'
import type { GroupMachine } from '../../lib/broker/group/machine.js'
import type { Random } from '../../lib/host/random.js'
import { seededRandom } from '../../lib/host/random-sources.js'
import { ErrorCode } from '../../protocol/errors.js'
import { joinCommand, makeRig, type Rig, subscription } from '../broker/group/rig.js'
import { checkGroups, checkReload, type GenerationTracker } from './group-invariants.js'
import { GroupTransactions } from './group-transactions.js'

const GROUPS = ['g', 'h']
const CLIENTS = 6
const SESSION_TIMEOUTS_MS = [6_000, 10_000, 30_000]
const REBALANCE_TIMEOUTS_MS = [0, 5_000, 60_000, 60_000]
const PROTOCOLS = ['range', 'sticky', 'roundrobin']
/** Longer than any timeout above, several times over: nothing can be waiting after it. */
const REST_MS = 3_600_000

interface Client {
  readonly name: string
  readonly groupId: string
  readonly groupInstanceId: string | null
  memberId: string
  generationId: number
  /** What a well-behaved client does next. */
  next: 'join' | 'sync' | 'work'
  /** A JoinGroup or SyncGroup of its own has not been answered. */
  waits: boolean
}

/** Runs `steps` random steps of this seed. Throws, with the seed and the step, when something does not hold. */
export async function fuzzGroups(seed: number, steps = 400): Promise<void> {
  const run = new GroupFuzz(seed)
  for (let step = 0; step < steps; step++) {
    try {
      run.step()
      // Answers that had to wait settle here.
      await Promise.resolve()
      run.check(step)
    } catch (error) {
      throw new Error(`group fuzz: seed ${seed}, step ${step} (${run.lastStep})`, { cause: error })
    }
  }
  try {
    await run.rest()
  } catch (error) {
    throw new Error(`group fuzz: seed ${seed}, at rest`, { cause: error })
  }
}

class GroupFuzz {
  lastStep = 'start'
  readonly #random: Random
  readonly #rig: Rig
  readonly #clients: Client[]
  readonly #generations: GenerationTracker = new Map()
  readonly #transactions: GroupTransactions
  #asked = 0
  #answered = 0

  constructor(seed: number) {
    this.#random = seededRandom(seed)
    this.#rig = makeRig({
      initialRebalanceDelayMs: this.#pick([0, 0, 3_000]),
      maxSize: this.#pick([2, 4, 1_000]),
      pendingMembersMax: 5,
      groupsPerShardMax: 3,
      newMemberJoinTimeoutMs: 120_000,
      offsetsRetentionMs: 50_000,
      offsetsRetentionCheckIntervalMs: 20_000,
    })
    this.#transactions = new GroupTransactions(this.#rig, this.#random)
    const statics = this.#pick([0, 0, 0.5])
    this.#clients = Array.from({ length: CLIENTS }, (_, i) => ({
      name: `c${i}`,
      groupId: this.#pick(GROUPS),
      groupInstanceId: this.#chance(statics) ? `i${this.#random.integer(4)}` : null,
      memberId: '',
      generationId: -1,
      next: 'join' as const,
      waits: false,
    }))
  }

  /** Most of the time clients do what clients do next; otherwise anything happens. */
  step(): void {
    const client = this.#pick(this.#clients)
    if (!client.waits && this.#chance(0.75)) this.#goOn(client)
    else this.#anything(client)
  }

  #goOn(client: Client): void {
    if (client.next === 'join') this.#join(client, false)
    else if (client.next === 'sync') this.#sync(client, false)
    else if (this.#chance(0.5)) this.#heartbeat(client)
    else this.#commit(client)
  }

  #anything(client: Client): void {
    const dice = this.#random.integer(100)
    if (dice < 15) this.#join(client, true)
    else if (dice < 25) this.#sync(client, true)
    else if (dice < 32) this.#heartbeat(client)
    else if (dice < 40) this.#leave(client)
    else if (dice < 48) this.#commit(client)
    else if (dice < 60) this.#transact(client)
    else if (dice < 85) this.#advance()
    else if (dice < 92) this.#look(client)
    else this.#disturb()
  }

  check(step: number): void {
    const [crash] = this.#rig.crashes
    if (crash !== undefined) throw new Error(`the shard crashed: ${crash}`)
    const machine = this.#machine()
    if (machine === null) {
      this.#generations.clear()
      return
    }
    checkGroups(machine, this.#generations)
    if (step % 16 === 0) checkReload(machine, this.#rig.log)
  }

  async rest(): Promise<void> {
    const { log, clock, coordinator } = this.#rig
    log.failNext.length = 0
    log.failReads = false
    log.maxBatchBytes = 1_048_588
    log.held = false
    log.commit()
    // A shard that is being read comes back first.
    await clock.advanceAsync(1_000)
    await new Promise((resolve) => setImmediate(resolve))
    // What transactions have left open keeps its groups, for ever if nobody ended them.
    for (const answer of this.#transactions.endAll()) this.#hear(answer)
    await clock.advanceAsync(REST_MS)
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#asked !== this.#answered) {
      throw new Error(`${this.#asked} requests, ${this.#answered} answers`)
    }
    const machine = this.#machine()
    if (machine === null) throw new Error('the shard did not come back')
    for (const group of machine.registry.values()) {
      if (group.state !== 'Empty') throw new Error(`group ${group.groupId} is ${group.state} with nobody there`)
    }
    checkReload(machine, log)
    if (machine.offsets.pendingCount > 0) throw new Error('offsets of transactions that have ended are still pending')
    if (machine.registry.size > 0) throw new Error('groups with nothing left are still there')
    coordinator.close()
    if (clock.pendingTimers > 0) throw new Error(`${clock.pendingTimers} timers are left after close`)
    if (log.listeners > 0) throw new Error('the log is still listened to after close')
  }

  #machine(): GroupMachine | null {
    return this.#rig.coordinator.machineOf(0)
  }

  #join(client: Client, odd: boolean): void {
    const fresh = odd && this.#chance(0.3)
    const names = PROTOCOLS.filter(() => this.#chance(0.7))
    const rare = odd ? 0.1 : 0
    this.lastStep = `join ${client.name}`
    const request = joinCommand({
      groupId: client.groupId,
      memberId: fresh ? '' : this.#chance(rare) ? 'made-up' : client.memberId,
      groupInstanceId: client.groupInstanceId,
      clientId: client.name,
      sessionTimeoutMs: this.#pick(SESSION_TIMEOUTS_MS),
      rebalanceTimeoutMs: this.#pick(REBALANCE_TIMEOUTS_MS),
      protocolType: this.#chance(rare) ? 'connect' : 'consumer',
      protocols: [...names, ...(odd && this.#chance(0.5) ? [] : ['range'])].map((name) => ({
        name,
        metadata: this.#chance(0.05) ? Buffer.from('junk') : subscription(this.#chance(0.5) ? ['a'] : ['a', 'b']),
      })),
      requireKnownMemberId: this.#chance(0.5),
      supportsSkippingAssignment: this.#chance(0.5),
    })
    client.waits = true
    this.#hear(this.#rig.coordinator.joinGroup(request), (reply) => this.#joined(client, reply))
  }

  #joined(client: Client, reply: JoinGroupReply): void {
    client.waits = false
    client.next = reply.errorCode === ErrorCode.NONE ? 'sync' : 'join'
    if (reply.errorCode === ErrorCode.FENCED_INSTANCE_ID) client.memberId = ''
    if (reply.errorCode === ErrorCode.MEMBER_ID_REQUIRED) client.memberId = reply.memberId
    if (reply.errorCode === ErrorCode.UNKNOWN_MEMBER_ID) client.memberId = ''
    if (reply.errorCode !== ErrorCode.NONE) return
    client.memberId = reply.memberId
    client.generationId = reply.generationId
    const leads = reply.leader === reply.memberId
    const told = reply.members.map(({ memberId }) => memberId)
    if (leads !== told.includes(reply.memberId)) throw new Error('the leader, and nobody else, is told the members')
    if (new Set(told).size !== told.length) throw new Error('a member is named twice')
  }

  #sync(client: Client, odd: boolean): void {
    this.lastStep = `sync ${client.name}`
    const group = this.#machine()?.registry.classic(client.groupId)
    const assigned = this.#clients.filter(({ groupId }) => groupId === client.groupId && this.#chance(0.9))
    const assigns =
      group?.state === 'CompletingRebalance' && group.isLeader(client.memberId) && assigned.includes(client)
    const answer = this.#rig.coordinator.syncGroup({
      groupId: client.groupId,
      memberId: client.memberId,
      generationId: odd && this.#chance(0.2) ? 99 : client.generationId,
      groupInstanceId: client.groupInstanceId,
      protocolType: null,
      protocolName: null,
      assignments: assigned.map(({ memberId }) => ({ memberId, assignment: Buffer.from(`for ${memberId}`) })),
    })
    const asked = client.memberId
    client.waits = true
    this.#hear(answer, (reply) => {
      client.waits = false
      client.next = reply.errorCode === ErrorCode.NONE ? 'work' : 'join'
      this.#forgetUnknown(client, reply.errorCode)
      const text = reply.assignment.toString()
      if (assigns && reply.errorCode === ErrorCode.NONE && text !== `for ${asked}`) {
        throw new Error(`leader ${asked} assigned something to itself and was given "${text}"`)
      }
      // A static member inherits what its former self was given.
      if (client.groupInstanceId === null && text !== '' && text !== `for ${asked}`) {
        throw new Error(`${asked} was given the assignment "${text}"`)
      }
    })
  }

  #heartbeat(client: Client): void {
    const { name, groupId, memberId, generationId, groupInstanceId } = client
    this.lastStep = `heartbeat ${name}`
    const answer = this.#rig.coordinator.heartbeat({ groupId, memberId, generationId, groupInstanceId })
    this.#hear(answer, ({ errorCode }) => {
      if (errorCode !== ErrorCode.NONE) client.next = 'join'
      this.#forgetUnknown(client, errorCode)
    })
  }

  #forgetUnknown(client: Client, errorCode: ErrorCode): void {
    if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID || errorCode === ErrorCode.FENCED_INSTANCE_ID) client.memberId = ''
  }

  #leave(client: Client): void {
    this.lastStep = `leave ${client.name}`
    const { groupId, memberId, groupInstanceId } = client
    const byInstance = groupInstanceId !== null && this.#chance(0.5)
    const members = [{ memberId: byInstance ? '' : memberId, groupInstanceId, reason: null }]
    this.#hear(this.#rig.coordinator.leaveGroup({ groupId, members }))
    client.memberId = ''
    client.next = 'join'
  }

  #commit(client: Client): void {
    this.lastStep = `commit ${client.name}`
    const simple = this.#chance(0.1)
    const answer = this.#rig.coordinator.commitOffsets(
      {
        groupId: client.groupId,
        memberId: simple ? '' : client.memberId,
        generationIdOrMemberEpoch: simple ? -1 : client.generationId,
        groupInstanceId: simple ? null : client.groupInstanceId,
        retentionTimeMs: this.#pick([-1, -1, 30_000]),
        knowsGroupIdNotFound: this.#chance(0.5),
        topics: ['a', 'b', 'z', 'none'].map((name) => ({
          name,
          topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
          partitions: [0, 1, 2].map((partitionIndex) => ({
            partitionIndex,
            committedOffset: this.#random.integer(1_000),
            committedLeaderEpoch: this.#random.integer(3) - 1,
            committedMetadata: this.#chance(0.1) ? 'x'.repeat(5_000) : null,
          })),
        })),
      },
      false,
    )
    this.#hear(answer)
  }

  #transact(client: Client): void {
    const commits = this.#chance(0.5)
    this.lastStep = commits ? `transactional commit ${client.name}` : 'end of a transaction'
    if (commits) this.#hear(this.#transactions.commit(client))
    else this.#hear(this.#transactions.end())
  }

  #advance(): void {
    const ms = this.#pick([1, 1, 100, 100, 500, 3_000, 3_000, 7_000, 70_000])
    this.lastStep = `advance ${ms}`
    this.#rig.clock.advance(ms)
  }

  #look(client: Client): void {
    const { coordinator } = this.#rig
    this.lastStep = `look at ${client.groupId}`
    this.#hear(coordinator.describeGroups([client.groupId, 'none']))
    this.#hear(coordinator.listGroups(['stable', 'EMPTY'], []))
    this.#hear(coordinator.fetchOffsets({ groupId: client.groupId, topics: null, requireStable: true }, false))
  }

  #disturb(): void {
    const { coordinator, log } = this.#rig
    const what = this.#pick([
      'hold',
      'release',
      'fail',
      'reload',
      'reload async',
      'delete',
      'topic',
      'offsets',
      'small',
    ])
    this.lastStep = what
    switch (what) {
      case 'hold':
        log.held = true
        break
      case 'release':
        log.held = false
        log.commit()
        break
      case 'fail':
        log.failNext.push(
          this.#pick([
            ErrorCode.NOT_LEADER_OR_FOLLOWER,
            ErrorCode.NOT_ENOUGH_REPLICAS,
            ErrorCode.NOT_ENOUGH_REPLICAS,
            ErrorCode.KAFKA_STORAGE_ERROR,
          ]),
        )
        break
      case 'reload':
      case 'reload async':
        log.asyncReads = what === 'reload async'
        coordinator.unload(0)
        coordinator.load(0, log)
        this.#generations.clear()
        break
      case 'delete':
        this.#hear(coordinator.deleteGroups(GROUPS))
        break
      case 'topic':
        coordinator.onTopicsDeleted([{ name: 'a', topicId: `${'a'.repeat(21)}Q` }])
        break
      case 'offsets':
        this.#hear(
          coordinator.deleteOffsets({ groupId: this.#pick(GROUPS), topics: [{ name: 'b', partitions: [0, 7] }] }),
        )
        break
      case 'small':
        log.maxBatchBytes = this.#pick([300, 600, 1_048_588])
        break
    }
  }

  #hear<T>(answer: Answer<T>, look: (answer: T) => void = () => {}): void {
    this.#asked++
    const heard = (value: T): void => {
      this.#answered++
      look(value)
    }
    if (answer instanceof Promise) void answer.then(heard)
    else heard(answer)
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#random.integer(choices.length)]!
  }

  #chance(probability: number): boolean {
    return this.#random.integer(1_000) < probability * 1_000
  }
}
