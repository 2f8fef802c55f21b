import { expect } from 'chai'
import { makeRig } from './rig.js'

/** An int64 beyond 2^53 reaches the state machine as a bigint. Found by `make fuzz`: the shard fell over and was loaded again. */
describe('group/offsets with numbers that nobody means', () => {
  for (const [retentionMs, kept] of [
    [2n ** 63n - 1n, 5],
    [-(2n ** 63n), -1],
  ] as const) {
    it(`takes ${retentionMs} as the retention time of a commit`, () => {
      const rig = makeRig({ offsetsRetentionCheckIntervalMs: 600_000 })
      const partition = { partitionIndex: 0, committedOffset: 5, committedLeaderEpoch: -1, committedMetadata: null }
      rig.coordinator.commitOffsets(
        {
          groupId: 'g',
          generationIdOrMemberEpoch: -1,
          memberId: '',
          groupInstanceId: null,
          retentionTimeMs: retentionMs as unknown as number,
          knowsGroupIdNotFound: false,
          topics: [{ name: 'a', topicId: 'A'.repeat(22), partitions: [partition] }],
        },
        false,
      )
      rig.clock.advance(700_000)
      const answer = rig.coordinator.fetchOffsets(
        {
          groupId: 'g',
          topics: [{ name: 'a', topicId: 'A'.repeat(22), partitionIndexes: [0] }],
          requireStable: false,
        },
        false,
      )
      expect(JSON.stringify(answer)).to.contain(`"committedOffset":${kept}`)
      expect(rig.crashes).to.deep.equal([])
    })
  }
})
