/**
 * Hands out producer ids (KIP-98) from blocks that the controller gives to this broker, so that no id is ever given twice, not by two
 * brokers and not after a restart. Source: RPCProducerIdManager.
 */
import { ErrorCode } from '../../../protocol/errors.js'
import type { Logger } from '../../host/logger.js'
import type { Answer } from '../group/answer.js'

/** Ids that this broker alone may give out: [firstProducerId, firstProducerId + count). */
export interface ProducerIdBlock {
  readonly errorCode: ErrorCode
  readonly firstProducerId: number
  readonly count: number
}

export interface ProducerIdsPorts {
  /** AllocateProducerIds: asks the controller for the next block. */
  readonly allocate: () => Promise<ProducerIdBlock>
  readonly logger: Logger
}

export interface NewProducerId {
  readonly errorCode: ErrorCode
  /** -1 on an error. */
  readonly producerId: number
}

/** With so much of a block left the next one is asked for, so that nobody has to wait for the controller. */
const FETCH_AHEAD_SHARE = 0.1

export class ProducerIds {
  readonly #ports: ProducerIdsPorts
  #next = 0
  #end = 0
  /** With this many ids left the next block is asked for. */
  #fetchAt = 0
  #following: ProducerIdBlock | null = null
  /** NONE, or why no block came. */
  #fetching: Promise<ErrorCode> | null = null

  constructor(ports: ProducerIdsPorts) {
    this.#ports = ports
  }

  /**
   * An id nobody has had before; a promise when the controller has to be asked first. COORDINATOR_LOAD_IN_PROGRESS when it gave none:
   * every client tries again then.
   */
  next(): Answer<NewProducerId> {
    if (this.#next === this.#end && !this.#takeFollowing()) return this.#afterFetch()
    const producerId = this.#next++
    if (this.#end - this.#next <= this.#fetchAt && this.#following === null) void this.#fetch()
    return { errorCode: ErrorCode.NONE, producerId }
  }

  async #afterFetch(): Promise<NewProducerId> {
    // Whoever waits for the same block may find it used up by others who waited, and waits for the next one.
    while (this.#next === this.#end && !this.#takeFollowing()) {
      const errorCode = await this.#fetch()
      if (errorCode !== ErrorCode.NONE) return { errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, producerId: -1 }
    }
    return this.next()
  }

  #takeFollowing(): boolean {
    const block = this.#following
    if (block === null) return false
    this.#following = null
    this.#next = block.firstProducerId
    this.#end = block.firstProducerId + block.count
    this.#fetchAt = Math.floor(block.count * FETCH_AHEAD_SHARE)
    return true
  }

  #fetch(): Promise<ErrorCode> {
    this.#fetching ??= this.#allocate().finally(() => {
      this.#fetching = null
    })
    return this.#fetching
  }

  async #allocate(): Promise<ErrorCode> {
    const { allocate, logger } = this.#ports
    try {
      const block = await allocate()
      if (block.errorCode === ErrorCode.NONE) this.#following = block
      else logger.warn(`The controller gave no producer ids: error ${block.errorCode}.`)
      return block.errorCode
    } catch (error) {
      logger.error('Producer ids could not be asked for.', { error })
      return ErrorCode.UNKNOWN_SERVER_ERROR
    }
  }
}
