import { ErrorCode } from '../../protocol/errors.js'
import type { Logger } from '../host/logger.js'
import type { Random } from '../host/random.js'
import { applyAll } from '../metadata/apply.js'
import type { BrokerConfig } from '../metadata/broker-config.js'
import { configDefs } from '../metadata/config-defs.js'
import { supportedFeatures } from '../metadata/features.js'
import { WithoutEffect } from '../metadata/honoured.js'
import { ConfigResource } from '../metadata/image.js'
import type { MetadataRecord } from '../metadata/records.js'
import type { MetadataStore } from '../metadata/store.js'
import { autoCreate } from './control/auto-create.js'
import { beginControlledShutdown, reconcileBrokers } from './control/brokers.js'
import type { ControlContext, Decide, Outcome } from './control/command.js'
import { type AlterConfigsCommand, type AlteredResource, alterConfigs } from './control/configs.js'
import { bootstrapRecords, type UpdateFeaturesCommand, updateFeatures } from './control/features.js'
import {
  type CreatePartitionsCommand,
  changePartitions,
  createPartitions,
  type GrownTopic,
  type PartitionUpdate,
  type UpdatedPartition,
} from './control/partitions.js'
import {
  type AllocatedProducerIds,
  type AllocateProducerIdsCommand,
  allocateProducerIds,
} from './control/producer-ids.js'
import {
  type CreatedTopic,
  type CreateTopicsCommand,
  createTopics,
  type DeletedTopic,
  deleteTopics,
  failedTopic,
  type TopicToDelete,
} from './control/topics.js'
import type {
  ControllerLease,
  Coordination,
  CoordinationListener,
  LiveMember,
  MemberInfo,
} from './coordination/coordination.js'

export interface ControllerOptions {
  readonly brokerId: number
}

export interface ControllerPorts {
  readonly coordination: Coordination
  readonly metadata: MetadataStore
  readonly config: BrokerConfig
  readonly random: Random
  readonly logger: Logger
}

/** What a broker tells the cluster about itself, besides its id and the features of this version. */
export interface BrokerRegistration {
  readonly rack: string | null
  readonly endpoints: MemberInfo['endpoints']
  /** Ids of the log directories; none is fine. */
  readonly logDirs?: readonly string[]
}

/** A command on its way: decided in order, appended together with its neighbours, answered when the image has it. */
interface Pending {
  decide(context: ControlContext, image: Parameters<Decide<unknown>>[0]): readonly MetadataRecord[]
  answer(): void
  refuse(errorCode: ErrorCode, message: string): void
  reject(error: unknown): void
}

/**
 * The broker's end of the cluster: follows the metadata log into `store`, takes part in the election of the controller, and while it
 * holds the lease decides every change. On a broker that is not the controller the methods answer NOT_CONTROLLER.
 *
 * Decisions are pure functions in `control/`. Commands that wait are decided one after the other against the image that includes
 * the ones before, and appended as one batch; nobody is answered before the local image has the batch. An append that is refused
 * answers all of them with its error, and nothing of them is kept.
 */
export class Controller implements CoordinationListener {
  private lease: ControllerLease | null = null
  private members: readonly LiveMember[] = []
  private readonly pending: Pending[] = []
  private running = false
  private closed = false
  private readonly context: ControlContext
  private readonly withoutEffect: WithoutEffect

  constructor(
    private readonly options: ControllerOptions,
    private readonly ports: ControllerPorts,
  ) {
    this.context = { config: ports.config, random: ports.random }
    this.withoutEffect = new WithoutEffect(ports.logger)
  }

  get isActive(): boolean {
    return this.lease?.controllerId === this.options.brokerId && !this.closed
  }

  /** Follows the log. Resolves when the image is up to date. */
  async start(): Promise<void> {
    await this.ports.coordination.start(this)
  }

  /**
   * Tells the cluster that this broker serves, and asks for the lease. Resolves when the image has it, with its epoch.
   * @throws DuplicateMemberError
   */
  async register(info: BrokerRegistration): Promise<{ brokerEpoch: number }> {
    const { brokerId } = this.options
    const registered = await this.ports.coordination.register({
      brokerId,
      incarnationId: this.ports.random.topicId(),
      rack: info.rack,
      endpoints: info.endpoints,
      features: supportedFeatures.map(({ name, minVersion, maxVersion }) => ({
        name,
        minSupportedVersion: minVersion,
        maxSupportedVersion: maxVersion,
      })),
      logDirs: info.logDirs ?? [],
    })
    // Not before: a controller that is no member yet would begin by fencing its own last life.
    this.ports.coordination.campaign()
    await this.registrationInImage(brokerId, registered.brokerEpoch)
    return registered
  }

