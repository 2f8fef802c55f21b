import { expect } from 'chai'
import type { Partition } from '../../../lib/broker/partition/partition.js'
import { ReplicationThrottle } from '../../../lib/broker/partition/replication-throttle.js'
import type { Peer } from '../../../lib/cluster/peer.js'
import { ReplicaFetcher } from '../../../lib/cluster/replication/fetcher.js'
import { silentLogger } from '../../../lib/host/logger.js'
import { VirtualClock } from '../../../lib/host/virtual-clock.js'
import { RateLimit } from '../../../lib/metrics/rate-limit.js'
import { ErrorCode } from '../../../protocol/index.js'

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

interface Asked {
  readonly fetchOffset: number
  readonly logStartOffset: number
}

/** A fetcher that follows one partition, and a leader that answers when the test says. */
class Scene {
  readonly clock = new VirtualClock()
  readonly asked: Asked[] = []
  readonly log = {
    endOffset: 5,
    writtenOffset: 5,
    latestEpoch: 0,
    logStartOffset: 0,
    offline: false,
    whenWritten: async () => {},
  }
  readonly fetcher: ReplicaFetcher
  readonly partition: Partition
  /** End offsets of the logs that took something over. */
  readonly taken: number[] = []
  /** Id and epoch of each request. */
  readonly sessions: [number, number][] = []
  noteLogStart: () => Promise<void> = async () => {}
  #answer: ((response: unknown) => void) | null = null

  constructor() {
    const { clock, log, asked, taken, sessions } = this
    const topicId = 'A'.repeat(22)
    const partition = {
      topic: 't',
      topicId,
      partition: 0,
      leaderEpoch: 0,
      highWatermark: 0,
      isLeader: false,
      log,
      appendAsFollower(_records: Buffer, { logStartOffset }: { logStartOffset: number }) {
        taken.push(this.log.endOffset)
        log.logStartOffset = Math.max(log.logStartOffset, logStartOffset)
        return ErrorCode.NONE
      },
      async restartAt(offset: number) {
        Object.assign(log, { endOffset: offset, writtenOffset: offset, logStartOffset: offset })
      },
    }
    const request = (
      _message: unknown,
      _version: number,
      value: { topics: { partitions: Asked[] }[]; sessionId: number; sessionEpoch: number },
      use: (response: unknown) => unknown = (response) => response,
    ) => {
      for (const { partitions } of value.topics) asked.push(...partitions)
      sessions.push([value.sessionId, value.sessionEpoch])
      return new Promise((resolve) => {
        this.#answer = (response) => resolve((async () => use(response))())
      })
    }
    const settings = { maxWaitMs: 500, minBytes: 1, responseMaxBytes: 1000, partitionMaxBytes: 1000, backoffMs: 100 }
    this.fetcher = new ReplicaFetcher(
      { leaderId: 1, brokerId: 2, settings },
      {
        clock,
        logger: silentLogger,
        peer: { request, close() {} } as unknown as Peer,
        brokerEpoch: () => 1,
        flushPending() {},
        nudge() {},
        noteLogStart: () => this.noteLogStart(),
        throttle: new ReplicationThrottle(new RateLimit({ windows: 1, windowMs: 1000 }, clock)),
      },
    )
    this.partition = partition as unknown as Partition
    this.fetcher.add(this.partition)
    clock.step()
  }

  /** The leader refuses the fetch as a whole. */
  async refuse(errorCode: number): Promise<void> {
    this.#answer!({ errorCode, sessionId: 0, responses: [] })
    await settled()
  }

  /** To ListOffsets. */
  async answerOffset(offset: number): Promise<void> {
    this.#answer!({ topics: [{ partitions: [{ errorCode: ErrorCode.NONE, offset }] }] })
    await settled()
  }

  /** The leader's log starts here. */
  async answer(logStartOffset: number, errorCode: number = ErrorCode.NONE): Promise<void> {
    const fetched = {
      partitionIndex: 0,
      errorCode,
      highWatermark: 0,
      logStartOffset,
      records: null,
      divergingEpoch: { epoch: -1, endOffset: -1 },
    }
    const topicId = 'A'.repeat(22)
    this.#answer!({ errorCode: 0, sessionId: 7, responses: [{ topicId, partitions: [fetched] }] })
    await settled()
  }
}

