import { expect } from 'chai'
import { changePartitions } from '../../../lib/cluster/control/partitions.js'
import { ongoingReassignments, reassignPartitions } from '../../../lib/cluster/control/reassign.js'
import { applyAll } from '../../../lib/metadata/apply.js'
import type { Image } from '../../../lib/metadata/image.js'
import { ErrorCode } from '../../../protocol/errors.js'
import { clusterImage, context } from './images.js'

const brokers = { 1: 'up', 2: 'up', 3: 'up', 4: 'up' } as const
const image = clusterImage(brokers, { t: [{ replicas: [1, 2], isr: [1, 2], leader: 1 }] })

const move = (from: Image, replicas: readonly number[] | null, allowReplicationFactorChange = true) =>
  reassignPartitions(from, context, {
    allowReplicationFactorChange,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, replicas }] }],
  })

const after = (from: Image, replicas: readonly number[] | null): Image => applyAll(from, move(from, replicas).records)
const state = (of: Image) => of.topicsByName.get('t')!.partitions[0]!

/** The leader tells that these are in sync. */
function withIsr(from: Image, isr: readonly number[]): Image {
  const { leader, leaderEpoch, partitionEpoch } = state(from)
  const update = { topicId: 'id-of-t', partition: 0, leaderEpoch, partitionEpoch, isr }
  return applyAll(from, changePartitions(from, context, leader, [update]).records)
}

