/** Producers without transactions: plain ones that never send a batch twice, idempotent ones that do until they are answered. */
import { ErrorCode, errorName, InitProducerId, Produce } from '../../protocol/index.js'
import { bytesOf } from './batches.js'
import type { Ground } from './ground.js'
import type { Attempt, PartitionHistory } from './history.js'
import { type Client, NoAnswer } from './rpc.js'
import { type Chance, Violation } from './world.js'

/** After these nobody can tell whether the batch is there. */
const PERHAPS: ReadonlySet<number> = new Set([
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ErrorCode.UNKNOWN_SERVER_ERROR,
])
/** The leader may have changed while it waited for its followers. */
const PERHAPS_WITH_REPLICAS: ReadonlySet<number> = new Set([ErrorCode.NOT_LEADER_OR_FOLLOWER])
/** These say that the batch is not there, and to try again. */
const LATER: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_ENOUGH_REPLICAS,
])

export function produceRequest(
  history: PartitionHistory,
  records: Buffer,
  acks: number,
  transactionalId: string | null,
) {
  return {
    transactionalId,
    acks,
    timeoutMs: 2000,
    topicData: [{ name: history.topic, partitionData: [{ index: history.partition, records }] }],
  }
}

export function keysFor(history: PartitionHistory, chance: Chance): (string | null)[] {
  const count = chance.between(1, 3)
  return Array.from({ length: count }, () =>
    history.rules.compacted || chance.happens(0.3) ? `k${chance.between(0, 5)}` : null,
  )
}

export async function plainProducer(
  name: string,
  histories: readonly PartitionHistory[],
  ground: Ground,
): Promise<void> {
  const { world } = ground
  const chance = world.chance(name)
  const rpc = ground.rpc(name)
  const version = chance.between(3, 12)
  while (!ground.ending) {
    const history = chance.pick(histories)
    const acks = chance.pick([0, 1, 1, -1])
    const tombstone = history.rules.compacted && chance.happens(0.2)
    const attempt = ground.attempt(history, name, keysFor(history, chance), { tombstone })
    const request = produceRequest(history, bytesOf(attempt, world.clock.now()), acks, null)
    try {
      if (acks === 0) await rpc.tell(Produce, version, request)
      else
        settlePlain(
          history,
          attempt,
          acks,
          (await rpc.call(Produce, version, request)).responses[0]!.partitionResponses[0]!,
          ground,
          name,
        )
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      ground.counts.unanswered++
      world.say(name, `batch ${attempt.id} without answer: ${error.message}`)
      await world.sleep(chance.between(5, 60))
    }
    if (chance.happens(0.02)) await rpc.stumble().catch(() => {})
    await world.sleep(chance.between(0, 30))
  }
}

function settlePlain(
  history: PartitionHistory,
  attempt: Attempt,
  acks: number,
  answer: { errorCode: number; baseOffset: number },
  ground: Ground,
  name: string,
): void {
  const { errorCode, baseOffset } = answer
  ground.world.say(name, `batch ${attempt.id} to ${history.name}: ${errorName(errorCode)} ${baseOffset}`)
  if (errorCode === ErrorCode.NONE) {
    // Of several brokers one has it: it may be lost with the leader until somebody has read it.
    if (acks === -1 || !ground.isCluster) history.acked(attempt, baseOffset)
    ground.counts.acked++
  } else if (ground.isCluster && PERHAPS_WITH_REPLICAS.has(errorCode)) {
    ground.counts.refused++
  } else if (LATER.has(errorCode)) {
    history.refused(attempt)
    ground.counts.refused++
  } else if (!PERHAPS.has(errorCode)) {
    throw new Violation(`${name} sent a sound batch to ${history.name} and got ${errorName(errorCode)}.`)
  }
}

interface Sent {
  readonly attempt: Attempt
  readonly bytes: Buffer
}

/** Several batches under way, each sent with its sequence until it is answered; the id is given up only where Kafka's clients do. */
export class IdempotentProducer {
  readonly #chance: Chance
  readonly #rpc: Client
  readonly #sequences = new Map<PartitionHistory, number>()
  /** The batch acknowledged last. */
  readonly #newest = new Map<PartitionHistory, Sent>()
  readonly #version: number
  #producerId = -1
  #producerEpoch = -1
  /** `ground.losses` when the id was given: later losses may make its sequences unfit. */
  #lossesBefore = 0
  /** `ground.upheavals` when what is open now was sent first, and how many batches that were. */
  #upheavalsBefore = 0
  #together = 1

  constructor(
    readonly name: string,
    readonly histories: readonly PartitionHistory[],
    readonly ground: Ground,
  ) {
    this.#chance = ground.world.chance(name)
    this.#rpc = ground.rpc(name)
    this.#version = this.#chance.between(3, 12)
  }

