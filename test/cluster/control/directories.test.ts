import { expect } from 'chai'
import { reconcileBrokers } from '../../../lib/cluster/control/brokers.js'
import { assignReplicas } from '../../../lib/cluster/control/directories.js'
import { ElectionType, electLeaders } from '../../../lib/cluster/control/elections.js'
import { changePartitions } from '../../../lib/cluster/control/partitions.js'
import { reassignPartitions } from '../../../lib/cluster/control/reassign.js'
import { decodeBatch, encodeBatch } from '../../../lib/cluster/coordination/metadata-codec.js'
import { applyAll } from '../../../lib/metadata/apply.js'
import { BrokerConfig } from '../../../lib/metadata/broker-config.js'
import { type Image, isLost, LOST_DIRECTORY } from '../../../lib/metadata/image.js'
import { imageToRecords } from '../../../lib/metadata/snapshot.js'
import { ErrorCode } from '../../../protocol/index.js'
import { clusterImage, context } from './images.js'

const config = (values: Record<string, string> = {}) => new BrokerConfig({ brokerId: 1, values })
const up = { 1: 'up', 2: 'up', 3: 'up' } as const
const one = (topicId: string, partition: number, directory = LOST_DIRECTORY) => ({ topicId, partition, directory })

function lose(image: Image, brokerId: number, values: Record<string, string> = {}): Image {
  return applyAll(image, assignReplicas(image, { config: config(values) }, brokerId, [one('id-of-t', 0)]).records)
}
const state = (image: Image) => {
  const partition = image.topicsByName.get('t')!.partitions[0]!
  const lost = partition.replicas.filter((id) => isLost(partition, id))
  return { leader: partition.leader, isr: partition.isr, leaderEpoch: partition.leaderEpoch, lost }
}
const born = (image: Image, ...ids: number[]): Image => {
  const members = [1, 2, 3].map((brokerId) => ({
    brokerId,
    brokerEpoch: ids.includes(brokerId) ? 100 : brokerId,
    incarnationId: 'i',
    rack: null,
    endpoints: [],
    features: [],
    logDirs: [],
  }))
  return applyAll(image, reconcileBrokers(image, members, { config: config() }).records)
}

describe('cluster/control/directories', () => {
  const whole = clusterImage(up, { t: [{ replicas: [1, 2, 3], isr: [1, 2, 3], leader: 1 }] })

  it('a lost replica leads nothing and is in no ISR, and is said once', () => {
    const image = lose(whole, 1)
    expect(state(image)).to.deep.equal({ leader: 2, isr: [2, 3], leaderEpoch: 6, lost: [1] })
    expect(assignReplicas(image, { config: config() }, 1, [one('id-of-t', 0)]).records).to.deep.equal([])
    expect(state(lose(image, 3))).to.deep.equal({ leader: 2, isr: [2], leaderEpoch: 6, lost: [1, 3] })
  })

  it('the last in-sync replica stays in the ISR without leading; the careless take another', () => {
    const last = clusterImage(up, { t: [{ replicas: [1, 2, 3], isr: [1], leader: 1 }] })
    expect(state(lose(last, 1))).to.deep.include({ leader: -1, isr: [1], lost: [1] })
    expect(state(lose(last, 1, { 'unclean.leader.election.enable': 'true' }))).to.deep.include({ leader: 2, isr: [2] })
    const { results } = electLeaders(lose(last, 1), context, { electionType: ElectionType.UNCLEAN, topics: null })
    expect(results).to.have.length(1)
  })

  it('errors: unknown topic, unknown partition, no replica of that broker', () => {
    const small = clusterImage(up, { t: [{ replicas: [1, 2], isr: [1, 2], leader: 1 }] })
    const asked = [one('nowhere', 0), one('id-of-t', 1), one('id-of-t', 0)]
    const { records, results } = assignReplicas(small, { config: config() }, 3, asked)
    expect(records).to.deep.equal([])
    expect(results.map(({ errorCode }) => errorCode)).to.deep.equal([
      ErrorCode.UNKNOWN_TOPIC_ID,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.NOT_LEADER_OR_FOLLOWER,
    ])
  })

  it('nobody makes it lead or lets it in while it is lost', () => {
    const image = lose(whole, 1)
    const topics = [{ topic: 't', partitions: [0] }]
    const [preferred] = electLeaders(image, context, { electionType: ElectionType.PREFERRED, topics }).results
    expect(preferred!.errorCode).to.equal(ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE)
    const { leaderEpoch, partitionEpoch } = image.topicsByName.get('t')!.partitions[0]!
    const update = { topicId: 'id-of-t', partition: 0, leaderEpoch, partitionEpoch, isr: [2, 3, 1] }
    expect(changePartitions(image, context, 2, [update]).results[0]!.errorCode).to.equal(ErrorCode.INELIGIBLE_REPLICA)
  })

  it('the word follows the replica through a move, and a new life begins without it', () => {
    const partitions = [{ partitionIndex: 0, replicas: [3, 2, 1] }]
    const command = { allowReplicationFactorChange: true, topics: [{ name: 't', partitions }] }
    const image = lose(whole, 1)
    const moved = applyAll(image, reassignPartitions(image, context, command).records)
    expect(state(moved)).to.deep.include({ leader: 2, lost: [1] })
    expect(state(born(moved, 2)).lost, "another broker's new life").to.deep.equal([1])
    expect(state(born(moved, 1))).to.deep.include({ isr: [2, 3], lost: [] })
    const last = lose(clusterImage(up, { t: [{ replicas: [1, 2, 3], isr: [1], leader: 1 }] }), 1)
    expect(state(born(last, 1))).to.deep.include({ leader: 1, isr: [1], lost: [] })
  })

  it('is kept by snapshots and the log', () => {
    const uuids = clusterImage(up, {})
    const topicId = 'BBBBBBBBBBBBBBBBBBBBBA'
    const records = imageToRecords(lose(whole, 1)).filter(({ type }) => type === 'PartitionRecord')
    const stored = records.map((record) => ({ ...record, topicId }) as (typeof records)[number])
    const bytes = encodeBatch([{ type: 'TopicRecord', name: 't', topicId }, ...stored], {
      baseOffset: 0,
      controllerEpoch: 1,
      timestamp: 0,
    })
    expect(state(applyAll(uuids, decodeBatch(bytes))).lost).to.deep.equal([1])
  })
})
