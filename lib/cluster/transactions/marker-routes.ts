/**
 * Brings the markers that end a transaction to the leaders of its partitions, wherever they are (Kafka's TransactionMarkerChannelManager).
 *
 * What could not be written is a code; the coordinator's state machine asks again after a while, and the leaders are looked up anew then.
 */
import { ErrorCode, type RequestInput, WriteTxnMarkers } from '../../../protocol/index.js'
import type { TransactionMarker } from '../../broker/coordinator/contract.js'
import { type Answer, all, then } from '../../broker/group/answer.js'
import { type MarkerSender, markerOutcome } from '../../broker/transaction/marker-sender.js'
import type { TopicPartitions } from '../../broker/transaction/records.js'
import type { Logger } from '../../host/logger.js'
import type { Image } from '../../metadata/image.js'
import { type Peer, PeerLost } from '../peer.js'
import { Batches, BatchesByBroker } from './batches.js'

export interface MarkerRoutesPorts {
  readonly logger: Logger
  /** Markers for partitions led here. */
  readonly here: MarkerSender
  image(): Image
  /** A connection of its own. */
  open(brokerId: number): Peer
}

/** One transaction's markers for one broker. */
interface Markers {
  readonly marker: TransactionMarker
  readonly partitions: TopicPartitions
}

const VERSION = 2
/** A leader answers within the request timeout, when its replicas do not; the way back takes a moment more. */
const EXTRA_MS = 5000

export class MarkerRoutes implements MarkerSender {
  readonly #brokerId: number
  readonly #ports: MarkerRoutesPorts
  readonly #routes: BatchesByBroker<Markers, readonly ErrorCode[]>

  constructor(options: { readonly brokerId: number }, ports: MarkerRoutesPorts) {
    this.#brokerId = options.brokerId
    this.#ports = ports
    this.#routes = new BatchesByBroker((id) => new Batches({ peer: ports.open(id), send: writeThere }))
  }

  write(marker: TransactionMarker, partitions: TopicPartitions): Answer<readonly ErrorCode[]> {
    const codes: ErrorCode[] = []
    const byLeader = this.#byLeader(partitions, codes)
    const answers = Array.from(byLeader, ([leader, { topics, places }]) =>
      then(this.#to(leader, marker, topics), (written) => {
        for (const [index, place] of places.entries()) codes[place] = written[index]!
      }),
    )
    return then(all(answers), () => codes)
  }

  /** Brokers have come or gone. */
  brokersChanged(): void {
    this.#routes.retain((id) => this.#ports.image().brokers.has(id))
  }

  close(): void {
    this.#routes.close()
  }

  #to(leader: number, marker: TransactionMarker, partitions: TopicPartitions): Answer<readonly ErrorCode[]> {
    if (leader === this.#brokerId) return this.#ports.here.write(marker, partitions)
    const { logger } = this.#ports
    return this.#routes
      .to(leader)
      .ask({ marker, partitions })
      .then(
        (codes) => codes.map((code) => markerOutcome(code, marker, logger)),
        (error: unknown) => {
          if (!(error instanceof PeerLost)) throw error
          return partitions.flatMap(({ partitionIds }) => partitionIds.map(() => ErrorCode.NETWORK_EXCEPTION))
        },
      )
  }

  /**
   * Groups the partitions by who leads them now; `codes` gets the others':
   * A. it is gone, and its records with it: nothing to end. B. it has no leader: later.
   */
  #byLeader(partitions: TopicPartitions, codes: ErrorCode[]): Map<number, Share> {
    const { topicsByName } = this.#ports.image()
    const shares = new Map<number, Share>()
    for (const { topic, partitionIds } of partitions) {
      for (const id of partitionIds) {
        const leader = topicsByName.get(topic)?.partitions[id]?.leader
        const place = codes.length
        codes.push(leader === undefined ? ErrorCode.NONE : ErrorCode.LEADER_NOT_AVAILABLE) // A, B
        if (leader === undefined || leader < 0) continue
        let share = shares.get(leader)
        if (share === undefined) shares.set(leader, (share = { topics: [], places: [] }))
        share.places.push(place)
        const last = share.topics.at(-1)
        if (last?.topic === topic) last.partitionIds.push(id)
        else share.topics.push({ topic, partitionIds: [id] })
      }
    }
    return shares
  }
}

interface Share {
  readonly topics: { readonly topic: string; readonly partitionIds: number[] }[]
  /** Where in the whole answer the codes of these partitions belong. */
  readonly places: number[]
}

async function writeThere(peer: Peer, batch: readonly Markers[]): Promise<readonly (readonly ErrorCode[])[]> {
  const request: RequestInput<typeof WriteTxnMarkers> = {
    markers: batch.map(({ marker, partitions }) => ({
      producerId: marker.producerId,
      producerEpoch: marker.producerEpoch,
      transactionResult: marker.commit,
      topics: partitions.map(({ topic, partitionIds }) => ({ name: topic, partitionIndexes: [...partitionIds] })),
      coordinatorEpoch: marker.coordinatorEpoch,
      transactionVersion: marker.transactionVersion ?? 0,
    })),
  }
  const asIs = undefined
  const { markers } = await peer.request(WriteTxnMarkers, VERSION, request, asIs, EXTRA_MS)
  return batch.map(({ partitions }, index) =>
    partitions.flatMap(({ topic, partitionIds }) => {
      const answered = markers[index]?.topics.find(({ name }) => name === topic)?.partitions ?? []
      return partitionIds.map((id) => {
        const found = answered.find(({ partitionIndex }) => partitionIndex === id)
        return thereOnly((found?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR) as ErrorCode)
      })
    }),
  )
}

/** Another broker does not know of this partition, or not that it leads it. Whether it exists is for our own metadata to say. */
const thereOnly = (errorCode: ErrorCode): ErrorCode =>
  errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION ? ErrorCode.NOT_LEADER_OR_FOLLOWER : errorCode
