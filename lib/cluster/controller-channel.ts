/** How this broker reaches the controller: itself, or another broker by its peer port. Waits out a change of controller, within limits. */
import {
  AllocateProducerIds,
  AlterPartition,
  AssignReplicasToDirs,
  CreateTopics,
  Envelope,
  ErrorCode,
} from '../../protocol/index.js'
import type { Clock } from '../host/clock.js'
import { type Image, LOST_DIRECTORY } from '../metadata/image.js'
import type { PartitionUpdate, UpdatedPartition } from './control/partitions.js'
import type { AllocatedProducerIds, AllocateProducerIdsCommand } from './control/producer-ids.js'
import type { Controller } from './controller.js'
import type { Heartbeats } from './heartbeats.js'
import type { OfflineReplica } from './offline-replicas.js'
import { type Peer, PeerLost } from './peer.js'

export interface ControllerChannelPorts {
  readonly clock: Clock
  readonly controller: Controller
  image(): Image
  peer(brokerId: number): Peer
  /** For what is answered only when every broker has seen the change: not behind what must not wait so long. */
  forwardPeer(brokerId: number): Peer
  /** Resolves at the next change of the metadata, or after so long. */
  nextImage(timeoutMs: number): Promise<void>
}

/** How long a request waits for a controller that can answer it; then it fails as on a broker that is not the controller. */
const PATIENCE_MS = 15_000
const RETRY_MS = 50

const ALWAYS = (): boolean => true

export interface ForwardedClient {
  readonly principal: Buffer
  readonly address: Buffer
  /** It has hung up: a controller that did not answer is not asked again, for the client may want something else by then. */
  isGone(): boolean
}

/** No controller could be reached in time. */
export class NoController extends Error {
  override readonly name = 'NoController'
}

export class ControllerChannel {
  readonly #brokerId: number
  readonly #ports: ControllerChannelPorts
  #closed = false

  constructor(options: { readonly brokerId: number }, ports: ControllerChannelPorts) {
    this.#brokerId = options.brokerId
    this.#ports = ports
  }

  /** Nobody is asked any more: who waits for a controller waits no longer. */
  close(): void {
    this.#closed = true
  }

  get isClosed(): boolean {
    return this.#closed
  }

  get isLocal(): boolean {
    return this.#ports.controller.isActive
  }

  /** Until when something that begins now is tried. */
  get deadlineMs(): number {
    return this.#ports.clock.monotonic() + PATIENCE_MS
  }

  /** This broker was refused as the controller: waits a moment for what became of the lease. False when it is too late to try on. */
  async again(deadlineMs: number): Promise<boolean> {
    const { clock, nextImage } = this.#ports
    await nextImage(RETRY_MS)
    return !this.#closed && clock.monotonic() < deadlineMs
  }

  /**
   * Hands a client's request, header and body without the size, to the controller; resolves with the answer's header and body. Null when this
   * broker is the controller by now: serve it here. @throws NoController
   */
  forward(frame: Buffer, client: ForwardedClient): Promise<Buffer | null> {
    return this.#ask<Buffer | null>(
      () => null,
      async (peer) => {
        const { errorCode, responseData } = await peer.request(Envelope, 0, {
          requestData: frame,
          requestPrincipal: client.principal,
          clientHostAddress: client.address,
        })
        if (errorCode === ErrorCode.NOT_CONTROLLER) return undefined
        if (errorCode !== ErrorCode.NONE || responseData === null) {
          throw new Error(`the controller could not serve the request (error ${errorCode})`)
        }
        // It lies in the read buffer no longer: bytes of a decoded answer are copies.
        return Buffer.from(responseData)
      },
      { peer: this.#ports.forwardPeer, isWanted: () => !client.isGone() },
    )
  }

