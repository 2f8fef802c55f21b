import { expect } from 'chai'
import {
  type CleanerLogFacts,
  type CleanerSegmentFacts,
  dirtiest,
  groupSegments,
  judgeLog,
} from '../../lib/log/cleaner-rules.js'

const NOW = 1_000_000

/** Segments of 100 bytes at offsets 0, 10, 20 ..., the last one active and 50 bytes large; each a minute younger than the one before. */
function segments(count: number): CleanerSegmentFacts[] {
  return Array.from({ length: count }, (_, i) => ({
    baseOffset: i * 10,
    sizeInBytes: i === count - 1 ? 50 : 100,
    firstTimestamp: NOW - (count - i) * 60_000,
    largestTimestamp: NOW - (count - i - 1) * 60_000,
  }))
}

function facts(changes: Partial<Omit<CleanerLogFacts, 'config'>> & Partial<CleanerLogFacts['config']> = {}) {
  const { minCompactionLagMs, maxCompactionLagMs, minCleanableDirtyRatio, ...rest } = changes
  return {
    segments: segments(4),
    logStartOffset: 0,
    endOffset: 35,
    cleanedOffset: null,
    stableOffset: 35,
    config: {
      minCompactionLagMs: minCompactionLagMs ?? 0,
      maxCompactionLagMs: maxCompactionLagMs ?? Number.MAX_SAFE_INTEGER,
      minCleanableDirtyRatio: minCleanableDirtyRatio ?? 0.5,
    },
    ...rest,
  }
}