describe('cluster/control/reassign', () => {
  it('adds the new replicas, waits until they are in sync, then drops the old ones and moves the leader', () => {
    const moving = after(image, [3, 4])
    expect(state(moving)).to.deep.include({
      replicas: [3, 4, 1, 2],
      addingReplicas: [3, 4],
      removingReplicas: [1, 2],
      leader: 1,
    })
    expect(ongoingReassignments(moving, null).map(({ name }) => name)).to.deep.equal(['t'])
    const half = withIsr(moving, [1, 2, 3])
    expect(state(half)).to.deep.include({ isr: [1, 2, 3], addingReplicas: [3, 4] })
    const done = withIsr(half, [1, 2, 3, 4])
    expect(state(done)).to.deep.include({
      replicas: [3, 4],
      isr: [3, 4],
      addingReplicas: [],
      removingReplicas: [],
      leader: 3,
    })
    expect(ongoingReassignments(done, null)).to.deep.equal([])
  })

  it('is done at once when only the order changes or replicas go', () => {
    expect(state(after(image, [2, 1]))).to.deep.include({ replicas: [2, 1], leader: 1, removingReplicas: [] })
    expect(state(after(image, [2]))).to.deep.include({ replicas: [2], isr: [2], leader: 2, removingReplicas: [] })
  })

  it('does not drop a replica that is in sync for one that stays and is not, until that one has caught up', () => {
    const lagging = clusterImage(brokers, { t: [{ replicas: [1, 2, 3], isr: [1, 3], leader: 1 }] })
    const fewer = after(lagging, [1, 2])
    expect(state(fewer)).to.deep.include({ replicas: [1, 2, 3], isr: [1, 3], removingReplicas: [3] })
    expect(state(withIsr(fewer, [1, 2, 3]))).to.deep.include({ replicas: [1, 2], isr: [1, 2], removingReplicas: [] })
    expect(state(after(lagging, [3, 2, 1])), 'another order').to.deep.include({ replicas: [3, 2, 1], isr: [1, 3] })
    const others = after(lagging, [1, 2, 4])
    expect(state(withIsr(others, [1, 3, 4])), 'as many').to.deep.include({ replicas: [1, 2, 4], isr: [1, 4] })
  })

  it('begins another leader epoch where a replica goes, and not otherwise: nothing from before is meant for one that comes back', () => {
    const epochs = (of: Image) => [state(of).leader, state(of).leaderEpoch]
    expect(epochs(image)).to.deep.equal([1, 5])
    expect(epochs(after(image, [2, 1]))).to.deep.equal([1, 5])
    expect(epochs(after(image, [1]))).to.deep.equal([1, 6])
    const moving = after(image, [1, 3])
    expect(epochs(moving)).to.deep.equal([1, 5])
    expect(epochs(withIsr(moving, [1, 2, 3]))).to.deep.equal([1, 6])
    expect(epochs(after(moving, null))).to.deep.equal([1, 6])
    expect(epochs(after(moving, [1, 4]))).to.deep.equal([1, 5])
  })

  it('cancels: the replicas of before, without what was being added', () => {
    const moving = withIsr(after(image, [3, 4]), [1, 2, 3])
    expect(state(after(moving, null))).to.deep.include({ replicas: [1, 2], isr: [1, 2], addingReplicas: [] })
  })

  it('replaces a move under way by another one', () => {
    const moving = withIsr(after(image, [3, 4]), [1, 2, 3])
    const other = after(moving, [1, 4])
    expect(state(other)).to.deep.include({
      replicas: [1, 4, 2, 3],
      isr: [1, 2, 3],
      addingReplicas: [4],
      removingReplicas: [2, 3],
    })
    expect(state(withIsr(other, [1, 2, 3, 4]))).to.deep.include({ replicas: [1, 4], isr: [1, 4], removingReplicas: [] })
    expect(state(after(other, null)), 'cancelled').to.deep.include({ replicas: [1, 2, 3], isr: [1, 2, 3] })
    const back = { replicas: [1, 2], isr: [1, 2], addingReplicas: [], removingReplicas: [] }
    expect(state(after(moving, [1, 2])), 'back: nothing is waited for').to.deep.include(back)
    const all = { replicas: [3, 4, 1, 2], addingReplicas: [3, 4], removingReplicas: [] }
    expect(state(after(moving, [3, 4, 1, 2])), 'all of them: none goes').to.deep.include(all)
    expect(state(after(moving, [3, 4])), 'the same once more').to.deep.equal({ ...state(moving), partitionEpoch: 10 })
  })

  it('replaces a move of which only a new replica is in sync: that one leads until the next ones are', () => {
    const moving = clusterImage(
      { ...brokers, 1: 'fenced', 2: 'fenced' },
      { t: [{ replicas: [3, 1, 2], isr: [3], leader: 3, addingReplicas: [3], removingReplicas: [1, 2] }] },
    )
    const other = after(moving, [4])
    expect(state(other)).to.deep.include({ replicas: [4, 1, 2, 3], isr: [3], leader: 3, removingReplicas: [1, 2, 3] })
    expect(state(withIsr(other, [3, 4]))).to.deep.include({ replicas: [4], isr: [4], leader: 4 })
  })

  it('takes the number of replicas that a move under way leads to for the present one', () => {
    const growing = after(image, [1, 2, 3])
    expect(move(growing, [2, 3, 4], false).results[0]!.errorCode).to.equal(ErrorCode.NONE)
    expect(move(growing, [2, 3], false).results[0]!.errorCode).to.equal(ErrorCode.INVALID_REPLICATION_FACTOR)
  })

  it('refuses by Kafka’s codes', () => {
    const code = (replicas: readonly number[] | null, from = image, factor = true) =>
      move(from, replicas, factor).results[0]!.errorCode
    expect(code(null)).to.equal(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS)
    expect(code([])).to.equal(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
    expect(code([1, 1])).to.equal(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
    expect(code([1, 9])).to.equal(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
    expect(code([1, 2, 3], image, false)).to.equal(ErrorCode.INVALID_REPLICATION_FACTOR)
    const unknown = reassignPartitions(image, context, {
      allowReplicationFactorChange: true,
      topics: [{ name: 'nope', partitions: [{ partitionIndex: 0, replicas: [1] }] }],
    })
    expect(unknown.results[0]!.errorCode).to.equal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  })

  it('does not cancel when only new replicas are in sync', () => {
    const moving = clusterImage(brokers, {
      t: [{ replicas: [3, 1], isr: [3], leader: 3, addingReplicas: [3], removingReplicas: [1] }],
    })
    expect(move(moving, null).results[0]!.errorCode).to.equal(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
  })

  it('cancels all the same where a topic puts up with the loss: a replica of before that lives leads alone', () => {
    const cancelled = (up: typeof brokers | Record<1 | 2 | 3, 'up' | 'fenced'>) => {
      const moving = clusterImage(up, {
        t: [{ replicas: [3, 1, 2], isr: [3], leader: 3, addingReplicas: [3], removingReplicas: [1, 2] }],
      })
      const record = { type: 'ConfigRecord', resourceType: 2, resourceName: 't', value: 'true' } as const
      return state(after(applyAll(moving, [{ ...record, name: 'unclean.leader.election.enable' }]), null))
    }
    const done = { replicas: [1, 2], addingReplicas: [], removingReplicas: [] }
    expect(cancelled(brokers)).to.deep.include({ ...done, isr: [1], leader: 1, leaderEpoch: 6 })
    expect(cancelled({ 1: 'fenced', 2: 'up', 3: 'up' })).to.deep.include({ ...done, isr: [2], leader: 2 })
    expect(cancelled({ 1: 'fenced', 2: 'fenced', 3: 'up' })).to.deep.include({ ...done, isr: [1], leader: -1 })
  })
})