  /** AlterPartition (KIP-497). @throws NoController */
  alterPartitions(updates: readonly PartitionUpdate[]): Promise<readonly UpdatedPartition[]> {
    const { controller, image } = this.#ports
    return this.#ask(
      () => controller.changePartitions(this.#brokerId, updates),
      async (peer) => {
        const answer = await peer.request(AlterPartition, 3, {
          brokerId: this.#brokerId,
          brokerEpoch: image().brokers.get(this.#brokerId)?.epoch ?? -1,
          topics: updates.map(({ topicId, partition, leaderEpoch, partitionEpoch, isr, isrEpochs }) => ({
            topicId,
            partitions: [
              {
                partitionIndex: partition,
                leaderEpoch,
                newIsrWithEpochs: isr.map((brokerId, index) => ({ brokerId, brokerEpoch: isrEpochs?.[index] ?? -1 })),
                leaderRecoveryState: 0,
                partitionEpoch,
              },
            ],
          })),
        })
        if (answer.errorCode === ErrorCode.NOT_CONTROLLER) return undefined
        return updates.map(({ topicId, partition }, index): UpdatedPartition => {
          const errorCode =
            answer.errorCode || (answer.topics[index]?.partitions[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR)
          return { topicId, partition, errorCode: errorCode as ErrorCode, errorMessage: null }
        })
      },
    )
  }

  /** AssignReplicasToDirs (KIP-858): these replicas are lost. What becomes of it is told by the metadata. @throws NoController */
  async loseReplicas(replicas: readonly OfflineReplica[]): Promise<void> {
    const brokerId = this.#brokerId
    await this.#ask<unknown>(
      () => {
        const lost = replicas.map((one) => ({ ...one, directory: LOST_DIRECTORY }))
        return this.#ports.controller.assignReplicas(brokerId, lost)
      },
      async (peer) => {
        const brokerEpoch = this.#ports.image().brokers.get(brokerId)?.epoch ?? -1
        const topics = replicas.map(({ topicId, partition }) => ({
          topicId,
          partitions: [{ partitionIndex: partition }],
        }))
        const answer = await peer.request(AssignReplicasToDirs, 0, {
          brokerId,
          brokerEpoch,
          directories: [{ id: LOST_DIRECTORY, topics }],
        })
        return answer.errorCode === ErrorCode.NOT_CONTROLLER ? undefined : answer
      },
    )
  }

  /** AllocateProducerIds (KIP-730). @throws NoController */
  allocateProducerIds(command: AllocateProducerIdsCommand): Promise<AllocatedProducerIds> {
    return this.#ask<AllocatedProducerIds>(
      () => this.#ports.controller.allocateProducerIds(command),
      async (peer) => {
        const { errorCode, producerIdStart, producerIdLen } = await peer.request(AllocateProducerIds, 0, command)
        if (errorCode === ErrorCode.NOT_CONTROLLER) return undefined
        return { errorCode: errorCode as ErrorCode, firstProducerId: producerIdStart, count: producerIdLen }
      },
    )
  }

  /** Asks for this broker's leaderships to be moved. True when none is left that could. @throws NoController */
  leave(heartbeats: Heartbeats, isWanted: () => boolean): Promise<boolean> {
    const { controller, image } = this.#ports
    return this.#ask(
      async () => {
        await controller.beginControlledShutdown(this.#brokerId)
        return true
      },
      () => heartbeats.leave(image().controllerId),
      { isWanted },
    )
  }

  /** Creates topics that exist on need (internal ones with their own settings). Those that exist are successes. @throws NoController */
  autoCreate(
    names: readonly string[],
  ): Promise<readonly { name: string; errorCode: ErrorCode; errorMessage: string | null }[]> {
    const { controller } = this.#ports
    return this.#ask(
      () => controller.autoCreate(names),
      async (peer) => {
        const answer = await peer.request(CreateTopics, 7, {
          topics: names.map((name) => ({
            name,
            numPartitions: -1,
            replicationFactor: -1,
            assignments: [],
            configs: [],
          })),
          timeoutMs: PATIENCE_MS,
          validateOnly: false,
        })
        const results = answer.topics.map(({ name, errorCode, errorMessage }) => ({
          name,
          errorCode: errorCode as ErrorCode,
          errorMessage,
        }))
        if (results.some(({ errorCode }) => errorCode === ErrorCode.NOT_CONTROLLER)) return undefined
        await this.#untilHere(results.flatMap(({ name, errorCode }) => (errorCode === ErrorCode.NONE ? [name] : [])))
        return results
      },
      { peer: this.#ports.forwardPeer },
    )
  }

  /** What the controller has made is asked for in a moment: it should be there then. */
  async #untilHere(names: readonly string[]): Promise<void> {
    const { clock, image, nextImage } = this.#ports
    const deadlineMs = clock.monotonic() + PATIENCE_MS
    while (!this.#closed && names.some((name) => !image().topicsByName.has(name)) && clock.monotonic() < deadlineMs) {
      await nextImage(deadlineMs - clock.monotonic())
    }
  }

  /** Orchestrator: looks up the controller before every attempt. `remote` gives undefined when it has met a broker that is none. */
  async #ask<T>(
    local: () => T | Promise<T>,
    remote: (peer: Peer) => Promise<T | undefined>,
    {
      peer = this.#ports.peer,
      isWanted = ALWAYS,
    }: { peer?: (brokerId: number) => Peer; isWanted?: () => boolean } = {},
  ): Promise<T> {
    const { clock, controller, image, nextImage } = this.#ports
    const deadlineMs = clock.monotonic() + PATIENCE_MS
    let reason = 'there is no controller'
    while (clock.monotonic() < deadlineMs && isWanted() && !this.#closed) {
      if (controller.isActive) return local()
      const { controllerId } = image()
      if (controllerId >= 0 && controllerId !== this.#brokerId) {
        try {
          const answer = await remote(peer(controllerId))
          if (answer !== undefined) return answer
          reason = `broker ${controllerId} is not the controller any more`
        } catch (error) {
          if (!(error instanceof PeerLost)) throw error
          reason = error.message
        }
      }
      await nextImage(RETRY_MS)
    }
    if (this.#closed) throw new NoController('The broker is stopping.')
    throw new NoController(`The controller could not be reached within ${PATIENCE_MS} ms: ${reason}.`)
  }
}
