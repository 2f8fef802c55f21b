import { expect } from 'chai'
import { manualProblem } from '../../../lib/cluster/control/assignment.js'
import { createPartitions } from '../../../lib/cluster/control/partitions.js'
import { reassignPartitions } from '../../../lib/cluster/control/reassign.js'
import { seededRandom } from '../../../lib/host/random-sources.js'
import { applyAll } from '../../../lib/metadata/apply.js'
import type { PartitionRecord } from '../../../lib/metadata/records.js'
import { ErrorCode } from '../../../protocol/errors.js'
import { clusterImage, context } from './images.js'

describe('cluster/control/assignment', () => {
  const plain = clusterImage({ 1: 'up', 2: 'up', 3: 'up' }, { t: [{ replicas: [1, 3], isr: [1, 3], leader: 1 }] })
  const cordoned = applyAll(plain, [
    { type: 'ConfigRecord', resourceType: 4, resourceName: '3', name: 'cordoned.log.dirs', value: '*' },
  ])
  const random = seededRandom(1)
  const grow = (count: number) => {
    const command = { topics: [{ name: 't', count, assignments: null }], validateOnly: false }
    return createPartitions(cordoned, { ...context, random }, command)
  }

  it('gives nothing new to a broker whose directories are all cordoned (KIP-1066)', () => {
    const { records, results } = grow(9)
    expect(results[0]!.errorCode).to.equal(ErrorCode.NONE)
    const used = new Set((records as PartitionRecord[]).flatMap(({ replicas }) => replicas))
    expect(used).to.deep.equal(new Set([1, 2]))
  })

  it('refuses it where it is named', () => {
    expect(manualProblem(plain, 0, [1, 3], null)).to.equal(null)
    expect(manualProblem(cordoned, 0, [1, 3], null)?.errorCode).to.equal(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
    const move = (replicas: number[]) => {
      const topics = [{ name: 't', partitions: [{ partitionIndex: 0, replicas }] }]
      return reassignPartitions(cordoned, context, { allowReplicationFactorChange: true, topics }).results[0]!.errorCode
    }
    for (const replicas of [
      [3, 1],
      [2, 3],
    ])
      expect(move(replicas)).to.equal(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
    expect(move([1, 2])).to.equal(ErrorCode.NONE)
  })
})