  async close(): Promise<void> {
    this.closed = true
    this.refusePending()
    await this.ports.coordination.close()
  }

  createTopics(command: CreateTopicsCommand): Promise<CreatedTopic[]> {
    return this.submit(
      (image, context) => createTopics(image, context, command),
      (outcome) => command.topics.map((topic) => failedTopic(topic.name, outcome)),
    )
  }

  /** Topics a Metadata or FindCoordinator request needs; those that exist are successes. */
  autoCreate(names: readonly string[]): Promise<CreatedTopic[]> {
    return this.submit(
      (image, context) => autoCreate(image, context, names),
      (outcome) => names.map((name) => failedTopic(name, outcome)),
    )
  }

  /** The same for handlers, which look at the image afterwards: what could not be created is said in the log. */
  async autoCreateTopics(names: readonly string[]): Promise<void> {
    const failed = (await this.autoCreate(names)).filter(({ errorCode }) => errorCode !== ErrorCode.NONE)
    const [first] = failed
    if (first === undefined) return
    // One line per request: what a client asks for must not fill the log.
    const others = failed.length === 1 ? '' : ` (and ${failed.length - 1} more)`
    this.ports.logger.warn(`The topic ${first.name}${others} could not be auto-created: ${first.errorMessage ?? ''}`)
  }

  /** Creates an internal topic with its own settings; NONE also when it exists. */
  async createInternalTopic(name: string): Promise<ErrorCode> {
    const [created] = await this.autoCreate([name])
    if (created === undefined || created.errorCode === ErrorCode.NONE) return ErrorCode.NONE
    this.ports.logger.warn(`The internal topic ${name} could not be created: ${created.errorMessage ?? ''}`)
    return created.errorCode
  }

  deleteTopics(topics: readonly TopicToDelete[]): Promise<DeletedTopic[]> {
    return this.submit(
      (image) => deleteTopics(image, topics),
      (outcome) => topics.map((topic) => ({ ...outcome, name: topic.name, topicId: topic.topicId })),
    )
  }

  createPartitions(command: CreatePartitionsCommand): Promise<GrownTopic[]> {
    return this.submit(
      (image, context) => createPartitions(image, context, command),
      (outcome) => command.topics.map((topic) => ({ name: topic.name, ...outcome })),
    )
  }

  /** IncrementalAlterConfigs and, with `replace`, AlterConfigs. */
  alterConfigs(command: AlterConfigsCommand): Promise<AlteredResource[]> {
    return this.submit(
      (image, context) => alterConfigs(image, context, command),
      (outcome) =>
        command.resources.map(({ resourceType, resourceName }) => ({ resourceType, resourceName, ...outcome })),
    )
  }

  updateFeatures(command: UpdateFeaturesCommand): Promise<Outcome> {
    return this.submit(
      (image, context) => updateFeatures(image, context, command),
      (outcome) => outcome,
    )
  }

  /** ISR changes of a leader (AlterPartition). */
  changePartitions(leaderId: number, updates: readonly PartitionUpdate[]): Promise<UpdatedPartition[]> {
    return this.submit(
      (image) => changePartitions(image, leaderId, updates),
      (outcome) => updates.map(({ topicId, partition }) => ({ topicId, partition, ...outcome })),
    )
  }

  /** AllocateProducerIds: a block of ids for one broker. */
  allocateProducerIds(command: AllocateProducerIdsCommand): Promise<AllocatedProducerIds> {
    return this.submit(
      (image) => allocateProducerIds(image, command),
      ({ errorCode }) => ({ errorCode, firstProducerId: -1, count: 0 }),
    )
  }

  /** Moves leaderships away from a broker that is about to stop. */
  beginControlledShutdown(brokerId: number): Promise<Outcome | null> {
    return this.submit<Outcome | null>(
      (image) => beginControlledShutdown(image, brokerId),
      (outcome) => outcome,
    )
  }

  onSnapshot(records: readonly MetadataRecord[], offset: number): void {
    this.ports.metadata.restore(records, offset)
  }

