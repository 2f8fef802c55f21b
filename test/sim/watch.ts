/** Looks at what every broker of a cluster believes, after each step: leaders, epochs, in-sync and eligible replicas. */
import { ELIGIBLE_LEADER_REPLICAS_VERSION } from '../../lib/metadata/features.js'
import {
  ConfigResource,
  type Image,
  type PartitionImage,
  resourceConfigs,
  type TopicImage,
} from '../../lib/metadata/image.js'
import type { Ground } from './ground.js'
import type { Host } from './host.js'
import { Violation } from './world.js'

export class Watch {
  newest: Image | null = null
  readonly #images = new Map<Host, Image>()
  readonly #topics = new Map<Host, ReadonlyMap<string, TopicImage>>()
  readonly #seen = new Set<TopicImage>()
  /** By topic id and partition: who leads in which epoch. */
  readonly #leaders = new Map<string, Map<number, number>>()

  constructor(readonly ground: Ground) {}

  look(): void {
    for (const host of this.ground.hosts) {
      const image = host.node?.image
      if (image === undefined) this.#topics.delete(host)
      if (image === undefined || this.#images.get(host) === image) continue
      this.#images.set(host, image)
      if (image.version > (this.newest?.version ?? -2)) this.newest = image
      this.#changed(host, image)
    }
  }

  #changed(host: Host, image: Image): void {
    const before = this.#topics.get(host)
    this.#topics.set(host, new Map(image.topicsById))
    for (const [topicId, topic] of image.topicsById) {
      const old = before?.get(topicId)
      if (old === topic) continue
      for (const partition of topic.partitions) {
        const known = old?.partitions[partition.partition]
        if (known === partition) continue
        if (known !== undefined && known.leaderEpoch > partition.leaderEpoch) {
          this.#broken(topic, partition, `goes back from leader epoch ${known.leaderEpoch} to ${partition.leaderEpoch}`)
        }
        if (this.#seen.has(topic)) continue
        this.#legal(image, topic, partition)
        this.#eligible(image, topic, partition)
      }
      this.#seen.add(topic)
    }
  }

  #legal(image: Image, topic: TopicImage, partition: PartitionImage): void {
    const { leader, leaderEpoch, isr, replicas } = partition
    const key = `${topic.topicId}-${partition.partition}`
    let epochs = this.#leaders.get(key)
    if (epochs === undefined) this.#leaders.set(key, (epochs = new Map()))
    const other = epochs.get(leaderEpoch)
    // An epoch may end without a leader and without another number, but never with another leader.
    if (other !== undefined && other !== leader && other >= 0 && leader >= 0) {
      this.#broken(topic, partition, `is led by ${other} and by ${leader} in epoch ${leaderEpoch}`)
    }
    if (leader >= 0 || other === undefined) epochs.set(leaderEpoch, leader)
    const what = `has the in-sync replicas ${isr.join(', ')} of ${replicas.join(', ')} under leader ${leader}`
    // With KIP-966 nobody is in sync where nobody leads.
    if (isr.length === 0 && (leader >= 0 || !hasElr(image))) this.#broken(topic, partition, what)
    if (new Set(isr).size !== isr.length) this.#broken(topic, partition, what)
    if (isr.some((id) => !replicas.includes(id))) this.#broken(topic, partition, what)
    if (leader >= 0 && !isr.includes(leader)) this.#broken(topic, partition, what)
  }

  /** Eligible replicas are others than those in sync, and there are none where those are enough. */
  #eligible(image: Image, topic: TopicImage, partition: PartitionImage): void {
    const { isr, replicas, eligibleLeaderReplicas: elr, lastKnownElr } = partition
    const text = resourceConfigs(image, ConfigResource.TOPIC, topic.name).get('min.insync.replicas') ?? '1'
    const what = `has the eligible replicas ${elr.join(', ')} beside ${isr.join(', ')} in sync of ${replicas.join(', ')}, of which ${text} commit`
    if (elr.length > 0 && (!hasElr(image) || isr.length >= Math.min(Number(text), replicas.length))) {
      this.#broken(topic, partition, what)
    }
    if (new Set([...elr, ...isr]).size !== elr.length + isr.length) this.#broken(topic, partition, what)
    if (elr.some((id) => !replicas.includes(id))) this.#broken(topic, partition, what)
    if (lastKnownElr.length > 0 && (partition.leader >= 0 || !hasElr(image))) {
      this.#broken(topic, partition, `is led by ${partition.leader} and has ${lastKnownElr.join(', ')} as the last one`)
    }
  }

  #broken(topic: TopicImage, { partition }: PartitionImage, sentence: string): never {
    throw new Violation(`${topic.name}-${partition} ${sentence}.`)
  }
}

function hasElr(image: Image): boolean {
  return (image.features.get(ELIGIBLE_LEADER_REPLICAS_VERSION) ?? 0) > 0
}
