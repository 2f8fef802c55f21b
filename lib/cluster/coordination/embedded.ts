import { ErrorCode } from '../../../protocol/errors.js'
import { applyAll } from '../../metadata/apply.js'
import { emptyImage, type Image } from '../../metadata/image.js'
import type { MetadataRecord } from '../../metadata/records.js'
import { imageToRecords, recordsToImage } from '../../metadata/snapshot.js'
import {
  type AppendResult,
  type ControllerLease,
  type Coordination,
  type CoordinationListener,
  DuplicateMemberError,
  type LiveMember,
  type MemberInfo,
} from './coordination.js'
import { type Journal, type JournalContent, JournalError } from './journal.js'

export interface EmbeddedCoordinationOptions {
  clusterId: string
  /** Records kept for late joiners before a snapshot replaces them; bounds memory, since topics come and go in long test runs. */
  logRecordsMax?: number
}

export interface EmbeddedCoordinationPorts {
  /** Where the log is kept; without one it ends with the process. */
  readonly journal?: Journal
}

/**
 * Coordination for brokers of one process. Without a journal everything happens in the calling turn: when `append` returns its promise,
 * all members have the records. With one they have them when the journal does. Calls made from inside a callback are queued, so every
 * member sees one order.
 */
export class EmbeddedCoordination {
  readonly clusterId: string
  private readonly logRecordsMax: number
  private image: Image
  /** Offset of the last record that `image` holds as a snapshot; `log` begins after it. */
  private snapshotOffset = -1
  private snapshot: readonly MetadataRecord[] = []
  private log: { records: readonly MetadataRecord[]; baseOffset: number }[] = []
  private logRecords = 0
  private readonly clients = new Set<EmbeddedClient>()
  private readonly candidates: EmbeddedClient[] = []
  private holder: EmbeddedClient | null = null
  private lease: ControllerLease | null = null
  private controllerEpoch = 0
  private lastBrokerEpoch = 0
  private readonly queue: (() => void)[] = []
  private delivering = false
  private readonly journal: Journal | null
  private loading: Promise<void> | null = null
  /** What the journal is doing, and the appends that wait for it. Never rejects. */
  private writing: Promise<unknown> = Promise.resolve()

  constructor(options: EmbeddedCoordinationOptions, ports: EmbeddedCoordinationPorts = {}) {
    this.clusterId = options.clusterId
    this.logRecordsMax = options.logRecordsMax ?? 10_000
    this.image = emptyImage(options.clusterId)
    const { journal = null } = ports
    this.journal = journal
    if (journal !== null) {
      journal.onWantsSnapshot = () => {
        this.writing = this.writing.then(() => this.snapshotWhenDue(journal))
      }
    }
  }

  /** The port of one more broker. */
  connect(brokerId: number): Coordination {
    return new EmbeddedClient(this, brokerId)
  }

  get endOffset(): number {
    return this.image.version
  }

  /** Takes over what the journal has; once. @throws JournalError */
  load(): Promise<void> | void {
    if (this.journal === null) return
    this.loading ??= this.journal.load().then((content) => this.takeOver(content))
    return this.loading
  }

  join(client: EmbeddedClient): void {
    this.clients.add(client)
    const { listener } = client
    this.catchUp(client)
    listener.onController(this.lease)
    listener.onMembers(this.members())
  }

  register(client: EmbeddedClient, info: MemberInfo): number {
    for (const other of this.clients) {
      if (other !== client && other.member?.brokerId === info.brokerId) throw new DuplicateMemberError(info.brokerId)
    }
    // Broker epochs are larger than every offset so far, as in KRaft, where the epoch is the registration's offset.
    this.lastBrokerEpoch = Math.max(this.lastBrokerEpoch, this.image.version) + 1
    client.member = { ...info, brokerEpoch: this.lastBrokerEpoch }
    this.tellMembers()
    return this.lastBrokerEpoch
  }

  campaign(client: EmbeddedClient): void {
    if (this.candidates.includes(client)) return
    this.candidates.push(client)
    this.elect()
  }

