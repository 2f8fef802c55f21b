import { expect } from 'chai'
import { countDeletable, type RetentionRules } from '../../lib/log/retention.js'

describe('retention', () => {
  // Three segments of 100 bytes at offsets 0, 10, 20; the log ends at 30.
  const segments = [0, 10, 20].map((baseOffset) => ({
    baseOffset,
    sizeInBytes: 100,
    largestTimestamp: 1000 + baseOffset,
  }))
  const count = (rules: Partial<RetentionRules>, list = segments) =>
    countDeletable(list, {
      now: 2000,
      deleteByPolicy: true,
      retentionMs: -1,
      retentionBytes: -1,
      logStartOffset: 0,
      highWatermark: 30,
      endOffset: 30,
      ...rules,
    })

  it('by time: strictly older than retention.ms, a prefix, all of them if need be', () => {
    expect(count({ retentionMs: 1000 })).to.equal(0)
    expect(count({ retentionMs: 999 })).to.equal(1)
    expect(count({ retentionMs: 985 })).to.equal(2)
    expect(count({ retentionMs: 0 })).to.equal(3)
  })

  it('by size: only whole segments above the limit', () => {
    expect(count({ retentionBytes: 300 })).to.equal(0)
    expect(count({ retentionBytes: 201 })).to.equal(0)
    expect(count({ retentionBytes: 200 })).to.equal(1)
    expect(count({ retentionBytes: 0 })).to.equal(3)
    expect(count({ retentionBytes: 100, retentionMs: 985 }), 'time has freed enough').to.equal(2)
  })

  it('by log start offset, whatever the policy; the last segment stays', () => {
    expect(count({ logStartOffset: 9, deleteByPolicy: false })).to.equal(0)
    expect(count({ logStartOffset: 20, deleteByPolicy: false })).to.equal(2)
    expect(count({ logStartOffset: 30, deleteByPolicy: false })).to.equal(2)
    expect(count({ retentionMs: 0, deleteByPolicy: false })).to.equal(0)
  })

  it('never at or above the high watermark, never an empty last segment', () => {
    expect(count({ retentionMs: 0, highWatermark: 19 })).to.equal(1)
    const withEmpty = [segments[0]!, { baseOffset: 10, sizeInBytes: 0, largestTimestamp: 0 }]
    expect(count({ retentionMs: 0, endOffset: 10 }, withEmpty)).to.equal(1)
  })
})
