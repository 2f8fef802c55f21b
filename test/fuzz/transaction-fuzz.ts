/**
 * Random producers against one shard of the transaction coordinator, on a virtual clock: inits, bumps, adds, ends, lost answers, a high
 * watermark that stays behind, markers that fail or hang, appends that fail, fail-overs, timeouts, another feature level. After every step and at
 * rest the invariants of `TransactionInvariants` hold. A seed gives the same run again.
 */
import type { Answer } from '../../lib/broker/group/answer.js'
import type { ProducerIdReply } from '../../lib/broker/transaction/commands.js'
import { ErrorCode } from '../../protocol/errors.js'
import { makeRig, type Rig } from '../broker/transaction/rig.js'
import { Dice } from './target.js'
import { TransactionInvariants } from './transaction-invariants.js'

const IDS = ['x', 'y']
const PARTITIONS = ['a-0', 'a-1', 'b-0', 'c-0']
const CLIENTS = 4
/** Longer than every timeout and pause, several times over. */
const REST_MS = 3_600_000

interface Client {
  readonly transactionalId: string
  readonly version: number
  producerId: number
  producerEpoch: number
  /** Partitions that the coordinator has let it write to in its open transaction. */
  open: Set<string>
  waits: boolean
}

/** Runs `steps` random steps of this seed. Throws, with the seed and the step, when something does not hold. */
export async function fuzzTransactions(seed: number, steps = 300): Promise<void> {
  const run = new TransactionFuzz(seed)
  for (let step = 0; step < steps; step++) {
    try {
      run.step()
      for (let i = 0; i < 4; i++) await Promise.resolve()
      run.check()
    } catch (error) {
      throw new Error(`transaction fuzz: seed ${seed}, step ${step} (${run.lastStep})`, { cause: error })
    }
  }
  try {
    await run.rest()
  } catch (error) {
    throw new Error(`transaction fuzz: seed ${seed}, at rest`, { cause: error })
  }
}

class TransactionFuzz {
  lastStep = 'start'
  readonly #dice: Dice
  readonly #rig: Rig
  readonly #clients: Client[]
  readonly #invariants: TransactionInvariants
  #asked = 0
  #answered = 0