  resign(client: EmbeddedClient): void {
    const at = this.candidates.indexOf(client)
    if (at >= 0) this.candidates.splice(at, 1)
    if (this.holder !== client) return
    this.holder = null
    this.lease = null
    if (this.candidates.length > 0) this.elect()
    else this.tell((listener) => listener.onController(null))
  }

  append(
    client: EmbeddedClient,
    records: readonly MetadataRecord[],
    controllerEpoch: number,
  ): AppendResult | Promise<AppendResult> {
    const { journal } = this
    if (journal === null) return this.refusal(client, controllerEpoch) ?? this.commit(records)
    // One after the other: where a batch begins is known when the one before has ended.
    const appended = this.writing.then(() => this.appendDurably(journal, client, records, controllerEpoch))
    this.writing = appended.then(
      () => this.snapshotWhenDue(journal),
      () => {},
    )
    return appended
  }

  /** Before the next append, and in nobody's way. */
  private async snapshotWhenDue(journal: Journal): Promise<void> {
    if (journal.wantsSnapshot) {
      await journal.snapshot(imageToRecords(this.image), this.image.version, this.controllerEpoch)
    }
  }

  /** Resolves when no append is under way. */
  async settled(): Promise<void> {
    await this.writing
  }

  /** Orchestrator: the lease is looked at when the batch's turn has come. What the journal has is delivered whoever leads by then. */
  private async appendDurably(
    journal: Journal,
    client: EmbeddedClient,
    records: readonly MetadataRecord[],
    controllerEpoch: number,
  ): Promise<AppendResult> {
    const refusal = this.refusal(client, controllerEpoch)
    if (refusal !== null) return refusal
    if (records.length === 0) return this.commit(records)
    try {
      await journal.append({ records, baseOffset: this.image.version + 1, controllerEpoch })
    } catch (error) {
      if (!(error instanceof JournalError)) throw error
      // Broken: perhaps it is there and perhaps not; the next start will know.
      return { errorCode: error.isBroken ? ErrorCode.REQUEST_TIMED_OUT : ErrorCode.KAFKA_STORAGE_ERROR, offset: -1 }
    }
    return this.commit(records)
  }

  private takeOver({ snapshot, batches, controllerEpoch }: JournalContent): void {
    this.controllerEpoch = controllerEpoch
    if (snapshot !== null) {
      this.snapshot = snapshot.records
      this.snapshotOffset = snapshot.offset
      this.image = recordsToImage(snapshot.records, snapshot.offset, this.clusterId)
    }
    for (const { records, baseOffset } of batches) {
      this.image = applyAll(this.image, records)
      this.log.push({ records, baseOffset })
      this.logRecords += records.length
    }
    if (this.logRecords > this.logRecordsMax) this.compact()
    for (const { epoch } of this.image.brokers.values()) this.lastBrokerEpoch = Math.max(this.lastBrokerEpoch, epoch)
  }

  private refusal(client: EmbeddedClient, controllerEpoch: number): AppendResult | null {
    const isCurrent = this.holder === client && controllerEpoch === this.controllerEpoch
    return isCurrent ? null : { errorCode: ErrorCode.STALE_CONTROLLER_EPOCH, offset: -1 }
  }

  private commit(records: readonly MetadataRecord[]): AppendResult {
    if (records.length === 0) return { errorCode: ErrorCode.NONE, offset: this.image.version }
    const baseOffset = this.image.version + 1
    this.image = applyAll(this.image, records)
    this.log.push({ records, baseOffset })
    this.logRecords += records.length
    this.tell((listener, client) => {
      // A member that joined meanwhile had this batch from the log.
      if (baseOffset <= client.delivered) return
      client.delivered = baseOffset + records.length - 1
      listener.onRecords(records, baseOffset)
    })
    if (this.logRecords > this.logRecordsMax) this.tell(null)
    return { errorCode: ErrorCode.NONE, offset: this.image.version }
  }

  leave(client: EmbeddedClient): void {
    this.clients.delete(client)
    const wasMember = client.member !== null
    client.member = null
    this.resign(client)
    if (wasMember) this.tellMembers()
  }

