/** Looks at what every broker of a cluster believes, after each step: leaders, epochs, in-sync replicas. */
import type { Image, PartitionImage, TopicImage } from '../../lib/metadata/image.js'
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
        if (!this.#seen.has(topic)) this.#legal(topic, partition)
      }
      this.#seen.add(topic)
    }
  }

  #legal(topic: TopicImage, partition: PartitionImage): void {
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
    if (isr.length === 0 || new Set(isr).size !== isr.length) this.#broken(topic, partition, what)
    if (isr.some((id) => !replicas.includes(id))) this.#broken(topic, partition, what)
    if (leader >= 0 && !isr.includes(leader)) this.#broken(topic, partition, what)
  }

  #broken(topic: TopicImage, { partition }: PartitionImage, sentence: string): never {
    throw new Violation(`${topic.name}-${partition} ${sentence}.`)
  }
}
