import type { Slot } from '../../coordinator/contract.js'
import type { JoinGroupProtocol, JoinGroupReply, SyncGroupReply } from '../commands.js'

export const EMPTY_BYTES = Buffer.alloc(0)

/** One member of a classic group. What it waits for (`awaitingJoin`, `awaitingSync`) is volatile: it is not in the log. */
export class ClassicMember {
  /** Protocols in the order in which the member prefers them. After a reload: only the one that was selected. */
  protocols: readonly JoinGroupProtocol[]
  assignment: Buffer = EMPTY_BYTES
  /** Its JoinGroup waits for the others. */
  awaitingJoin: Slot<JoinGroupReply> | null = null
  /** Its SyncGroup waits for the leader's. */
  awaitingSync: Slot<SyncGroupReply> | null = null
  /** Has not been in a generation yet: its first JoinGroup may time out while it waits. */
  isNew = false
  /** Key of its session timer. */
  readonly sessionKey: string

  constructor(
    readonly memberId: string,
    readonly groupInstanceId: string | null,
    readonly clientId: string,
    readonly clientHost: string,
    public rebalanceTimeoutMs: number,
    public sessionTimeoutMs: number,
    protocols: readonly JoinGroupProtocol[],
    groupId: string,
  ) {
    this.protocols = protocols
    this.sessionKey = sessionKey(groupId, memberId)
  }

  metadata(protocolName: string): Buffer {
    for (const protocol of this.protocols) {
      if (protocol.name === protocolName) return protocol.metadata
    }
    throw new Error(`Member ${this.memberId} has no metadata for protocol ${protocolName}.`)
  }

  /** The same names with the same bytes, in the same order. */
  matches(protocols: readonly JoinGroupProtocol[]): boolean {
    if (protocols.length !== this.protocols.length) return false
    return protocols.every((protocol, i) => {
      const own = this.protocols[i]!
      return own.name === protocol.name && own.metadata.equals(protocol.metadata)
    })
  }

  /** The protocol this member likes best among those that all support. */
  vote(candidates: ReadonlySet<string>): string {
    for (const protocol of this.protocols) {
      if (candidates.has(protocol.name)) return protocol.name
    }
    throw new Error(`Member ${this.memberId} supports none of the group's protocols.`)
  }
}

export function sessionKey(groupId: string, memberId: string): string {
  return `session ${groupId} ${memberId}`
}