describe('cleaner-rules', () => {
  const cases: [string, Parameters<typeof facts>[0], Partial<ReturnType<typeof judgeLog>>][] = [
    [
      'nothing cleaned yet: all sealed segments are dirty, the active one is never touched',
      {},
      { firstDirtyOffset: 0, firstUncleanableOffset: 30, dirtyBytes: 300, dirtyRatio: 1, due: true },
    ],
    [
      'what is cleaned counts as clean',
      { cleanedOffset: 20 },
      { firstDirtyOffset: 20, firstUncleanableOffset: 30, dirtyBytes: 100, dirtyRatio: 1 / 3, due: false },
    ],
    [
      'a lower min.cleanable.dirty.ratio makes it due',
      { cleanedOffset: 20, minCleanableDirtyRatio: 0.3 },
      { due: true },
    ],
    [
      'the ratio must be exceeded, not reached',
      { segments: segments(3), cleanedOffset: 10, endOffset: 25, stableOffset: 25 },
      { dirtyRatio: 0.5, due: false },
    ],
    ['all is cleaned', { cleanedOffset: 30 }, { dirtyBytes: 0, dirtyRatio: 0, due: false }],
    [
      'a ratio of 0 does not make a clean log due',
      { cleanedOffset: 30, minCleanableDirtyRatio: 0 },
      { dirtyRatio: 0, due: false },
    ],
    [
      'cleaned up to the middle of a segment: that segment is dirty',
      { cleanedOffset: 15 },
      { firstDirtyOffset: 15, dirtyBytes: 200 },
    ],
    ['records before it are gone: all is dirty', { cleanedOffset: 5, logStartOffset: 10 }, { firstDirtyOffset: 10 }],
    ['it lies beyond the end: all is dirty', { cleanedOffset: 36 }, { firstDirtyOffset: 0 }],
    ['the high watermark bounds', { stableOffset: 25 }, { firstUncleanableOffset: 20, dirtyBytes: 200 }],
    [
      'at a segment’s base it leaves that segment',
      { stableOffset: 20 },
      { firstUncleanableOffset: 20, dirtyBytes: 200 },
    ],
    ['an open transaction in the first segment', { stableOffset: 3 }, { firstUncleanableOffset: 0, due: false }],
    [
      'min.compaction.lag.ms: from the first segment with something younger',
      { minCompactionLagMs: 90_000 },
      { firstUncleanableOffset: 20, dirtyBytes: 200 },
    ],
    [
      'min.compaction.lag.ms: all are young',
      { minCompactionLagMs: 900_000 },
      { firstUncleanableOffset: 0, due: false },
    ],
    [
      'max.compaction.lag.ms forces, whatever the ratio',
      { cleanedOffset: 20, maxCompactionLagMs: 100_000 },
      { dirtyRatio: 1 / 3, overdueMs: 20_000, due: true },
    ],
    [
      'max.compaction.lag.ms has not passed',
      { cleanedOffset: 20, maxCompactionLagMs: 120_000 },
      { overdueMs: 0, due: false },
    ],
    [
      'max.compaction.lag.ms cannot force what min.compaction.lag.ms (or a transaction) holds',
      { maxCompactionLagMs: 100_000, stableOffset: 3 },
      { dirtyBytes: 0, due: false },
    ],
    ['only an active segment', { segments: segments(1), endOffset: 5, stableOffset: 5 }, { due: false, dirtyBytes: 0 }],
  ]
  for (const [what, changes, expected] of cases) {
    it(what, () => expect(judgeLog(facts(changes), NOW)).to.include(expected))
  }

  it('records without a timestamp force nothing', () => {
    const untimed = segments(4).map((one) => ({ ...one, firstTimestamp: -1 }))
    expect(judgeLog(facts({ segments: untimed, maxCompactionLagMs: 1 }), NOW).overdueMs).to.equal(0)
  })

  it('takes the dirtiest log that is due, the first of equals, none when none is due', () => {
    const log = (name: string, cleanedOffset: number | null, minCleanableDirtyRatio = 0.1) => ({
      name,
      judgement: judgeLog(facts({ cleanedOffset, minCleanableDirtyRatio }), NOW),
    })
    expect(dirtiest([log('a', 20), log('b', 10), log('c', 10), log('d', null, 1)])?.name).to.equal('b')
    expect(dirtiest([log('a', 30), log('b', 20, 0.9)])).to.equal(null)
  })

  describe('groups', () => {
    const limits = { segmentBytes: 250, segmentIndexBytes: 10_000, indexIntervalBytes: 100, endOffset: 40 }
    const bases = (list: { baseOffset: number; sizeInBytes: number }[], changes: Partial<typeof limits> = {}) =>
      groupSegments(list, { ...limits, ...changes }).map((group) => group.map(({ baseOffset }) => baseOffset))

    it('as many neighbours as fit into one segment', () => {
      expect(bases(segments(4))).to.deep.equal([
        [0, 10],
        [20, 30],
      ])
      expect(bases(segments(4), { segmentBytes: 350 })).to.deep.equal([[0, 10, 20, 30]])
      expect(bases([])).to.deep.equal([])
    })

    it('one that is larger than segment.bytes stands alone', () => {
      expect(bases(segments(4), { segmentBytes: 60 })).to.deep.equal([[0], [10], [20], [30]])
    })

    it('bounded by what their indexes may need', () => {
      expect(bases(segments(4), { segmentBytes: 1000, segmentIndexBytes: 24 })).to.deep.equal([
        [0, 10],
        [20, 30],
      ])
    })

    it('bounded by relative offsets of 31 bits, of the last record too', () => {
      const far = [0, 2 ** 31 - 5, 2 ** 31 + 100].map((baseOffset) => ({ baseOffset, sizeInBytes: 1 }))
      expect(bases(far, { endOffset: 2 ** 31 + 200 })).to.deep.equal([[0], [2 ** 31 - 5, 2 ** 31 + 100]])
    })

    it('bounded in number, as a swap is one turn', () => {
      const many = Array.from({ length: 100 }, (_, baseOffset) => ({ baseOffset, sizeInBytes: 1 }))
      expect(bases(many).map(({ length }) => length)).to.deep.equal([64, 36])
    })
  })
})
