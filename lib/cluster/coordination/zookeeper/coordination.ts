/**
 * Coordination through an Apache ZooKeeper ensemble: brokers anywhere. See `znodes.ts` for the tree.
 * - **One thing at a time.** Whatever was noticed (a watch, a new session) marks something as stale; one worker reads what is stale again
 *   and tells the listener. Appends take their turn in the same queue, so callbacks never overlap and follow the log.
 * - **Fencing.** An append is one multi: check of `/controller_epoch`'s version, the batch, the head. Whoever has lost the lease, also without
 *   knowing, is refused by the ensemble. The outcome of an append whose connection broke is read from the log.
 * - **Sessions.** When one expires, everything of the old life is over (`onExpelled`); the engine registers and campaigns with a new one.
 */
import { ErrorCode } from '../../../../protocol/errors.js'
import type { Timer } from '../../../host/clock.js'
import type { Image } from '../../../metadata/image.js'
import type { MetadataRecord } from '../../../metadata/records.js'
import type {
  AppendResult,
  ControllerLease,
  Coordination,
  CoordinationListener,
  LiveMember,
  MemberInfo,
} from '../coordination.js'
import { Again } from './again.js'
import { ZooKeeperClient, type ZooKeeperClientPorts } from './client.js'
import { type FoundingOptions, foundCluster, persistently } from './founding.js'
import { fenceOf, standForController } from './lease.js'
import { enrol, readMembers } from './members.js'
import { type Acl, CREATOR_ACL, OPEN_ACL, ZooKeeperError } from './operations.js'
import { Publisher } from './publisher.js'
import { type Fence, type Head, ignoring, SharedLog } from './shared-log.js'
import { CONTROLLER, HEAD, readController } from './znodes.js'

export interface ZooKeeperCoordinationOptions extends FoundingOptions {
  readonly brokerId: number
  /** Nodes that only authenticated brokers may touch (`zookeeper.set.acl`). */
  readonly secure: boolean
  /** Records in the log that make the controller write a snapshot. */
  readonly snapshotEveryRecords?: number
  /** Bytes that a node may hold (`jute.maxbuffer`, with some room for the paths). Default: what a server takes by its own default. */
  readonly nodeBytesMax?: number
}

export interface ZooKeeperCoordinationPorts extends ZooKeeperClientPorts {
  /** What the controller shows of the topics below `/brokers/topics`; null while there is none. */
  image(): Image | null
  /** The newest state that this broker has applied, for snapshots. */
  snapshot(): { readonly records: readonly MetadataRecord[]; readonly offset: number }
}

/** What has to be read again, in the order in which it is read. */
type Stale = 'session' | 'log' | 'controller' | 'members'
const ORDER: readonly Stale[] = ['session', 'log', 'controller', 'members']

const REFUSED_RETRY_MS = 1000
const SNAPSHOT_EVERY_RECORDS = 5000

interface Held extends ControllerLease {
  readonly fence: Fence
}

export class ZooKeeperCoordination implements Coordination {
  readonly tellsAllAtOnce = false
  readonly #options: ZooKeeperCoordinationOptions
  readonly #ports: ZooKeeperCoordinationPorts
  readonly #log: SharedLog
  readonly #publisher: Publisher
  readonly #acl: readonly Acl[]
  readonly #stale = new Set<Stale>()
  #client: ZooKeeperClient
  #clusterId = ''
  #listener: CoordinationListener | null = null
  #working: Promise<void> = Promise.resolve()
  #queued = false
  #members: readonly LiveMember[] = []
  #nextOffset = 0
  #head: Head = { nextOffset: 0, version: -1 }
  #lease: ControllerLease | null = null
  /** Set while the lease is ours. */
  #held: Held | null = null
  #campaigning = false
  #member: MemberInfo | null = null
  #snapshotOffset = -1
  #compacting = false
  readonly #again: Again
  #restart: Timer | null = null
  #closed = false
  #settled: (() => void)[] = []

  private constructor(options: ZooKeeperCoordinationOptions, ports: ZooKeeperCoordinationPorts) {
    this.#options = options
    this.#ports = ports
    this.#acl = options.secure ? CREATOR_ACL : OPEN_ACL
    this.#log = new SharedLog(this.#acl, options.nodeBytesMax)
    this.#again = new Again(ports)
    this.#publisher = new Publisher(this.#acl, ports)
    this.#client = this.#newClient()
  }

  /** Finds the ensemble and the cluster in it, or founds one. @throws ZooKeeperError, ZnodeError */
  static async open(
    options: ZooKeeperCoordinationOptions,
    ports: ZooKeeperCoordinationPorts,
  ): Promise<ZooKeeperCoordination> {
    const engine = new ZooKeeperCoordination(options, ports)
    try {
      engine.#client.start()
      engine.#clusterId = await foundCluster(() => engine.#client, options, ports, engine.#acl)
      return engine
    } catch (error) {
      await engine.close()
      throw error
    }
  }

  get aliveUntilMs(): number {
    return this.#client.aliveUntilMs
  }

  get clusterId(): string {
    return this.#clusterId
  }

