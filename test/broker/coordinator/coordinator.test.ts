import { expect } from 'chai'
import { ask } from '../../../lib/broker/coordinator/ask.js'
import {
  Decision,
  type ProducerStamp,
  type RecordCodec,
  type ShardMachine,
  type Slot,
} from '../../../lib/broker/coordinator/contract.js'
import { partitionFor } from '../../../lib/broker/coordinator/partition-for.js'
import { CoordinatorRuntime } from '../../../lib/broker/coordinator/runtime.js'
import { KeyedTimers } from '../../../lib/broker/coordinator/timers.js'
import { silentLogger } from '../../../lib/host/logger.js'
import { VirtualClock } from '../../../lib/host/virtual-clock.js'
import { ErrorCode } from '../../../protocol/errors.js'
import { goldenJson } from '../../support/golden.js'
import { MemoryShardLog } from '../group/memory-shard-log.js'

/** A machine that keeps a list of words. */
type Command =
  | {
      type: 'add'
      words: string[]
      slot: Slot<number>
      divisible?: boolean
      orElse?: number
      producer?: ProducerStamp
      standsAlone?: boolean
      ifRefused?: number
    }
  | { type: 'wait'; slot: Slot<number> }
  | { type: 'later'; word: string; delayMs: number; slot: Slot<number> }
  | { type: 'timer'; word: string }
  | { type: 'throw' }

class Words implements ShardMachine<Command, string> {
  readonly words: string[] = []
  waiting: Slot<number>[] = []

  decide(command: Command): Decision<Command, string> {
    const out = new Decision<Command, string>()
    switch (command.type) {
      case 'add': {
        for (const word of command.words) out.append(word)
        out.divisible = command.divisible ?? false
        out.producer = command.producer ?? null
        out.standsAlone = command.standsAlone ?? false
        out.answer(command.slot, this.words.length + command.words.length)
        const otherwise = (reply: number) => () => {
          const instead = new Decision<Command, string>()
          instead.answer(command.slot, reply)
          return instead
        }
        if (command.orElse !== undefined) out.ifTooLarge = otherwise(command.orElse)
        if (command.ifRefused !== undefined) out.ifRefused = otherwise(command.ifRefused)
        out.changed('words')
        break
      }
      case 'wait':
        this.waiting.push(command.slot)
        break
      case 'later':
        out.schedule('later', command.delayMs, { type: 'timer', word: command.word })
        out.answer(command.slot, 0)
        break
      case 'timer':
        out.append(command.word)
        break
      case 'throw':
        throw new Error('a bug')
    }
    return out
  }

  apply(word: string, producer: ProducerStamp | null, offset: number): void {
    this.words.push(producer === null ? word : `${word} of ${producer.producerId} at ${offset}`)
  }

  applyMarker(producerId: number, producerEpoch: number, commit: boolean): void {
    this.words.push(`${commit ? 'commit' : 'abort'} of ${producerId} epoch ${producerEpoch}`)
  }

  onLoaded(): Decision<Command, string> {
    return new Decision()
  }

  onUnloaded(errorCode: ErrorCode): void {
    for (const slot of this.waiting) slot.fail(errorCode)
  }
}

const codec: RecordCodec<string> = {
  encode: (word) => ({ key: Buffer.from('k'), value: Buffer.from(word) }),
  decode: (_key, value) => value?.toString() ?? null,
}

function setUp() {
  const clock = new VirtualClock()
  const log = new MemoryShardLog()
  const machines: Words[] = []
  const changes: string[] = []
  const runtime = new CoordinatorRuntime<Command, string>(
    { topic: 'words', parkedRepliesMax: 3 },
    {
      clock,
      logger: silentLogger,
      codec,
      createMachine: () => {
        const machine = new Words()
        machines.push(machine)
        return machine
      },
      onChanged: (_partition, key) => changes.push(key),
    },
  )
  const send = (command: (slot: Slot<number>) => Command): number | Promise<number> =>
    ask(
      (slot) => runtime.submit(0, command(slot), slot),
      (errorCode) => -errorCode,
    )
  const add = (...words: string[]) => send((slot) => ({ type: 'add', words, slot }))
  return { clock, log, machines, changes, runtime, send, add }
}

