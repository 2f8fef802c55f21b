/** What the dispatcher gives a connection for a frame. */
import type { ConnectionView } from './context.js'

/** What a frame turns into. */
export type FrameReply = FrameOutcome | PendingReply
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

export interface FrameDispatcher {
  /** The API key decides whether the frame may overtake; -1 when the frame is too short to tell. */
  apiKeyOf(frame: Buffer): number
  dispatch(frame: Buffer, connection: ConnectionView): FrameReply
}