  async start(listener: CoordinationListener): Promise<void> {
    this.#listener = listener
    for (const what of ['log', 'controller', 'members'] as const) this.#stale.add(what)
    const settled = new Promise<void>((resolve) => this.#settled.push(resolve))
    this.#work()
    await settled
  }

  async register(member: MemberInfo): Promise<{ brokerEpoch: number }> {
    const brokerEpoch = await persistently(() => this.#enrol(member), { ...this.#ports, isOver: () => this.#closed })
    this.#member = member
    this.#mark('members')
    return { brokerEpoch }
  }

  campaign(): void {
    this.#campaigning = true
    this.#mark('controller')
  }

  resign(): void {
    this.#campaigning = false
    if (this.#held === null) return
    this.#release()
    void this.#ask((client) => ignoring('NO_NODE', client.delete(CONTROLLER)))
    this.#mark('controller')
  }

  append(records: readonly MetadataRecord[], controllerEpoch: number): Promise<AppendResult> {
    return this.#exclusive(() => this.#append(records, controllerEpoch))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#listener = null
    this.#publisher.end()
    this.#again.cancel()
    this.#restart?.cancel()
    for (const resolve of this.#settled.splice(0)) resolve()
    await this.#client.close()
  }

  #newClient(): ZooKeeperClient {
    const client: ZooKeeperClient = new ZooKeeperClient(this.#options, this.#ports, {
      onDoubt: (inDoubt) => {
        if (client === this.#client) this.#listener?.onDoubt(inDoubt)
      },
      onExpired: (why) => this.#onExpired(client, why),
    })
    return client
  }

  #onExpired(client: ZooKeeperClient, why: ZooKeeperError): void {
    if (client !== this.#client || this.#closed) return
    const { clock, logger } = this.#ports
    const isRefused = why.code === 'AUTH_FAILED'
    // Before anybody listens, this ends the start, which says why.
    if (this.#listener !== null && isRefused)
      logger.error(`${why.message} This broker is out of the cluster until it does.`)
    else if (!isRefused)
      logger.warn('The ZooKeeper session has expired: this broker is out of the cluster and joins it again.')
    this.#release()
    this.#lease = null
    this.#listener?.onExpelled()
    const next = this.#newClient()
    this.#client = next
    if (isRefused) this.#restart = clock.setTimer(REFUSED_RETRY_MS, () => next.start())
    else next.start()
    for (const what of ORDER) this.#stale.add(what)
    this.#work()
  }

  #enrol(member: MemberInfo): Promise<number> {
    return enrol(() => this.#client, member, { ...this.#options, acl: this.#acl }, this.#ports)
  }

  #mark(what: Stale): void {
    this.#stale.add(what)
    this.#work()
  }

  /** Runs alone, after whatever runs now. */
  #exclusive<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#working.then(action)
    this.#working = result.then(
      () => {},
      () => {},
    )
    return result
  }

  #work(): void {
    if (this.#queued || this.#closed || this.#listener === null) return
    this.#queued = true
    void this.#exclusive(() => this.#refresh())
  }

  /** Orchestrator: everything it tells is compared with the present state after each await. */
  async #refresh(): Promise<void> {
    this.#queued = false
    try {
      for (;;) {
        const what = ORDER.find((one) => this.#stale.has(one))
        if (what === undefined || this.#closed) break
        this.#stale.delete(what)
        try {
          await this.#refreshOne(what)
        } catch (error) {
          this.#stale.add(what)
          throw error
        }
      }
      this.#again.over()
      for (const resolve of this.#settled.splice(0)) resolve()
    } catch (error) {
      if (!this.#closed) this.#again.later(error, () => this.#work())
    }
  }

  async #refreshOne(what: Stale): Promise<void> {
    switch (what) {
      case 'session':
        if (this.#member !== null) await this.#enrol(this.#member)
        return
      case 'log':
        return this.#readLog(true)
      case 'controller':
        return this.#readController()
      case 'members':
        return this.#readMembers()
    }
  }

  async #readLog(watch: boolean): Promise<void> {
    const client = this.#client
    this.#head = await this.#log.head(client, watch ? () => this.#mark('log') : null)
    while (this.#nextOffset < this.#head.nextOffset) {
      const batch = await this.#log.batch(client, this.#nextOffset)
      if (batch === null) {
        const snapshot = await this.#log.snapshot(client)
        if (snapshot === null || snapshot.offset < this.#nextOffset) {
          throw new Error(
            `the metadata log has no batch at offset ${this.#nextOffset} and no snapshot that replaces it`,
          )
        }
        this.#nextOffset = snapshot.offset + 1
        this.#snapshotOffset = snapshot.offset
        this.#listener?.onSnapshot(snapshot.records, snapshot.offset)
        continue
      }
      this.#deliver(this.#log.decode(batch))
    }
  }

  #deliver(records: readonly MetadataRecord[]): void {
    const baseOffset = this.#nextOffset
    this.#nextOffset += records.length
    this.#listener?.onRecords(records, baseOffset)
    this.#publisher.changed()
  }

  #release(): void {
    this.#held = null
    this.#publisher.end()
  }

  async #readController(): Promise<void> {
    const client = this.#client
    const watch = () => this.#mark('controller')
    const found = await client.get(CONTROLLER, watch)
    if (found === null) {
      if (this.#campaigning) {
        await standForController(client, { brokerId: this.#options.brokerId, acl: this.#acl }, this.#ports.clock.now())
        this.#stale.add('controller')
        return
      }
      if ((await client.exists(CONTROLLER, watch)) === null) this.#tellLease(null)
      else this.#stale.add('controller')
      return
    }
    const lease = readController(found.data)
    const isOurs = found.stat.ephemeralOwner === client.sessionId
    // Ours, from an attempt whose answer was lost: the lease counts once its fence is known.
    if (isOurs && this.#held === null) await this.#hold(client, lease)
    // Under our id, but of another session: our last life's, which cannot append any more, or a stranger's.
    else this.#tellLease(isOurs || lease.controllerId !== this.#options.brokerId ? lease : null)
  }

  /** The controller decides on the newest state: the log is read to its end, and who lives, before the lease is told. */
  async #hold(client: ZooKeeperClient, lease: ControllerLease): Promise<void> {
    const fence = await fenceOf(client, lease)
    await client.sync(HEAD)
    await this.#readLog(false)
    await this.#readMembers()
    if (client !== this.#client || !this.#campaigning) return
    this.#held = { ...lease, fence }
    this.#tellLease(lease)
    if (this.#held !== null) this.#publisher.begin(client, fence)
  }

  #tellLease(lease: ControllerLease | null): void {
    if (lease?.controllerEpoch !== this.#held?.controllerEpoch) this.#release()
    if (lease?.controllerEpoch === this.#lease?.controllerEpoch && lease?.controllerId === this.#lease?.controllerId)
      return
    this.#lease = lease
    this.#listener?.onController(lease)
  }

  async #readMembers(): Promise<void> {
    const now = await readMembers(this.#client, () => this.#mark('members'))
    const before = this.#members
    if (now.length === before.length && now.every((one, index) => one.brokerEpoch === before[index]!.brokerEpoch))
      return
    this.#members = now
    this.#listener?.onMembers(now)
  }

  async #append(records: readonly MetadataRecord[], controllerEpoch: number): Promise<AppendResult> {
    const held = this.#held
    if (held === null || held.controllerEpoch !== controllerEpoch) {
      return { errorCode: ErrorCode.STALE_CONTROLLER_EPOCH, offset: -1 }
    }
    if (records.length === 0) return { errorCode: ErrorCode.NONE, offset: this.#nextOffset - 1 }
    const at = this.#head
    const batch = this.#log.encode(records, at.nextOffset)
    if (batch === null) return { errorCode: ErrorCode.RECORD_LIST_TOO_LARGE, offset: -1 }
    try {
      const client = () => this.#client
      if (!(await this.#log.write(client, { batch, at, count: records.length, fence: held.fence }, this.#ports.logger)))
        return { errorCode: ErrorCode.RECORD_LIST_TOO_LARGE, offset: -1 }
    } catch (error) {
      return this.#refusedAppend(error instanceof ZooKeeperError ? error.code : null, error)
    }
    this.#head = { nextOffset: at.nextOffset + records.length, version: at.version + 1 }
    this.#deliver(this.#log.decode(batch))
    this.#compactLater()
    return { errorCode: ErrorCode.NONE, offset: this.#nextOffset - 1 }
  }

  #refusedAppend(code: ZooKeeperError['code'] | null, error: unknown): AppendResult {
    this.#stale.add('log')
    this.#mark('controller')
    if (code === 'BAD_VERSION' || code === 'NODE_EXISTS') {
      this.#release()
      return { errorCode: ErrorCode.STALE_CONTROLLER_EPOCH, offset: -1 }
    }
    if (code === 'CONNECTION_LOSS' || code === 'SESSION_EXPIRED' || code === 'CLOSED') {
      return { errorCode: ErrorCode.REQUEST_TIMED_OUT, offset: -1 }
    }
    throw error
  }

  #compactLater(): void {
    const every = this.#options.snapshotEveryRecords ?? SNAPSHOT_EVERY_RECORDS
    const held = this.#held
    if (held === null || this.#compacting || this.#nextOffset - this.#snapshotOffset <= every) return
    const snapshot = this.#ports.snapshot()
    if (snapshot.offset !== this.#nextOffset - 1) return
    this.#compacting = true
    this.#snapshotOffset = snapshot.offset
    void this.#ask((client) => this.#log.compact(client, snapshot, held.fence)).finally(() => {
      this.#compacting = false
    })
  }

  /** In the background: a failure is said, and what it was about is tried again at the next occasion. */
  async #ask(action: (client: ZooKeeperClient) => Promise<void>): Promise<void> {
    try {
      await action(this.#client)
    } catch (error) {
      if (!this.#closed) this.#ports.logger.warn(`Something in ZooKeeper could not be tidied up: ${String(error)}`)
    }
  }
}
