/** What the dispatcher gives a connection for a frame. */
import type { ConnectionView } from './context.js'

/** What a frame turns into. */
export type FrameReply = FrameOutcome | PendingReply | ReplyAfterWrite
export type FrameOutcome = readonly Buffer[] | LentReply | typeof NO_REPLY | Hangup
export const NO_REPLY = Symbol('no reply')

/** A reply in memory that is used again: `release` is called once it has left, or never. */
export class LentReply {
  constructor(
    readonly pieces: readonly Buffer[],
    readonly release: () => void,
  ) {}
}

/** The connection has to go; `reason` is for the log. */
export class Hangup {
  constructor(readonly reason: string) {}
}

/** A reply that is not known yet. `pipelinedKey` names the API whose further requests may start meanwhile; -1 for none. */
export class PendingReply {
  constructor(
    readonly outcome: Promise<FrameOutcome>,
    readonly pipelinedKey: number,
  ) {}
}

/** A reply to ask for when what its read appended has been written, in the same turn. `pipelinedKey` as above. */
export class ReplyAfterWrite {
  constructor(
    readonly ask: () => FrameOutcome | PendingReply,
    readonly pipelinedKey: number,
  ) {}
}

/** For whoever gathers no writes: the microtask at the end of the turn does it then. */
export function outcomeOf(reply: FrameReply): FrameOutcome | Promise<FrameOutcome> {
  const asked = reply instanceof ReplyAfterWrite ? reply.ask() : reply
  return asked instanceof PendingReply ? asked.outcome : asked
}

export interface FrameDispatcher {
  /** The API key decides whether the frame may overtake; -1 when the frame is too short to tell. */
  apiKeyOf(frame: Buffer): number
  dispatch(frame: Buffer, connection: ConnectionView): FrameReply
}
