/**
 * Asks the coordinator of a transaction whether a partition is part of it, or puts it in, from the broker that leads the partition (KIP-890).
 * Source: Kafka's AddPartitionsToTxnManager.
 */
import { AddPartitionsToTxn, ErrorCode } from '../../../protocol/index.js'
import { CoordinatorType, leaderOfKey } from '../../broker/coordinator/locate.js'
import type { Answer } from '../../broker/group/answer.js'
import type {
  AddPartitionsCommand,
  AddPartitionsReply,
  VerifyPartitionsCommand,
  VerifyPartitionsReply,
} from '../../broker/transaction/commands.js'
import type { TransactionCoordinator } from '../../broker/transaction/coordinator.js'
import type { TopicPartitions } from '../../broker/transaction/records.js'
import type { Image } from '../../metadata/image.js'
import { type Peer, PeerLost } from '../peer.js'
import { Batches, BatchesByBroker } from './batches.js'

type Coordinator = Pick<TransactionCoordinator, 'addPartitions' | 'verifyPartitions'>

export interface CoordinatorRoutePorts {
  /** For transactional ids coordinated here. */
  readonly here: Coordinator
  image(): Image
  /** A connection of its own. */
  open(brokerId: number): Peer
}

interface Question extends VerifyPartitionsCommand {
  readonly verifyOnly: boolean
}

/** Of a batch of questions: one code per partition each. */
type Codes = readonly ErrorCode[]

const VERSION = 5

export class CoordinatorRoute implements Coordinator {
  readonly #brokerId: number
  readonly #ports: CoordinatorRoutePorts
  readonly #routes: BatchesByBroker<Question, Codes>

  constructor(options: { readonly brokerId: number }, ports: CoordinatorRoutePorts) {
    this.#brokerId = options.brokerId
    this.#ports = ports
    this.#routes = new BatchesByBroker((id) => new Batches({ peer: ports.open(id), send: askThere }))
  }

  addPartitions(command: AddPartitionsCommand): Answer<AddPartitionsReply> {
    const coordinator = this.#coordinatorOf(command.transactionalId)
    if (coordinator === this.#brokerId) return this.#ports.here.addPartitions(command)
    return this.#ask(coordinator, { ...command, verifyOnly: false }).then((codes) => ({ errorCode: worst(codes) }))
  }

  verifyPartitions(command: VerifyPartitionsCommand): Answer<VerifyPartitionsReply> {
    const coordinator = this.#coordinatorOf(command.transactionalId)
    if (coordinator === this.#brokerId) return this.#ports.here.verifyPartitions(command)
    return this.#ask(coordinator, { ...command, verifyOnly: true }).then((errorCodes) => ({ errorCodes }))
  }

  /** Brokers have come or gone. */
  brokersChanged(): void {
    this.#routes.retain((id) => this.#ports.image().brokers.has(id))
  }

  close(): void {
    this.#routes.close()
  }

  #coordinatorOf(transactionalId: string): number {
    return leaderOfKey(this.#ports.image(), CoordinatorType.TRANSACTION, transactionalId) ?? -1
  }

  async #ask(coordinator: number, question: Question): Promise<Codes> {
    if (coordinator < 0) return spread(question.partitions, ErrorCode.COORDINATOR_NOT_AVAILABLE)
    try {
      return await this.#routes.to(coordinator).ask(question)
    } catch (error) {
      if (!(error instanceof PeerLost)) throw error
      return spread(question.partitions, ErrorCode.NETWORK_EXCEPTION)
    }
  }
}

/** All or nothing is added: what one partition hears besides that it was not tried is said of all. */
function worst(codes: Codes): ErrorCode {
  const failed = codes.filter((code) => code !== ErrorCode.NONE)
  return failed.find((code) => code !== ErrorCode.OPERATION_NOT_ATTEMPTED) ?? failed[0] ?? ErrorCode.NONE
}

function spread(partitions: TopicPartitions, errorCode: ErrorCode): Codes {
  return partitions.flatMap(({ partitionIds }) => partitionIds.map(() => errorCode))
}

/** An id is named once per request, for the answer is by id: what more there is of it goes with the next. */
async function askThere(peer: Peer, batch: readonly Question[]): Promise<readonly Codes[]> {
  const answers: Codes[] = []
  for (let left = [...batch.entries()]; left.length > 0; ) {
    const round = new Map<string, [number, Question]>()
    const later: [number, Question][] = []
    for (const one of left) {
      if (round.has(one[1].transactionalId)) later.push(one)
      else round.set(one[1].transactionalId, one)
    }
    const codes = await askRound(
      peer,
      Array.from(round.values(), ([, question]) => question),
    )
    for (const [index, [place]] of [...round.values()].entries()) answers[place] = codes[index]!
    left = later
  }
  return answers
}

async function askRound(peer: Peer, questions: readonly Question[]): Promise<readonly Codes[]> {
  const { errorCode, resultsByTransaction } = await peer.request(AddPartitionsToTxn, VERSION, {
    transactions: questions.map(({ transactionalId, producerId, producerEpoch, verifyOnly, partitions }) => ({
      transactionalId,
      producerId,
      producerEpoch,
      verifyOnly,
      topics: partitions.map(({ topic, partitionIds }) => ({ name: topic, partitions: [...partitionIds] })),
    })),
  })
  const byId = new Map(resultsByTransaction.map((result) => [result.transactionalId, result.topicResults]))
  return questions.map(({ transactionalId, partitions }) => {
    if (errorCode !== ErrorCode.NONE) return spread(partitions, errorCode as ErrorCode)
    const topics = byId.get(transactionalId)
    return partitions.flatMap(({ topic, partitionIds }) => {
      const found = topics?.find(({ name }) => name === topic)?.resultsByPartition
      return partitionIds.map((id): ErrorCode => {
        const code = found?.find(({ partitionIndex }) => partitionIndex === id)?.partitionErrorCode
        return (code ?? ErrorCode.UNKNOWN_SERVER_ERROR) as ErrorCode
      })
    })
  })
}
