/** What the simulator refuses to believe of a partition. */
import { expect } from 'chai'
import { applyAll } from '../../lib/metadata/apply.js'
import { ELIGIBLE_LEADER_REPLICAS_VERSION } from '../../lib/metadata/features.js'
import { emptyImage, type Image } from '../../lib/metadata/image.js'
import type { PartitionRecord } from '../../lib/metadata/records.js'
import type { Ground } from './ground.js'
import { Watch } from './watch.js'

/** Two of three commit. */
function image(level: number, state: Partial<PartitionRecord>): Image {
  const topicId = 'id-of-t'
  return applyAll(emptyImage('c'), [
    { type: 'FeatureLevelRecord', name: ELIGIBLE_LEADER_REPLICAS_VERSION, featureLevel: level },
    { type: 'TopicRecord', name: 't', topicId },
    { type: 'ConfigRecord', resourceType: 2, resourceName: 't', name: 'min.insync.replicas', value: '2' },
    {
      type: 'PartitionRecord',
      topicId,
      partitionId: 0,
      replicas: [1, 2, 3],
      isr: [1, 2],
      leader: 1,
      leaderEpoch: 0,
      partitionEpoch: 0,
      addingReplicas: [],
      removingReplicas: [],
      ...state,
    },
  ])
}

/** The sentence, or null when it is believed. */
function look(level: number, state: Partial<PartitionRecord>): string | null {
  const ground = { hosts: [{ node: { image: image(level, state) } }] } as unknown as Ground
  try {
    new Watch(ground).look()
    return null
  } catch (error) {
    return (error as Error).message
  }
}

describe('sim/watch', () => {
  it('believes what may be', () => {
    expect(look(1, {})).to.equal(null)
    expect(look(1, { isr: [1], eligibleLeaderReplicas: [3] })).to.equal(null)
    expect(look(1, { isr: [], leader: -1, eligibleLeaderReplicas: [3, 1], lastKnownElr: [1] })).to.equal(null)
    expect(look(0, { isr: [1], leader: -1 })).to.equal(null)
  })

  for (const [what, level, state, sentence] of [
    ['a leader that is not in sync', 1, { isr: [2, 3] }, /in-sync replicas 2, 3 of 1, 2, 3 under leader 1/],
    ['nobody in sync under a leader', 1, { isr: [] }, /in-sync replicas {2}of/],
    ['nobody in sync without KIP-966', 0, { isr: [], leader: -1 }, /in-sync replicas {2}of/],
    ['strangers in sync', 1, { isr: [1, 9] }, /in-sync replicas 1, 9/],
    ['eligible ones beside enough in sync', 1, { eligibleLeaderReplicas: [3] }, /eligible replicas 3 beside 1, 2/],
    ['eligible ones without KIP-966', 0, { isr: [1], eligibleLeaderReplicas: [3] }, /eligible replicas 3/],
    ['one that is both', 1, { isr: [1], eligibleLeaderReplicas: [1, 3] }, /eligible replicas 1, 3 beside 1/],
    ['strangers that are eligible', 1, { isr: [1], eligibleLeaderReplicas: [9] }, /eligible replicas 9/],
    ['a last leader under a leader', 1, { lastKnownElr: [2] }, /is led by 1 and has 2 as the last one/],
  ] as const) {
    it(`does not believe ${what}`, () => {
      expect(look(level, state)).to.match(sentence)
    })
  }
})
