/** A transaction coordinator on a virtual clock with one shard in memory; producer ids are 100, 101 ..., markers are kept. */
import type { TransactionMarker } from '../../../lib/broker/coordinator/contract.js'
import type { Answer } from '../../../lib/broker/group/answer.js'
import { transactionRecordCodec } from '../../../lib/broker/transaction/codec.js'
import type { TransactionConfig } from '../../../lib/broker/transaction/config.js'
import { TransactionCoordinator } from '../../../lib/broker/transaction/coordinator.js'
import type { MarkerSender } from '../../../lib/broker/transaction/marker-sender.js'
import type { TopicPartitions } from '../../../lib/broker/transaction/records.js'
import { silentLogger } from '../../../lib/host/logger.js'
import { VirtualClock } from '../../../lib/host/virtual-clock.js'
import { ErrorCode } from '../../../protocol/errors.js'
import { MemoryShardLog } from '../group/memory-shard-log.js'

/** Fault model: a partition answers with what `outcomes` says, NONE by default; while `held` nothing is answered. */
export class FakeMarkers implements MarkerSender {
  readonly sent: { marker: TransactionMarker; partitions: TopicPartitions }[] = []
  readonly outcomes = new Map<string, ErrorCode>()
  held = false
  /** Hears of each marker when it is sent; calls what it returns when the codes are there. */
  onSent: ((marker: TransactionMarker, partitions: TopicPartitions) => (codes: readonly ErrorCode[]) => void) | null =
    null
  #waiting: (() => void)[] = []

  write(marker: TransactionMarker, partitions: TopicPartitions): Answer<readonly ErrorCode[]> {
    this.sent.push({ marker, partitions })
    const written = this.onSent?.(marker, partitions)
    const codes = () => {
      const all = partitions.flatMap(({ topic, partitionIds }) =>
        partitionIds.map((id) => this.outcomes.get(`${topic}-${id}`) ?? ErrorCode.NONE),
      )
      written?.(all)
      return all
    }
    if (!this.held) return codes()
    return new Promise((resolve) => this.#waiting.push(() => resolve(codes())))
  }

  /** One of those that wait, the oldest is 1. */
  answer(place: number): void {
    for (const answer of this.#waiting.splice(place - 1, 1)) answer()
  }

  release(): void {
    this.held = false
    for (const answer of this.#waiting.splice(0)) answer()
  }
}

export interface Rig {
  readonly clock: VirtualClock
  readonly log: MemoryShardLog
  readonly markers: FakeMarkers
  readonly coordinator: TransactionCoordinator
  /** Stacks of programmer errors that took the shard down. None is ever fine. */
  readonly crashes: string[]
  /** The level of the feature. */
  readonly feature: { level: number }
  /** While `gone` is set nobody gives out producer ids, and says nothing. */
  readonly controller: { gone: boolean }
}

export function makeRig(config: Partial<TransactionConfig> = {}, log = new MemoryShardLog(7), firstId = 100): Rig {
  const clock = new VirtualClock({ startMs: 0 })
  const markers = new FakeMarkers()
  const feature = { level: 2 }
  const controller = { gone: false }
  const silence = new Promise<never>(() => {})
  const crashes: string[] = []
  let next = firstId
  const coordinator = new TransactionCoordinator(
    { config, partitionCount: () => 1, transactionVersion: () => feature.level },
    {
      clock,
      logger: {
        ...silentLogger,
        error: (_message, fields) => {
          if (typeof fields?.error === 'string') crashes.push(fields.error)
        },
      },
      codec: transactionRecordCodec,
      producerIds: { next: () => (controller.gone ? silence : { errorCode: ErrorCode.NONE, producerId: next++ }) },
      markers,
    },
  )
  coordinator.load(0, log)
  return { clock, log, markers, coordinator, crashes, feature, controller }
}

export const partitionsOf = (text: string): TopicPartitions => {
  const topics = new Map<string, number[]>()
  for (const each of text.split(',').filter((part) => part !== '')) {
    const at = each.lastIndexOf('-')
    const [topic, id] = [each.slice(0, at), Number(each.slice(at + 1))]
    topics.set(topic, [...(topics.get(topic) ?? []), id])
  }
  return [...topics].map(([topic, partitionIds]) => ({ topic, partitionIds }))
}

export const textOf = (partitions: TopicPartitions): string =>
  partitions.flatMap(({ topic, partitionIds }) => partitionIds.map((id) => `${topic}-${id}`)).join(' ')
