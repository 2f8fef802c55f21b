import type { Logger } from '../../host/logger.js'
import type { Random } from '../../host/random.js'
import { Decision } from '../coordinator/contract.js'
import type { GroupCommand } from './commands.js'
import type { GroupConfig } from './config.js'
import type { OffsetStore } from './offsets/store.js'
import type { GroupRecord } from './records.js'
import type { GroupRegistry } from './registry.js'

export type GroupDecision = Decision<GroupCommand, GroupRecord>

/** What the state machine's parts share within one shard. */
export interface GroupContext {
  readonly config: GroupConfig
  readonly registry: GroupRegistry
  readonly offsets: OffsetStore
  readonly random: Random
  readonly logger: Logger
}

/** One decision in the making: the state it looks at, the time, and what it has decided so far. */
export interface Turn extends GroupContext {
  /** Wall time in ms. */
  readonly now: number
  readonly out: GroupDecision
}

export function newTurn(context: GroupContext, now: number): Turn {
  const { config, registry, offsets, random, logger } = context
  return { config, registry, offsets, random, logger, now, out: new Decision() }
}

/** The same turn with nothing decided yet: for `ifTooLarge`. */
export function restart(turn: Turn): Turn {
  return newTurn(turn, turn.now)
}