  /** Cuts a broker off: the others see it go, and it hears nothing more. For tests of what a partitioned network does. */
  isolate(brokerId: number): void {
    for (const client of this.clients) {
      if (client.brokerId !== brokerId || client.cut !== null) continue
      client.cut = { member: client.member, isCandidate: this.candidates.includes(client) }
      client.member = null
      // Its own clock tells it before the others act, as with every engine.
      client.listener.onDoubt(true)
      this.resign(client)
      this.tellMembers()
    }
  }

  /** Ends `isolate`: the broker hears what it has missed and joins again under a new epoch. */
  rejoin(brokerId: number): void {
    for (const client of this.clients) {
      const { cut, listener } = client
      if (client.brokerId !== brokerId || cut === null) continue
      client.cut = null
      listener.onExpelled()
      this.catchUp(client)
      listener.onController(this.lease)
      if (cut.member === null) listener.onMembers(this.members())
      else this.register(client, cut.member)
      if (cut.isCandidate) this.campaign(client)
    }
  }

  private catchUp(client: EmbeddedClient): void {
    const { listener } = client
    if (this.snapshotOffset > client.delivered) {
      listener.onSnapshot(this.snapshot, this.snapshotOffset)
      client.delivered = this.snapshotOffset
    }
    for (const { records, baseOffset } of this.log)
      if (baseOffset > client.delivered) listener.onRecords(records, baseOffset)
    client.delivered = this.image.version
  }

  private elect(): void {
    const next = this.candidates[0]
    if (this.holder !== null || next === undefined) return
    this.holder = next
    this.lease = { controllerId: next.brokerId, controllerEpoch: ++this.controllerEpoch }
    const { lease } = this
    this.tell((listener) => listener.onController(lease))
  }

  private members(): LiveMember[] {
    const members: LiveMember[] = []
    for (const { member } of this.clients) if (member !== null) members.push(member)
    return members.sort((a, b) => a.brokerId - b.brokerId)
  }

  private tellMembers(): void {
    this.tell((listener) => listener.onMembers(this.members()))
  }

  /** Calls every listener, after what is already on its way; null compacts the log between two deliveries. */
  private tell(call: ((listener: CoordinationListener, client: EmbeddedClient) => void) | null): void {
    this.queue.push(() => {
      if (call === null) return this.compact()
      for (const client of [...this.clients])
        if (this.clients.has(client) && client.cut === null) call(client.listener, client)
    })
    if (this.delivering) return
    this.delivering = true
    try {
      for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) next()
    } finally {
      this.delivering = false
    }
  }

  private compact(): void {
    this.snapshot = imageToRecords(this.image)
    this.snapshotOffset = this.image.version
    this.log = []
    this.logRecords = 0
  }
}

const deaf: CoordinationListener = {
  onSnapshot() {},
  onRecords() {},
  onController() {},
  onMembers() {},
  onDoubt() {},
  onExpelled() {},
}

class EmbeddedClient implements Coordination {
  readonly tellsAllAtOnce = true
  readonly aliveUntilMs = Number.POSITIVE_INFINITY
  listener: CoordinationListener = deaf
  member: LiveMember | null = null
  /** Offset of the last record this member was given. */
  delivered = -1
  /** Cut off from the others, and what it was before; null while it is not. */
  cut: { readonly member: LiveMember | null; readonly isCandidate: boolean } | null = null

  constructor(
    private readonly hub: EmbeddedCoordination,
    readonly brokerId: number,
  ) {}

  async start(listener: CoordinationListener): Promise<void> {
    this.listener = listener
    await this.hub.load()
    this.hub.join(this)
  }

  async register(member: MemberInfo): Promise<{ brokerEpoch: number }> {
    return { brokerEpoch: this.hub.register(this, member) }
  }

  campaign(): void {
    this.hub.campaign(this)
  }

  resign(): void {
    this.hub.resign(this)
  }

  async append(records: readonly MetadataRecord[], controllerEpoch: number): Promise<AppendResult> {
    return this.hub.append(this, records, controllerEpoch)
  }

  async close(): Promise<void> {
    // Whoever waits for an append gets its answer, and the records with it.
    await this.hub.settled()
    this.listener = deaf
    this.hub.leave(this)
  }
}
