/**
 * The port through which brokers agree: an ordered, fenced metadata log, a register of the members that live, and one controller
 * lease. One object per broker. Engines: `embedded` (brokers of one process) and ZooKeeper (brokers anywhere); every engine
 * passes `test/contracts/coordination.ts`.
 *
 * Promises of every engine:
 * A. All members see the same records in the same order, each exactly once, a batch never in part.
 * B. A batch is appended only under the current lease: a controller that lost it appends nothing more.
 * C. At most one member holds the lease for an epoch, and epochs only rise.
 * D. Callbacks of one member never overlap and follow the order of the log.
 * E. When `append` resolves with success, the appender has been given the records.
 */
import type { ErrorCode } from '../../../protocol/errors.js'
import type { MetadataRecord } from '../../metadata/records.js'

export interface Coordination {
  /** Every member has been given the records when `append` resolves, not only the appender. */
  readonly tellsAllAtOnce: boolean
  /**
   * Monotonic ms until which this broker certainly counts as alive; Infinity where the others cannot lose sight of it. `onDoubt` says the same by
   * a timer: a process that was frozen reads its sockets before its timers, so whoever leads asks this, too.
   */
  readonly aliveUntilMs: number
  /**
   * Joins: gives the listener a snapshot (when there is one), the records since then, the lease and the members, and goes on with
   * whatever happens. Resolves when the listener has everything there was at the start. Called once.
   */
  start(listener: CoordinationListener): Promise<void>
  /** Makes this broker a live member. Its epoch is larger than that of any earlier life. */
  register(member: MemberInfo): Promise<{ brokerEpoch: number }>
  /** Asks for the controller lease, now and whenever it falls free, until `resign`. The outcome arrives as `onController`. */
  campaign(): void
  resign(): void
  /**
   * Appends one atomic batch under a controller epoch. errorCode: NONE; STALE_CONTROLLER_EPOCH when the lease is another's (nothing
   * was appended); RECORD_LIST_TOO_LARGE when the engine cannot take so much at once (nothing was appended); REQUEST_TIMED_OUT when the outcome is unknown (read the log before deciding again).
   */
  append(records: readonly MetadataRecord[], controllerEpoch: number): Promise<AppendResult>
  /** Leaves: the member is gone and its lease is free. No callback comes after this resolves. */
  close(): Promise<void>
}

export interface CoordinationListener {
  /** Forget everything; these records build the state up to and including `offset`. */
  onSnapshot(records: readonly MetadataRecord[], offset: number): void
  /** A batch whose first record has `baseOffset`. */
  onRecords(records: readonly MetadataRecord[], baseOffset: number): void
  /** The lease changed hands; null while nobody has it. */
  onController(lease: ControllerLease | null): void
  /** Every live member, after one came or went. */
  onMembers(members: readonly LiveMember[]): void
  /**
   * True: the others may already take this broker for dead, so it must neither acknowledge nor lead. False: they did not, it goes on. An
   * engine whose members cannot lose sight of each other never calls it.
   */
  onDoubt(inDoubt: boolean): void
  /** This broker's membership is lost for good; it must stop leading at once. The engine joins again by itself, with a new broker epoch. */
  onExpelled(): void
}

export interface AppendResult {
  readonly errorCode: ErrorCode
  /** Offset of the batch's last record, -1 on error. */
  readonly offset: number
}

export interface ControllerLease {
  readonly controllerId: number
  readonly controllerEpoch: number
}

/** What a broker tells the others about itself when it joins. */
export interface MemberInfo {
  readonly brokerId: number
  /** A fresh uuid per process. */
  readonly incarnationId: string
  readonly rack: string | null
  readonly endpoints: readonly { name: string; host: string; port: number; securityProtocol: string }[]
  readonly features: readonly { name: string; minSupportedVersion: number; maxSupportedVersion: number }[]
  readonly logDirs: readonly string[]
  /** Under which its last life ended cleanly, so that its logs have all it acknowledged; absent or -1 when nobody can say. */
  readonly previousBrokerEpoch?: number
}

export interface LiveMember extends MemberInfo {
  readonly brokerEpoch: number
}

/** A broker id that is taken by a live member. */
export class DuplicateMemberError extends Error {
  override readonly name = 'DuplicateMemberError'
  readonly code = 'ERR_DUPLICATE_BROKER_ID'

  constructor(readonly brokerId: number) {
    super(
      `Broker ${brokerId} is already a live member of this cluster. Give this broker another id, or stop the other one.`,
    )
  }
}
