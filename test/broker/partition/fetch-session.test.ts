import { expect } from 'chai'
import { type FetchContext, openFetchContext } from '../../../lib/broker/partition/fetch-session.js'
import { FetchSessionCache } from '../../../lib/broker/partition/fetch-session-cache.js'
import { type FetchAnswer, type FetchTarget, failedFetch } from '../../../lib/broker/partition/fetch-types.js'
import { ErrorCode } from '../../../protocol/errors.js'

const ZERO = 'A'.repeat(22)
const target = (partition: number, fetchOffset = 0, topic = 't'): FetchTarget => ({
  topic,
  topicId: ZERO,
  partition,
  currentLeaderEpoch: -1,
  fetchOffset,
  lastFetchedEpoch: -1,
  logStartOffset: -1,
  partitionMaxBytes: 1000,
})
const empty = (of: FetchTarget, highWatermark = 0): FetchAnswer => ({
  ...failedFetch(of, ErrorCode.NONE),
  highWatermark,
  lastStableOffset: highWatermark,
  logStartOffset: 0,
})
const withRecords = (of: FetchTarget): FetchAnswer => ({ ...empty(of, 5), pieces: [Buffer.alloc(9)], sizeInBytes: 9 })

describe('broker/partition/fetch-session', () => {
  let cache: FetchSessionCache
  let now: number
  let nextId: number
  const make = (slots: number, partitionsMax?: number) =>
    new FetchSessionCache(partitionsMax === undefined ? { slots } : { slots, partitionsMax }, {
      random: { integer: () => nextId++, bytes: () => Buffer.alloc(0), topicId: () => ZERO, uuid: () => '' },
    })
  beforeEach(() => {
    now = 0
    nextId = 0
    cache = make(2)
  })

  type Asked = Partial<Parameters<typeof openFetchContext>[1]>
  const open = (sessionId: number, sessionEpoch: number, more: Asked = {}) =>
    openFetchContext(
      cache,
      { sessionId, sessionEpoch, usesTopicIds: false, isFromFollower: false, targets: [], forgotten: [], ...more },
      now,
    )
  const context = (sessionId: number, sessionEpoch: number, more: Asked = {}): FetchContext => {
    const opened = open(sessionId, sessionEpoch, more)
    if (typeof opened === 'number') throw new Error(`error ${opened}`)
    return opened
  }
  /** A full fetch of so many partitions; its session id. */
  const begin = (partitions: number, more: Asked = {}): number => {
    const targets = Array.from({ length: partitions }, (_, index) => target(index))
    const full = context(0, 0, { targets, ...more })
    return full.respond(
      full.targets.map((of) => empty(of)),
      now,
    ).sessionId
  }
  const partitionsOf = (opened: FetchContext) => opened.targets.map((of) => of.partition)

  it('serves a request without a session as it is', () => {
    const sessionless = context(0, -1, { targets: [target(0)] })
    expect(partitionsOf(sessionless)).to.deep.equal([0])
    expect(sessionless.respond([empty(target(0))], now).sessionId).to.equal(0)
    expect(cache.size).to.equal(0)
  })

  it('says again what a follower was told together with a divergence, for it looks at nothing else then', () => {
    const divergingEpoch = { epoch: 1, endOffset: 5 }
    const diverging = { ...empty(target(0, 7), 5), logStartOffset: 3, divergingEpoch }
    const full = context(0, 0, { targets: [target(0, 7)] })
    const { sessionId } = full.respond([diverging], now)
    for (const sessionEpoch of [1, 3]) {
      const after = { ...empty(target(0, 5), 5), logStartOffset: 3 }
      const told = context(sessionId, sessionEpoch, { targets: [target(0, 5)] }).respond([after], now)
      expect(told.answers).to.deep.equal([after])
      const again = context(sessionId, sessionEpoch + 1, { targets: [target(0, 7)] }).respond([diverging], now)
      expect(again.answers).to.deep.equal([diverging])
    }
  })

  it('says again what a follower was told and has not taken over, for it asks as before', () => {
    const asks = { ...target(0, 5), logStartOffset: 0, highWatermark: 4 }
    const tells = { ...empty(asks, 5), logStartOffset: 3 }
    const { sessionId } = context(0, 0, { targets: [asks] }).respond([tells], now)
    expect(context(sessionId, 1).respond([tells], now).answers).to.deep.equal([tells])
    const highest = { ...asks, logStartOffset: 3 }
    expect(context(sessionId, 2, { targets: [highest] }).respond([tells], now).answers).to.deep.equal([tells])
    const all = { ...highest, highWatermark: 5 }
    expect(context(sessionId, 3, { targets: [all] }).respond([tells], now).answers).to.deep.equal([])
  })

  it('goes from a full fetch to incremental ones', () => {
    const id = begin(3)
    expect(id).to.equal(1)
    const second = context(id, 1, { targets: [target(1, 7)] })
    expect(second.targets.map((of) => [of.partition, of.fetchOffset])).to.deep.equal([
      [0, 0],
      [1, 7],
      [2, 0],
    ])
    expect(
      second.respond(
        second.targets.map((of) => empty(of)),
        now,
      ),
    ).to.deep.equal({
      errorCode: ErrorCode.NONE,
      sessionId: id,
      answers: [],
    })
  })

  it('adds, forgets, and counts its partitions', () => {
    const id = begin(2)
    const next = context(id, 1, {
      targets: [target(5)],
      forgotten: [{ topic: 't', topicId: ZERO, partition: 0 }],
    })
    expect(partitionsOf(next)).to.deep.equal([1, 5])
    expect(cache.partitions).to.equal(2)
  })

  it('behaviour 58: a wrong epoch is refused and does not spoil the session', () => {
    const id = begin(1)
    expect(open(id, 2)).to.equal(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
    expect(partitionsOf(context(id, 1))).to.deep.equal([0])
    expect(open(id, 1)).to.equal(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
  })

  it('behaviour 58: an unknown id is refused', () => {
    expect(open(99, 1)).to.equal(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    expect(open(0, 1)).to.equal(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
  })

  it('refuses ids in a session of names (KIP-516)', () => {
    const id = begin(1)
    expect(open(id, 1, { usesTopicIds: true })).to.equal(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
    expect(partitionsOf(context(id, 1))).to.deep.equal([0])
  })

  it('behaviour 59: partitions with records come again, last in the row; silent ones are left out', () => {
    const id = begin(3)
    const second = context(id, 1)
    const told = second.respond([withRecords(target(0)), empty(target(1)), empty(target(2))], now)
    expect(told.answers.map((answer) => answer.target.partition)).to.deep.equal([0])
    const third = context(id, 2)
    expect(partitionsOf(third)).to.deep.equal([1, 2, 0])
    expect(third.respond([withRecords(target(0))], now).answers).to.have.length(1)
  })

  it('behaviour 59: partitions with errors come every time, and once more when the error has gone', () => {
    const id = begin(1)
    const failed = failedFetch(target(0), ErrorCode.NOT_LEADER_OR_FOLLOWER)
    expect(context(id, 1).respond([failed], now).answers).to.have.length(1)
    expect(context(id, 2).respond([failed], now).answers).to.have.length(1)
    expect(context(id, 3).respond([empty(target(0))], now).answers).to.have.length(1)
    expect(context(id, 4).respond([empty(target(0))], now).answers).to.have.length(0)
  })

  it('tells of a moved high watermark or log start although there are no records', () => {
    const id = begin(1)
    expect(context(id, 1).respond([empty(target(0), 3)], now).answers).to.have.length(1)
    expect(context(id, 2).respond([{ ...empty(target(0), 3), logStartOffset: 2 }], now).answers).to.have.length(1)
    expect(context(id, 3).respond([{ ...empty(target(0), 3), logStartOffset: 2 }], now).answers).to.have.length(0)
  })

  it('ends a session that is named by a full fetch, a final one, or one that leaves nothing', () => {
    const first = begin(1)
    context(first, 0, { targets: [target(0)] })
    expect(open(first, 1)).to.equal(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    const second = begin(1)
    context(second, -1)
    expect(open(second, 1)).to.equal(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    const third = begin(1)
    const emptied = context(third, 1, { forgotten: [{ topic: 't', topicId: ZERO, partition: 0 }] })
    expect(emptied.respond([], now).sessionId).to.equal(0)
    expect(cache.size).to.equal(0)
    expect(cache.partitions).to.equal(0)
  })

  it('answers a fetch that was overtaken while it waited with INVALID_FETCH_SESSION_EPOCH', () => {
    const id = begin(1)
    const waiting = context(id, 1)
    context(id, 2)
    expect(waiting.respond([withRecords(target(0))], now)).to.deep.equal({
      errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH,
      sessionId: 0,
      answers: [],
    })
  })

  it('wraps the epoch from the largest int32 to 1', () => {
    const id = begin(1)
    cache.get(id)!.epoch = 2147483647
    context(id, 2147483647)
    expect(cache.get(id)!.epoch).to.equal(1)
  })

  describe('when the slots are used up', () => {
    it('a newcomer gets no session while all are young', () => {
      begin(1)
      begin(1)
      expect(begin(5)).to.equal(0)
    })

    it('takes the place of one that has been idle', () => {
      const idle = begin(9)
      const busy = begin(1)
      now = 120_000
      context(busy, 1)
      now = 120_001
      expect(begin(1)).to.be.greaterThan(0)
      expect(open(idle, 1)).to.equal(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
      expect(cache.evictions).to.equal(1)
    })

    it('takes the place of a smaller one that is no longer young, not of a larger one or an equal', () => {
      const small = begin(2)
      const large = begin(4)
      now = 119_000
      context(small, 1)
      context(large, 1)
      now = 121_000
      expect(begin(1)).to.equal(0)
      expect(begin(2)).to.equal(0)
      expect(begin(3)).to.be.greaterThan(0)
      expect(open(small, 2)).to.equal(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    })

    it('a follower takes the place of any consumer, never the reverse', () => {
      begin(5)
      begin(5)
      expect(begin(1, { isFromFollower: true })).to.be.greaterThan(0)
      expect(begin(1, { isFromFollower: true })).to.be.greaterThan(0)
      expect(begin(9)).to.equal(0)
      expect(begin(9, { isFromFollower: true })).to.equal(0)
    })
  })

  it('bounds the partitions over all sessions', () => {
    cache = make(10, 4)
    const id = begin(3)
    expect(begin(2)).to.equal(0)
    expect(open(id, 1, { targets: [target(7), target(8)] })).to.equal(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    expect(cache.partitions).to.equal(0)
  })
})