describe('coordinator/runtime', () => {
  it('answers in the same turn when the log commits in it', () => {
    const { runtime, log, add, changes } = setUp()
    runtime.load(0, log)
    expect(add('one', 'two')).to.equal(2)
    expect(log.batches).to.equal(1)
    expect(changes).to.deep.equal(['words'])
  })

  it('parks replies and changes until the high watermark covers them', async () => {
    const { runtime, log, add, changes } = setUp()
    runtime.load(0, log)
    log.held = true
    const [one, two] = [add('one'), add('two')]
    expect(one).to.be.instanceOf(Promise)
    expect(changes).to.deep.equal([])
    log.commit(1)
    expect(await one).to.equal(1)
    expect(changes).to.deep.equal(['words'])
    log.commit(2)
    expect(await two).to.equal(2)
  })

  it('parks what reads uncommitted state, too', async () => {
    const { runtime, log, add } = setUp()
    runtime.load(0, log)
    log.held = true
    void add('one')
    const read = add()
    expect(read).to.be.instanceOf(Promise)
    log.commit()
    expect(await read).to.equal(1)
  })

  it('refuses more than parkedRepliesMax replies', () => {
    const { runtime, log, add } = setUp()
    runtime.load(0, log)
    log.held = true
    // Each waits with its reply and its change: the fourth entry is the limit.
    void add('one')
    void add('two')
    expect(add('three')).to.equal(-ErrorCode.COORDINATOR_NOT_AVAILABLE)
  })

  it('says who to ask while nothing is loaded, and while it loads', async () => {
    const { runtime, log, add } = setUp()
    expect(add('one')).to.equal(-ErrorCode.NOT_COORDINATOR)
    log.asyncReads = true
    runtime.load(0, log)
    expect(add('one')).to.equal(-ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    await new Promise((resolve) => setImmediate(resolve))
    expect(add('one')).to.equal(1)
    runtime.unload(0)
    expect(runtime.status(0)).to.equal(ErrorCode.NOT_COORDINATOR)
  })

  it('reads the log again after an unload, and fails what waited', async () => {
    const { runtime, log, add, send, machines } = setUp()
    runtime.load(0, log)
    add('one')
    const waits = send((slot) => ({ type: 'wait', slot }))
    runtime.unload(0)
    expect(await waits).to.equal(-ErrorCode.NOT_COORDINATOR)
    runtime.load(0, log)
    expect(machines[1]!.words).to.deep.equal(['one'])
  })

  it('coordinates nothing while the cluster may take its broker for dead, and reads again what it has kept', async () => {
    const { runtime, log, add, send } = setUp()
    runtime.load(0, log)
    add('one')
    const waits = send((slot) => ({ type: 'wait', slot }))
    runtime.setStanding(false)
    expect(await waits).to.equal(-ErrorCode.NOT_COORDINATOR)
    expect(add('two')).to.equal(-ErrorCode.NOT_COORDINATOR)
    expect(log.listeners).to.equal(0)
    runtime.load(1, new MemoryShardLog())
    expect(runtime.status(1)).to.equal(ErrorCode.NOT_COORDINATOR)
    runtime.setStanding(true)
    expect([0, 1].map((partition) => runtime.status(partition))).to.deep.equal([ErrorCode.NONE, ErrorCode.NONE])
    expect(add('two'), 'what was there before').to.equal(2)
  })

  it('ignores a load of the same epoch and takes over with a higher one', () => {
    const { runtime, log, machines } = setUp()
    runtime.load(0, log)
    runtime.load(0, log)
    expect(machines).to.have.length(1)
    runtime.load(0, new MemoryShardLog(1))
    expect(machines).to.have.length(2)
    expect(log.listeners).to.equal(0)
  })

  it('drops what it thought when the log refuses, and reads it again', async () => {
    const { runtime, log, clock, add, send, machines } = setUp()
    runtime.load(0, log)
    add('one')
    const waits = send((slot) => ({ type: 'wait', slot }))
    log.failNext.push(ErrorCode.NOT_ENOUGH_REPLICAS)
    expect(add('lost')).to.equal(-ErrorCode.COORDINATOR_NOT_AVAILABLE)
    expect(await waits).to.equal(-ErrorCode.NOT_COORDINATOR)
    expect(runtime.status(0)).to.equal(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    clock.advance(100)
    expect(machines[1]!.words).to.deep.equal(['one'])
    expect(add('two')).to.equal(2)
  })

  it('fails one command alone when the log refuses it and deciding had changed nothing else', async () => {
    const { runtime, log, send, machines } = setUp()
    runtime.load(0, log)
    const waits = send((slot) => ({ type: 'wait', slot }))
    log.failNext.push(ErrorCode.NOT_ENOUGH_REPLICAS)
    const alone = send((slot) => ({ type: 'add', words: ['lost'], slot, standsAlone: true }))
    expect(alone).to.equal(-ErrorCode.COORDINATOR_NOT_AVAILABLE)
    // What was written of a divisible decision is there, in memory as in the log.
    log.maxBatchBytes = 100
    const long = 'w'.repeat(12)
    log.refuseAfter(1, ErrorCode.NOT_LEADER_OR_FOLLOWER)
    const part = send((slot) => ({ type: 'add', words: [long, long], slot, divisible: true, standsAlone: true }))
    expect(part).to.equal(-ErrorCode.NOT_COORDINATOR)
    expect(machines[0]!.words).to.deep.equal([long])
    expect(send((slot) => ({ type: 'add', words: ['two'], slot }))).to.equal(2)
    expect(machines).to.have.length(1)
    runtime.unload(0)
    expect(await waits).to.equal(-ErrorCode.NOT_COORDINATOR)
  })

  it('decides something else when a machine has an answer to a refusal, except after a failed write', () => {
    const { runtime, log, send, machines, clock } = setUp()
    runtime.load(0, log)
    log.failNext.push(ErrorCode.NOT_ENOUGH_REPLICAS)
    expect(send((slot) => ({ type: 'add', words: ['lost'], slot, ifRefused: 9 }))).to.equal(9)
    expect(machines).to.have.length(1)
    log.failNext.push(ErrorCode.KAFKA_STORAGE_ERROR)
    const broken = send((slot) => ({ type: 'add', words: ['lost'], slot, ifRefused: 9, standsAlone: true }))
    expect(broken).to.equal(-ErrorCode.NOT_COORDINATOR)
    clock.advance(100)
    expect(machines).to.have.length(2)
  })

  it('survives a throw in the machine, and a log that cannot be read', () => {
    const { runtime, log, clock, add } = setUp()
    runtime.load(0, log)
    runtime.submit(0, { type: 'throw' }, null)
    expect(runtime.status(0)).to.equal(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    log.failReads = true
    clock.advance(100)
    expect(runtime.status(0)).to.equal(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    log.failReads = false
    clock.advance(100)
    expect(add('one')).to.equal(1)
  })

  it('reads a log that cannot be read less and less often', () => {
    const { runtime, log, clock, machines } = setUp()
    log.failReads = true
    runtime.load(0, log)
    clock.advance(60_000)
    expect(machines).to.have.length.within(10, 15)
    log.failReads = false
    clock.advance(10_000)
    expect(runtime.status(0)).to.equal(ErrorCode.NONE)
  })

  it('appends a transaction, its end, and reads both again', async () => {
    const { runtime, log, send, machines } = setUp()
    const producer = { producerId: 9, producerEpoch: 1 }
    expect(runtime.completeTransaction(0, { ...producer, coordinatorEpoch: 2, commit: true })).to.equal(
      ErrorCode.NOT_COORDINATOR,
    )
    runtime.load(0, log)
    send((slot) => ({ type: 'add', words: ['one', 'two'], slot, producer }))
    log.held = true
    const done = runtime.completeTransaction(0, { ...producer, coordinatorEpoch: 2, commit: true })
    expect(done).to.be.instanceOf(Promise)
    log.held = false
    log.commit()
    expect(await done).to.equal(ErrorCode.NONE)
    const words = ['one of 9 at 0', 'two of 9 at 1', 'commit of 9 epoch 1']
    expect(machines[0]!.words).to.deep.equal(words)
    // A coordinator that is not in charge any more changes nothing and breaks nothing.
    const late = { ...producer, coordinatorEpoch: 1, commit: false }
    expect(runtime.completeTransaction(0, late)).to.equal(ErrorCode.TRANSACTION_COORDINATOR_FENCED)
    expect(machines[0]!.words).to.deep.equal(words)
    runtime.unload(0)
    runtime.load(0, log)
    expect(machines[1]!.words).to.deep.equal(words)
  })

  it('splits a divisible decision, replaces one that is not, and breaks without an alternative', () => {
    const { runtime, log, send } = setUp()
    runtime.load(0, log)
    log.maxBatchBytes = 100
    const large = 'w'.repeat(12)
    expect(send((slot) => ({ type: 'add', words: [large, large], slot, orElse: 7 }))).to.equal(7)
    expect(log.batches).to.equal(0)
    expect(send((slot) => ({ type: 'add', words: [large, large], slot, divisible: true }))).to.equal(2)
    expect(log.batches).to.equal(2)
    expect(send((slot) => ({ type: 'add', words: [large, large], slot }))).to.equal(-ErrorCode.UNKNOWN_SERVER_ERROR)
  })

  it('decides what a timer brings, and nothing after close', () => {
    const { runtime, log, clock, send, machines } = setUp()
    runtime.load(0, log)
    send((slot) => ({ type: 'later', word: 'late', delayMs: 50, slot }))
    clock.advance(49)
    expect(machines[0]!.words).to.deep.equal([])
    clock.advance(1)
    expect(machines[0]!.words).to.deep.equal(['late'])
    send((slot) => ({ type: 'later', word: 'never', delayMs: 50, slot }))
    runtime.close()
    expect(runtime.pending).to.equal(0)
    expect(clock.pendingTimers).to.equal(0)
  })

  it('lets a reply bring in the next command', () => {
    const { runtime, log, add } = setUp()
    runtime.load(0, log)
    log.held = true
    const heard: number[] = []
    const slot: Slot<number> = {
      send: (count) => {
        heard.push(count)
        if (heard.length < 3) runtime.submit(0, { type: 'add', words: ['more'], slot }, slot)
      },
      fail: () => heard.push(-1),
    }
    runtime.submit(0, { type: 'add', words: ['first'], slot }, slot)
    log.held = false
    log.commit()
    expect(heard).to.deep.equal([1, 2, 3])
    expect(add('last')).to.equal(4)
  })
})

describe('coordinator/timers', () => {
  it('moves a deadline without a new host timer, and back with one', () => {
    const clock = new VirtualClock()
    const fired: string[] = []
    const timers = new KeyedTimers<string>(clock, (command) => fired.push(command))
    timers.schedule('k', 100, 'first')
    clock.advance(50)
    timers.schedule('k', 100, 'moved')
    expect(clock.pendingTimers).to.equal(1)
    clock.advance(99)
    expect(fired).to.deep.equal([])
    clock.advance(1)
    expect(fired).to.deep.equal(['moved'])
    timers.schedule('k', 100, 'late')
    timers.schedule('k', 10, 'early')
    clock.advance(10)
    expect(fired).to.deep.equal(['moved', 'early'])
    expect(timers.size).to.equal(0)
    timers.schedule('k', 10, 'never')
    timers.cancel('k')
    clock.advance(1_000)
    expect(fired).to.have.length(2)
  })
})

describe('coordinator/partition-for', () => {
  it('agrees with Kafka on every recorded id', () => {
    const { coordinatorPartition } = goldenJson<{
      coordinatorPartition: { id: string; partition: Record<string, number> }[]
    }>('hashes.json')
    expect(coordinatorPartition.length).to.be.greaterThan(5)
    for (const { id, partition } of coordinatorPartition) {
      for (const [count, expected] of Object.entries(partition)) {
        expect(partitionFor(id, Number(count)), id).to.equal(expected)
      }
    }
  })
})