  constructor(seed: number) {
    this.#dice = new Dice(seed)
    this.#rig = makeRig({
      abortIntervalMs: 1_000,
      expirationMs: 20_000,
      expirationIntervalMs: 5_000,
      markerRetryMs: 50,
    })
    this.#invariants = new TransactionInvariants(this.#rig)
    const version = this.#dice.pick([0, 2, 2])
    this.#rig.feature.level = version
    this.#clients = Array.from({ length: CLIENTS }, (_, i) => ({
      transactionalId: IDS[i % IDS.length]!,
      version,
      producerId: -1,
      producerEpoch: -1,
      open: new Set(),
      waits: false,
    }))
  }

  step(): void {
    const client = this.#dice.pick(this.#clients)
    const dice = this.#dice.below(100)
    if (client.producerId < 0 && !client.waits && dice < 70) this.#init(client, false)
    else if (dice < 40) this.#add(client)
    else if (dice < 60) this.#end(client)
    else if (dice < 64) this.#init(client, false)
    else if (dice < 68) this.#init(client, true)
    else if (dice < 84) this.#advance()
    else this.#disturb()
  }

  check(): void {
    this.#invariants.check()
  }

  async rest(): Promise<void> {
    const { log, markers, clock, coordinator } = this.#rig
    log.failNext.length = 0
    markers.outcomes.clear()
    markers.release()
    log.held = false
    log.commit()
    for (let i = 0; i < 40; i++) {
      clock.advance(REST_MS / 40)
      for (let turn = 0; turn < 6; turn++) await Promise.resolve()
      this.check()
    }
    this.#invariants.checkAtRest()
    if (this.#asked !== this.#answered) throw new Error(`${this.#asked} questions, ${this.#answered} answers`)
    coordinator.close()
    if (log.listeners !== 0) throw new Error('a closed coordinator still listens')
  }

  #init(client: Client, bumps: boolean): void {
    const { transactionalId, producerId, producerEpoch } = client
    this.lastStep = `init ${transactionalId}${bumps ? ` as ${producerId}/${producerEpoch}` : ''}`
    const expected = bumps && producerId >= 0 ? { producerId, producerEpoch } : null
    const timeoutMs = this.#dice.pick([2_000, 30_000])
    const reply = this.#rig.coordinator.initProducerId({ transactionalId, timeoutMs, expected })
    this.#hear(client, reply, (answer) => this.#become(client, answer))
  }

  #become(client: Client, { errorCode, producerId, producerEpoch }: ProducerIdReply): void {
    if (errorCode !== ErrorCode.NONE) return
    // Sometimes the answer is lost on its way.
    if (this.#dice.chance(0.1)) return
    Object.assign(client, { producerId, producerEpoch, open: new Set<string>() })
  }

  #add(client: Client): void {
    const { transactionalId, producerId, producerEpoch, version } = client
    const partition = this.#dice.pick(PARTITIONS)
    this.lastStep = `add ${transactionalId} ${producerId}/${producerEpoch} ${partition}`
    const [topic, id] = partition.split('-')
    const partitions = [{ topic: topic!, partitionIds: [Number(id)] }]
    const command = { transactionalId, producerId, producerEpoch, partitions, transactionVersion: version }
    this.#hear(client, this.#rig.coordinator.addPartitions(command), ({ errorCode }) => {
      if (errorCode === ErrorCode.NONE && client.producerEpoch === producerEpoch) client.open.add(partition)
    })
  }

  #end(client: Client): void {
    const { transactionalId, producerId, producerEpoch, version, open } = client
    const commit = this.#dice.chance(0.6)
    this.lastStep = `${commit ? 'commit' : 'abort'} ${transactionalId} ${producerId}/${producerEpoch}`
    const began = open.size > 0
    const command = { transactionalId, producerId, producerEpoch, commit, transactionVersion: version }
    this.#hear(client, this.#rig.coordinator.endTransaction(command), (answer) => {
      if (answer.errorCode !== ErrorCode.NONE) {
        // It may have ended all the same: what the next end is about, nobody knows.
        client.open = new Set()
        return
      }
      if (began && commit) this.#invariants.acknowledged(transactionalId, producerId, [...open])
      if (version >= 2) this.#become(client, answer)
      else client.open = new Set()
    })
  }

  #advance(): void {
    const ms = this.#dice.pick([1, 50, 500, 3_000, 12_000])
    this.lastStep = `advance ${ms}`
    this.#rig.clock.advance(ms)
  }

  #disturb(): void {
    const { log, markers, coordinator } = this.#rig
    const what = this.#dice.pick(['hold', 'release', 'fail', 'hold markers', 'release markers', 'outcome', 'reload'])
    this.lastStep = what
    if (what === 'hold') log.held = true
    else if (what === 'fail') log.failNext.push(ErrorCode.NOT_ENOUGH_REPLICAS)
    else if (what === 'hold markers') markers.held = true
    else if (what === 'release markers') markers.release()
    else if (what === 'release') {
      log.held = false
      log.commit()
    } else if (what === 'outcome') {
      const code = this.#dice.pick([ErrorCode.NONE, ErrorCode.NONE, ErrorCode.NOT_LEADER_OR_FOLLOWER])
      markers.outcomes.set(this.#dice.pick(PARTITIONS), code)
    } else {
      coordinator.unload(0)
      coordinator.load(0, log)
    }
  }

  #hear<T>(client: Client, answer: Answer<T>, learn: (answer: T) => void): void {
    this.#asked++
    client.waits = true
    const heard = (value: T): void => {
      this.#answered++
      client.waits = false
      learn(value)
    }
    if (answer instanceof Promise) void answer.then(heard)
    else heard(answer)
  }
}
