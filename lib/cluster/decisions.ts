/**
 * The controller's queue of commands: decided in order, each against the image that includes the ones before, appended together with its
 * neighbours, answered when the image (and, where that takes time, every live broker) has them. What is too much for one append is appended by
 * fewer commands; a single command that is too large is refused, as Kafka refuses too many records of one operation.
 */
import { ErrorCode } from '../../protocol/errors.js'
import { applyAll } from '../metadata/apply.js'
import type { MetadataRecord } from '../metadata/records.js'
import type { MetadataStore } from '../metadata/store.js'
import type { ControlContext, Decide, Outcome } from './control/command.js'
import type { AppendResult, ControllerLease, Coordination } from './coordination/coordination.js'

export interface DecisionsPorts {
  readonly coordination: Pick<Coordination, 'append'>
  readonly metadata: MetadataStore
  readonly context: ControlContext
  /** The lease while it is this broker's, else null. */
  lease(): ControllerLease | null
  /** Records that were appended. */
  note(records: readonly MetadataRecord[]): void
  /** Resolves when every live broker has the record at this offset; undefined where all have it when it is here. */
  readonly seenEverywhere: ((offset: number) => Promise<void>) | undefined
}

/** A command on its way: decided in order, appended together with its neighbours, answered when the image has it. */
interface Pending {
  /** Its records mean the same one after the other: they may be appended in several batches. */
  readonly isDivisible: boolean
  decide(context: ControlContext, image: Parameters<Decide<unknown>>[0]): readonly MetadataRecord[]
  answer(): void
  refuse(errorCode: ErrorCode, message: string): void
  reject(error: unknown): void
}

export class Decisions {
  readonly #ports: DecisionsPorts
  readonly #pending: Pending[] = []
  #running = false
  /** How many commands the next batch takes: fewer after one that was too large. */
  #most = Number.POSITIVE_INFINITY

  constructor(ports: DecisionsPorts) {
    this.#ports = ports
  }

  submit<Results>(
    decide: Decide<Results>,
    refused: (outcome: Outcome) => Results,
    { isDivisible = false } = {},
  ): Promise<Results> {
    return new Promise((resolve, reject) => {
      let results: Results
      this.#pending.push({
        isDivisible,
        decide(context, image) {
          const decision = decide(image, context)
          results = decision.results
          return decision.records
        },
        answer: () => resolve(results),
        refuse: (errorCode, errorMessage) => resolve(refused({ errorCode, errorMessage })),
        reject,
      })
      if (!this.#running) void this.#run()
    })
  }

  /** Orchestrator: awaits the append, so the lease is looked at again for every batch. */
  async #run(): Promise<void> {
    this.#running = true
    while (this.#pending.length > 0) {
      const lease = this.#ports.lease()
      if (lease === null) {
        this.refuseAll('This broker is not the controller.')
        break
      }
      const most = this.#most
      this.#most = Number.POSITIVE_INFINITY
      await this.#decideAndAppend(this.#pending.splice(0, most), lease)
    }
    this.#running = false
  }

  async #decideAndAppend(batch: readonly Pending[], lease: ControllerLease): Promise<void> {
    let { image } = this.#ports.metadata
    const records: MetadataRecord[] = []
    const decided: Pending[] = []
    for (const command of batch) {
      try {
        const more = command.decide(this.#ports.context, image)
        image = applyAll(image, more)
        for (const record of more) records.push(record)
        decided.push(command)
      } catch (error) {
        // A bug in one decision takes down that command, not the controller.
        command.reject(error)
      }
    }
    if (records.length > 0) {
      try {
        const { errorCode, offset } = await this.#append(records, decided, lease)
        if (errorCode === ErrorCode.RECORD_LIST_TOO_LARGE) {
          this.#tooLarge(decided)
          return
        }
        if (errorCode !== ErrorCode.NONE) {
          const code = errorCode === ErrorCode.STALE_CONTROLLER_EPOCH ? ErrorCode.NOT_CONTROLLER : errorCode
          for (const command of decided) command.refuse(code, 'The change could not be recorded by this controller.')
          return
        }
        this.#ports.note(records)
        await this.#ports.metadata.reached(offset)
        if (this.#ports.seenEverywhere !== undefined) {
          // The next commands need not wait for brokers that lag; who asked for these must.
          void this.#ports.seenEverywhere(offset).then(() => {
            for (const command of decided) command.answer()
          })
          return
        }
      } catch (error) {
        for (const command of decided) command.reject(error)
        return
      }
    }
    for (const command of decided) command.answer()
  }

  async #append(
    records: readonly MetadataRecord[],
    commands: readonly Pending[],
    lease: ControllerLease,
  ): Promise<AppendResult> {
    const { coordination } = this.#ports
    const whole = await coordination.append(records, lease.controllerEpoch)
    const [command, ...more] = commands
    const mayHalve = more.length === 0 && command!.isDivisible && records.length > 1
    if (whole.errorCode !== ErrorCode.RECORD_LIST_TOO_LARGE || !mayHalve) return whole
    const half = Math.ceil(records.length / 2)
    const first = await this.#append(records.slice(0, half), commands, lease)
    return first.errorCode === ErrorCode.NONE ? this.#append(records.slice(half), commands, lease) : first
  }

  /** Nothing of them was appended. The first half is decided again and appended by itself, and everything behind it after that. */
  #tooLarge(commands: readonly Pending[]): void {
    if (commands.length === 1) {
      commands[0]!.refuse(ErrorCode.POLICY_VIOLATION, 'The change is too large to be made at once: ask for less of it.')
      return
    }
    this.#pending.unshift(...commands)
    this.#most = Math.ceil(commands.length / 2)
  }

  /** NOT_CONTROLLER for everything that waits. */
  refuseAll(message: string): void {
    for (const command of this.#pending.splice(0)) command.refuse(ErrorCode.NOT_CONTROLLER, message)
  }
}
