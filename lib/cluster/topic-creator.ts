/** Topics that are made because somebody needs them: what a client produces to or a coordinator writes to. */
import { ErrorCode } from '../../protocol/errors.js'
import type { Logger } from '../host/logger.js'
import { NoController } from './controller-channel.js'

export interface MadeTopic {
  readonly name: string
  readonly errorCode: ErrorCode
  readonly errorMessage: string | null
}

export class TopicCreator {
  constructor(
    /** Asks the controller; topics that exist are successes. */
    private readonly autoCreate: (names: readonly string[]) => Promise<readonly MadeTopic[]>,
    private readonly logger: Logger,
  ) {}

  /** For handlers, which look at the image afterwards: what could not be created is said in the log. */
  async create(names: readonly string[]): Promise<void> {
    const failed = (await this.#make(names)).filter(({ errorCode }) => errorCode !== ErrorCode.NONE)
    const [first] = failed
    if (first === undefined) return
    // One line per request: what a client asks for must not fill the log.
    const others = failed.length === 1 ? '' : ` (and ${failed.length - 1} more)`
    this.logger.warn(`The topic ${first.name}${others} could not be auto-created: ${first.errorMessage ?? ''}`)
  }

  /** An internal topic with its own settings; NONE also when it exists. */
  async createInternal(name: string): Promise<ErrorCode> {
    const [created] = await this.#make([name])
    if (created === undefined || created.errorCode === ErrorCode.NONE) return ErrorCode.NONE
    this.logger.warn(`The internal topic ${name} could not be created: ${created.errorMessage ?? ''}`)
    return created.errorCode
  }

  /** Without a controller nothing is made: no reason to leave a client, who has asked for more than that, without an answer. */
  async #make(names: readonly string[]): Promise<readonly MadeTopic[]> {
    try {
      return await this.autoCreate(names)
    } catch (error) {
      if (!(error instanceof NoController)) throw error
      return names.map((name) => ({ name, errorCode: ErrorCode.NOT_CONTROLLER, errorMessage: error.message }))
    }
  }
}
