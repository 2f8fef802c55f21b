/** A client of a cluster: finds who leads a partition or coordinates a group, asks there, and looks again when it was wrong. */
import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  DeleteRecords,
  EndTxn,
  ErrorCode,
  Fetch,
  FindCoordinator,
  Heartbeat,
  InitProducerId,
  JoinGroup,
  ListOffsets,
  type Message,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  Produce,
  type RequestInput,
  type ResponseOf,
  SyncGroup,
  TxnOffsetCommit,
} from '../../protocol/index.js'
import type { Ground } from './ground.js'
import { type Client, NoAnswer, Rpc, type RpcOptions } from './rpc.js'
import { type Chance, Violation } from './world.js'

const GROUP = 0
const TRANSACTION = 1

type Place = { readonly topic: string; readonly partition: number } | { readonly key: string; readonly keyType: number }

/** Said by a broker that is not the one to ask. */
const ELSEWHERE: ReadonlySet<unknown> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
])
/** What a broker out of the cluster must not say yes to. */
const PROMISES: ReadonlySet<Message> = new Set<Message>([Produce, OffsetCommit, TxnOffsetCommit, EndTxn])

export class Router implements Client {
  readonly #chance: Chance
  /** By broker id. */
  readonly #rpcs = new Map<number, Rpc>()
  readonly #known = new Map<string, number>()

  constructor(
    readonly name: string,
    readonly options: RpcOptions,
    readonly ground: Ground,
  ) {
    this.#chance = ground.world.chance(`${name} routes`)
    for (const { address, options: host } of ground.hosts) {
      this.#rpcs.set(host.brokerId, new Rpc(name, address, options, ground.world))
    }
  }

  async call<M extends Message>(
    message: M,
    version: number,
    request: RequestInput<M>,
    timeoutMs = 3000,
  ): Promise<ResponseOf<M>> {
    const place = placeOf(message, request)
    const brokerId = place === null ? this.#any() : await this.#locate(place)
    await this.#forgetting(place, this.#rpcs.get(brokerId)!.open())
    return this.#ask(brokerId, place, message, version, request, timeoutMs)
  }

  post<M extends Message>(
    message: M,
    version: number,
    request: RequestInput<M>,
    timeoutMs = 3000,
  ): Promise<ResponseOf<M>> {
    const place = placeOf(message, request)!
    const brokerId = this.#known.get(nameOf(place))
    if (brokerId === undefined) return Promise.reject(new NoAnswer('nobody is known to lead'))
    return this.#ask(brokerId, place, message, version, request, timeoutMs)
  }

  async tell<M extends Message>(message: M, version: number, request: RequestInput<M>): Promise<void> {
    const place = placeOf(message, request)!
    const brokerId = await this.#locate(place)
    await this.#forgetting(place, this.#rpcs.get(brokerId)!.tell(message, version, request))
    // Without an answer nobody says that it was the wrong one.
    if (this.#chance.happens(0.2)) this.#known.delete(nameOf(place))
  }

  stumble(): Promise<void> {
    return this.#rpcs.get(this.#any())!.stumble()
  }

  async open(place: { readonly topic: string; readonly partition: number }): Promise<void> {
    await this.#forgetting(place, this.#rpcs.get(await this.#locate(place))!.open())
  }

  hangUp(why: string): void {
    for (const rpc of this.#rpcs.values()) rpc.hangUp(why)
  }

  async #ask<M extends Message>(
    brokerId: number,
    place: Place | null,
    message: M,
    version: number,
    request: RequestInput<M>,
    timeoutMs: number,
  ): Promise<ResponseOf<M>> {
    const sentMs = this.ground.world.nowMs
    const answer = await this.#forgetting(place, this.#rpcs.get(brokerId)!.post(message, version, request, timeoutMs))
    const codes = new Set(codesIn(answer))
    if (place !== null && [...codes].some((code) => ELSEWHERE.has(code))) this.#known.delete(nameOf(place))
    const outSince = this.ground.outSinceMs.get(brokerId)
    if (outSince !== undefined && outSince < sentMs && PROMISES.has(message) && codes.has(ErrorCode.NONE)) {
      throw new Violation(
        `Broker ${brokerId} is out of the cluster since ${outSince.toFixed(0)} ms and says yes to ${message.name}.`,
      )
    }
    return answer
  }

  async #forgetting<T>(place: Place | null, asked: Promise<T>): Promise<T> {
    try {
      return await asked
    } catch (error) {
      if (place !== null) this.#known.delete(nameOf(place))
      throw error
    }
  }