describe('cluster/replication/fetcher', () => {
  it('claims nothing that could not be written: its leader would take that for an acknowledgement', async () => {
    const { clock, log, asked, fetcher } = new Scene()
    log.writtenOffset = 3
    await settled()
    expect(asked).to.deep.equal([])
    log.writtenOffset = 5
    clock.advance(200)
    await settled()
    fetcher.close()
    expect(asked.map(({ fetchOffset }) => fetchOffset)).to.deep.equal([5])
  })

  it('begins an ended session again at once, ends one that may be left, and leaves a leader in peace that refuses', async () => {
    const { NOT_LEADER_OR_FOLLOWER, FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH } = ErrorCode
    const scene = new Scene()
    const { sessions, clock, fetcher } = scene
    await settled()
    await scene.answer(0)
    await scene.refuse(FETCH_SESSION_ID_NOT_FOUND)
    await scene.answer(0)
    await scene.refuse(INVALID_FETCH_SESSION_EPOCH)
    expect(sessions).to.deep.equal([
      [0, 0],
      [7, 1],
      [0, 0],
      [7, 1],
      [7, 0],
    ])
    await scene.refuse(INVALID_FETCH_SESSION_EPOCH)
    expect(sessions).to.have.length(5)
    clock.advance(100)
    await settled()
    await scene.answer(0)
    expect(sessions.slice(5)).to.deep.equal([
      [7, 0],
      [7, 1],
    ])
    await scene.refuse(NOT_LEADER_OR_FOLLOWER)
    expect(sessions).to.have.length(7)
    fetcher.close()
  })

  it('leaves no timer behind', async () => {
    const scene = new Scene()
    await settled()
    await scene.answer(0, ErrorCode.UNKNOWN_LEADER_EPOCH)
    scene.fetcher.close()
    expect(scene.clock.untilNextMs()).to.equal(null)
  })

  it('takes nothing over that another log has asked for: the replica was moved away and back (make sim SEED=80264 PROFILE=cluster)', async () => {
    const scene = new Scene()
    const { fetcher, partition, asked, taken } = scene
    await settled()
    fetcher.remove(partition)
    const log = { ...scene.log, endOffset: 0, writtenOffset: 0 }
    fetcher.add({ ...partition, leaderEpoch: 0, isLeader: false, log } as unknown as Partition)
    await scene.answer(0)
    expect(taken).to.deep.equal([])
    await scene.answer(0)
    fetcher.close()
    expect(asked.map(({ fetchOffset }) => fetchOffset)).to.deep.equal([5, 0])
    expect(taken).to.deep.equal([0])
  })

  it('tells of a log start when it is noted, and not before: a crash would bring deleted records back', async () => {
    const scene = new Scene()
    const starts = () => scene.asked.map(({ logStartOffset }) => logStartOffset)
    let end: { noted(): void; failed(): void } | null = null
    scene.noteLogStart = () =>
      new Promise((resolve, reject) => {
        end = { noted: resolve, failed: () => reject(new Error('EIO')) }
      })
    await settled()
    await scene.answer(3)
    expect(starts()).to.deep.equal([0])
    end!.failed()
    await settled()
    expect(starts(), 'it could not be noted').to.deep.equal([0])
    scene.clock.advance(200)
    await settled()
    expect(starts(), 'it is being noted again').to.deep.equal([0])
    end!.noted()
    await settled()
    scene.fetcher.close()
    expect(starts()).to.deep.equal([0, 3])
  })

  it('notes the start of a log that begins anew: its first batch may begin below (make sim SEED=151101 PROFILE=cluster)', async () => {
    const scene = new Scene()
    let noted = 0
    scene.noteLogStart = async () => void noted++
    await settled()
    await scene.answer(6, ErrorCode.OFFSET_OUT_OF_RANGE)
    await scene.answerOffset(9)
    await scene.answerOffset(6)
    await settled()
    scene.fetcher.close()
    expect(scene.asked.at(-1)).to.include({ fetchOffset: 6, logStartOffset: 6 })
    expect(noted).to.equal(1)
  })
})