  onRecords(records: readonly MetadataRecord[], _baseOffset: number): void {
    this.ports.metadata.advance(records)
  }

  onController(lease: ControllerLease | null): void {
    this.lease = lease
    this.ports.metadata.setController(lease?.controllerId ?? -1)
    if (this.isActive) this.takeOver()
  }

  onMembers(members: readonly LiveMember[]): void {
    this.members = members
    if (this.isActive) this.reconcile()
  }

  onExpelled(): void {
    this.lease = null
    this.refusePending()
  }

  private takeOver(): void {
    this.background((image) => ({ records: bootstrapRecords(image), results: null }))
    this.reconcile()
  }

  private reconcile(): void {
    this.background((image) => reconcileBrokers(image, this.members))
  }

  private background(decide: Decide<null>): void {
    this.submit<Outcome | null>(decide, (outcome) => outcome).then(
      (outcome) => {
        if (outcome === null || this.closed) return
        this.ports.logger.warn(`The controller could not record a change of members: ${outcome.errorMessage ?? ''}`)
      },
      (error: unknown) => this.ports.logger.error('The controller failed to decide on a change of members.', { error }),
    )
  }

  private submit<Results>(decide: Decide<Results>, refused: (outcome: Outcome) => Results): Promise<Results> {
    return new Promise((resolve, reject) => {
      let results: Results
      this.pending.push({
        decide(context, image) {
          const decision = decide(image, context)
          results = decision.results
          return decision.records
        },
        answer: () => resolve(results),
        refuse: (errorCode, errorMessage) => resolve(refused({ errorCode, errorMessage })),
        reject,
      })
      if (!this.running) void this.run()
    })
  }

  /** Orchestrator: awaits the append, so the lease is looked at again for every batch. */
  private async run(): Promise<void> {
    this.running = true
    while (this.pending.length > 0) {
      const { lease } = this
      if (lease === null || !this.isActive) {
        this.refusePending()
        break
      }
      await this.decideAndAppend(this.pending.splice(0), lease)
    }
    this.running = false
  }

  private async decideAndAppend(batch: readonly Pending[], lease: ControllerLease): Promise<void> {
    let { image } = this.ports.metadata
    const records: MetadataRecord[] = []
    const decided: Pending[] = []
    for (const command of batch) {
      try {
        const more = command.decide(this.context, image)
        image = applyAll(image, more)
        for (const record of more) records.push(record)
        decided.push(command)
      } catch (error) {
        // A bug in one decision takes down that command, not the controller.
        command.reject(error)
      }
    }
    if (records.length > 0) {
      this.noteConfigs(records)
      try {
        const { errorCode, offset } = await this.ports.coordination.append(records, lease.controllerEpoch)
        if (errorCode !== ErrorCode.NONE) {
          const code = errorCode === ErrorCode.STALE_CONTROLLER_EPOCH ? ErrorCode.NOT_CONTROLLER : errorCode
          for (const command of decided) command.refuse(code, 'The change could not be recorded by this controller.')
          return
        }
        await this.ports.metadata.reached(offset)
      } catch (error) {
        for (const command of decided) command.reject(error)
        return
      }
    }
    for (const command of decided) command.answer()
  }

  private noteConfigs(records: readonly MetadataRecord[]): void {
    for (const record of records) {
      if (record.type !== 'ConfigRecord' || record.value === null) continue
      if (record.resourceType === ConfigResource.TOPIC) this.withoutEffect.note('topic', [record.name])
      else if (record.resourceType === ConfigResource.BROKER && configDefs('broker').has(record.name)) {
        this.withoutEffect.note('broker', [record.name])
      }
    }
  }

  private refusePending(): void {
    const message = this.closed ? 'The broker is stopping.' : 'This broker is not the controller.'
    for (const command of this.pending.splice(0)) command.refuse(ErrorCode.NOT_CONTROLLER, message)
  }

  private registrationInImage(brokerId: number, brokerEpoch: number): Promise<void> {
    const { metadata: store } = this.ports
    const there = () => store.image.brokers.get(brokerId)?.epoch === brokerEpoch
    if (there()) return Promise.resolve()
    return new Promise((resolve) => {
      const stop = store.subscribe({
        onImage() {
          if (!there()) return
          stop()
          resolve()
        },
      })
    })
  }
}