  #any(): number {
    return this.#chance.pick([...this.#rpcs.keys()])
  }

  async #locate(place: Place): Promise<number> {
    const known = this.#known.get(nameOf(place))
    if (known !== undefined) return known
    const found = await ('topic' in place ? this.#leader(place) : this.#coordinator(place))
    if (!this.#rpcs.has(found)) {
      await this.ground.world.sleep(this.#chance.between(10, 40))
      throw new NoAnswer('nobody leads')
    }
    this.#known.set(nameOf(place), found)
    return found
  }

  async #leader({ topic, partition }: { topic: string; partition: number }): Promise<number> {
    const request = { topics: [{ name: topic }], allowAutoTopicCreation: false }
    const answer = await this.#rpcs.get(this.#any())!.call(Metadata, 9, request)
    return answer.topics[0]?.partitions.find((one) => one.partitionIndex === partition)?.leaderId ?? -1
  }

  async #coordinator({ key, keyType }: { key: string; keyType: number }): Promise<number> {
    const answer = await this.#rpcs.get(this.#any())!.call(FindCoordinator, 2, { key, keyType })
    return answer.errorCode === ErrorCode.NONE ? answer.nodeId : -1
  }
}

const nameOf = (place: Place): string =>
  'topic' in place ? `${place.topic}-${place.partition}` : `${place.keyType}:${place.key}`

/** What the requests of these clients have of all that says where they belong. */
interface Asked {
  readonly topicData: readonly [
    { readonly name: string; readonly partitionData: readonly [{ readonly index: number }] },
  ]
  readonly topics: readonly [
    {
      readonly topic: string
      readonly name: string
      readonly partitions: readonly [{ readonly partition: number; readonly partitionIndex: number }]
    },
  ]
  readonly groupId: string
  readonly transactionalId: string | null
  readonly v3AndBelowTransactionalId: string
}

/** Where a request belongs; null where any broker will do. */
function placeOf(message: Message, request: unknown): Place | null {
  const asked = request as Asked
  switch (message) {
    case Produce:
      return { topic: asked.topicData[0].name, partition: asked.topicData[0].partitionData[0].index }
    case Fetch:
      return { topic: asked.topics[0].topic, partition: asked.topics[0].partitions[0].partition }
    case ListOffsets:
    case DeleteRecords:
      return { topic: asked.topics[0].name, partition: asked.topics[0].partitions[0].partitionIndex }
    case OffsetCommit:
    case OffsetFetch:
    case JoinGroup:
    case SyncGroup:
    case Heartbeat:
    case TxnOffsetCommit:
      return { key: asked.groupId, keyType: GROUP }
    case AddPartitionsToTxn:
      return { key: asked.v3AndBelowTransactionalId, keyType: TRANSACTION }
    case InitProducerId:
      return asked.transactionalId === null ? null : { key: asked.transactionalId, keyType: TRANSACTION }
    case AddOffsetsToTxn:
    case EndTxn:
      return { key: asked.transactionalId!, keyType: TRANSACTION }
    default:
      return null
  }
}

/** Every error code of an answer, at whatever depth. */
function* codesIn(value: unknown): Generator<unknown> {
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return
  for (const [name, inner] of Object.entries(value)) {
    if (name === 'errorCode' || name === 'partitionErrorCode') yield inner
    else yield* codesIn(inner)
  }
}
