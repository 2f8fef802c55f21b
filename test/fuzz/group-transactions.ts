/** Transactional producers for the group fuzz: they commit offsets for members and for nobody, and their transactions end or do not. */
import type { Answer } from '../../lib/broker/group/answer.js'
import type { OffsetCommitReply, TxnOffsetCommitCommand } from '../../lib/broker/group/commands.js'
import type { GroupMachine } from '../../lib/broker/group/machine.js'
import type { Random } from '../../lib/host/random.js'
import { ErrorCode } from '../../protocol/errors.js'
import type { Rig } from '../broker/group/rig.js'

const PRODUCERS = 3

type Member = Pick<TxnOffsetCommitCommand, 'groupId' | 'memberId' | 'groupInstanceId'> & { generationId: number }

export class GroupTransactions {
  readonly #rig: Rig
  readonly #random: Random
  /** By producer; now and then one goes up. */
  readonly #epochs: number[] = Array.from({ length: PRODUCERS }, () => 0)

  constructor(rig: Rig, random: Random) {
    this.#rig = rig
    this.#random = random
  }

  commit({ groupId, memberId, generationId, groupInstanceId }: Member): Answer<OffsetCommitReply> {
    const nobody = this.#chance(0.3)
    const producerId = this.#random.integer(PRODUCERS)
    if (this.#chance(0.05)) this.#epochs[producerId]!++
    const partitions = [0, 1].map((partitionIndex) => ({
      partitionIndex,
      committedOffset: this.#random.integer(1_000),
      committedLeaderEpoch: -1,
      committedMetadata: this.#chance(0.1) ? 'x'.repeat(5_000) : null,
    }))
    const command: TxnOffsetCommitCommand = {
      groupId,
      producerId,
      // Also from producers that have been replaced.
      producerEpoch: Math.max(this.#epochs[producerId]! - (this.#chance(0.1) ? 1 : 0), 0),
      memberId: nobody ? '' : memberId,
      generationIdOrMemberEpoch: nobody ? -1 : generationId,
      groupInstanceId: nobody ? null : groupInstanceId,
      knowsGroupIdNotFound: this.#chance(0.5),
      topics: [{ name: this.#chance(0.5) ? 'a' : 'b', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitions }],
    }
    return this.#rig.coordinator.commitTransactional(command, false, () => ErrorCode.NONE)
  }

  end(): Answer<ErrorCode> {
    return this.#end(this.#random.integer(PRODUCERS), this.#chance(0.5))
  }

  endAll(): Answer<ErrorCode>[] {
    return this.#epochs.map((_, producerId) => this.#end(producerId, true))
  }

  #end(producerId: number, commit: boolean): Answer<ErrorCode> {
    const { coordinator } = this.#rig
    const marker = { producerId, producerEpoch: this.#epochs[producerId]!, coordinatorEpoch: 0, commit }
    const answer = coordinator.completeTransaction(0, marker)
    const machine = coordinator.machineOf(0)
    if (answer === ErrorCode.NONE && machine !== null && writersOf(machine).has(producerId)) {
      throw new Error(`the transaction of ${producerId} has ended and something of it is pending`)
    }
    return answer
  }

  #chance(probability: number): boolean {
    return this.#random.integer(1_000) < probability * 1_000
  }
}

function writersOf({ offsets }: GroupMachine): ReadonlySet<number> {
  const found = new Set<number>()
  for (const group of offsets.pendingGroups()) {
    for (const partitions of offsets.pendingOf(group)!.values()) {
      for (const writers of partitions.values()) for (const writer of writers) found.add(writer)
    }
  }
  return found
}