  async run(): Promise<void> {
    const { ground } = this
    while (!ground.ending) {
      if (this.#producerId < 0) await this.#init()
      const history = this.#chance.pick(this.histories)
      if (this.#chance.happens(0.15)) await this.#repeat(history)
      else await this.#round(history)
      await ground.world.sleep(this.#chance.between(0, 40))
    }
  }

  async #init(): Promise<void> {
    const { ground } = this
    await ground.insist(async () => {
      const request = { transactionalId: null, transactionTimeoutMs: 0, producerId: -1, producerEpoch: -1 }
      const answer = await this.#rpc.call(InitProducerId, 4, request)
      if (answer.errorCode !== ErrorCode.NONE) throw new NoAnswer(errorName(answer.errorCode))
      this.#producerId = answer.producerId
      this.#producerEpoch = answer.producerEpoch
    })
    this.#sequences.clear()
    this.#newest.clear()
    this.#lossesBefore = ground.losses
    ground.world.say(this.name, `has producer id ${this.#producerId} epoch ${this.#producerEpoch}`)
  }

  /** As after an answer that got lost: what was acknowledged comes again, and is to be known by its sequence. */
  async #repeat(history: PartitionHistory): Promise<void> {
    const sent = this.#newest.get(history)
    this.#upheavalsBefore = this.ground.upheavals
    this.#together = 1
    if (sent?.attempt.state === 'acked') await this.#send(history, [sent])
  }

  /** Up to three batches for one partition, until each has its answer. */
  async #round(history: PartitionHistory): Promise<void> {
    const { ground } = this
    let sequence = this.#sequences.get(history) ?? 0
    const open: Sent[] = []
    this.#upheavalsBefore = ground.upheavals
    const count = this.#chance.between(1, 3)
    // The first is alone: a later one would be taken for the first when that is refused for want of replicas.
    for (let i = ground.isCluster && sequence === 0 ? 1 : count; i > 0; i--) {
      const attempt = ground.attempt(history, `${this.name}.${this.#producerId}`, keysFor(history, this.#chance), {
        idempotent: true,
      })
      const producer = { producerId: this.#producerId, producerEpoch: this.#producerEpoch, baseSequence: sequence }
      open.push({ attempt, bytes: bytesOf(attempt, ground.world.clock.now(), producer) })
      sequence += attempt.count
    }
    this.#sequences.set(history, sequence)
    this.#together = open.length
    while (open.length > 0) {
      if (!(await this.#send(history, open))) return
      if (open.length > 0) await ground.world.sleep(this.#chance.between(5, 60))
    }
  }

  /** One pass over what is open; false when the producer id had to be given up. */
  async #send(history: PartitionHistory, open: Sent[]): Promise<boolean> {
    const { ground, name } = this
    // Kafka's clients ask for all when they are idempotent; a leader that is lost takes what it alone had along.
    const acks = ground.isCluster ? -1 : this.#chance.pick([1, -1])
    const sent = [...open]
    const answers = await this.#sendAll(history, sent, acks)
    for (const [index, answer] of answers.entries()) {
      const { attempt } = sent[index]!
      if (answer === null) {
        ground.counts.unanswered++
        continue
      }
      ground.world.say(
        name,
        `batch ${attempt.id} to ${history.name}: ${errorName(answer.errorCode)} ${answer.baseOffset}`,
      )
      if (answer.errorCode === ErrorCode.NONE) {
        ground.counts.acked++
        this.#newest.set(history, sent[index]!)
        open.splice(open.indexOf(sent[index]!), 1)
      } else if (open[0] !== sent[index] || PERHAPS.has(answer.errorCode) || LATER.has(answer.errorCode)) {
        // Behind one that failed the sequence cannot fit: it comes again, too.
      } else if (
        ground.losses > this.#lossesBefore ||
        (this.#together > 1 && ground.upheavals > this.#upheavalsBefore)
      ) {
        // A snapshot of producers knows the last batch of each only, in Kafka's format: an earlier one that comes again is refused.
        this.#producerId = -1
        return false
      } else {
        throw new Violation(
          `${name}'s batch ${attempt.id} has the next sequence of ${history.name} but got ${errorName(answer.errorCode)}.`,
        )
      }
    }
    return true
  }

  /** All in one turn on one connection, so that they arrive in order; null where no answer came. */
  async #sendAll(history: PartitionHistory, sent: readonly Sent[], acks: number) {
    const unanswered = (error: unknown) => {
      if (!(error instanceof NoAnswer)) throw error
      return null
    }
    const open = await this.#rpc.open(history).catch(unanswered)
    return Promise.all(
      sent.map(({ attempt, bytes }) =>
        open === null
          ? null
          : // A copy: memory given away is not to be counted on, and this goes out again.
            this.#rpc
              .post(Produce, this.#version, produceRequest(history, Buffer.from(bytes), acks, null))
              .then((answer) => {
                const one = answer.responses[0]!.partitionResponses[0]!
                // At once: when the last answer of the pass comes, the world may be another.
                if (one.errorCode === ErrorCode.NONE) history.acked(attempt, one.baseOffset)
                return one
              })
              .catch(unanswered),
      ),
    )
  }
}
