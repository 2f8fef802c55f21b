import type { Clock, Timer } from '../host/clock.js'
import type { Logger } from '../host/logger.js'
import type { Random } from '../host/random.js'
import type { BrokerConfig } from '../metadata/broker-config.js'
import { configDefs } from '../metadata/config-defs.js'
import { supportedFeatures } from '../metadata/features.js'
import { WithoutEffect } from '../metadata/honoured.js'
import { ConfigResource } from '../metadata/image.js'
import type { MetadataRecord } from '../metadata/records.js'
import type { MetadataStore } from '../metadata/store.js'
import { autoCreate } from './control/auto-create.js'
import { beginControlledShutdown, reconcileBrokers } from './control/brokers.js'
import type { Decide, Outcome } from './control/command.js'
import { type AlterConfigsCommand, type AlteredResource, alterConfigs } from './control/configs.js'
import { type AssignedReplica, assignReplicas, type ReplicaInDirectory } from './control/directories.js'
import {
  type ElectedLeaders,
  type ElectLeadersCommand,
  electLeaders,
  moveLeader,
  rebalanceLeaders,
} from './control/elections.js'
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
import { type ReassignCommand, type ReassignedPartition, reassignPartitions } from './control/reassign.js'
import {
  type CreatedTopic,
  type CreateTopicsCommand,
  createTopics,
  type DeletedTopic,
  deleteTopics,
  failedTopic,
  type TopicToDelete,
} from './control/topics.js'
import { electUnclean } from './control/unclean.js'
import { unregisterBroker } from './control/unregister.js'
import type {
  ControllerLease,
  Coordination,
  CoordinationListener,
  LiveMember,
  MemberInfo,
} from './coordination/coordination.js'
import { Decisions } from './decisions.js'

/** Before what could not be recorded is decided again: the disk may be full, ZooKeeper may be moving. */
const RETRY_MS = 500

export interface ControllerOptions {
  readonly brokerId: number
}

export interface ControllerPorts {
  readonly coordination: Coordination
  readonly metadata: MetadataStore
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** False: the cluster may take this broker for dead, so it must not lead or acknowledge. True: it is a member again. */
  readonly onStanding?: (inCluster: boolean) => void
  /** Resolves when every live broker has the record at this offset; absent where all have it when it is here. */
  readonly seenEverywhere?: ((offset: number) => Promise<void>) | undefined
}

/** What a broker tells the cluster about itself, besides its id and the features of this version. */
export interface BrokerRegistration {
  readonly rack: string | null
  readonly endpoints: MemberInfo['endpoints']
  /** Ids of the log directories; none is fine. */
  readonly logDirs?: readonly string[]
  /** Under which its last life ended cleanly; absent or -1: no telling. */
  readonly previousBrokerEpoch?: number
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
  private readonly decisions: Decisions
  private closed = false
  /** Others may hold the lease by now without our knowing. */
  private inDoubt = false
  /** Broker epoch under which this broker was a member until it was expelled; null while it is one. */
  private expelledAs: number | null = null
  private readonly withoutEffect: WithoutEffect
  private retry: Timer | null = null
  private saidUnrecorded = false

  constructor(
    private readonly options: ControllerOptions,
    private readonly ports: ControllerPorts,
  ) {
    const { coordination, metadata, config, random, seenEverywhere } = ports
    this.decisions = new Decisions({
      coordination,
      metadata,
      context: { config, random },
      lease: () => (this.isActive ? this.lease : null),
      note: (records) => this.noteConfigs(records),
      seenEverywhere,
    })
    this.withoutEffect = new WithoutEffect(ports.logger)
  }

  get isActive(): boolean {
    return this.lease?.controllerId === this.options.brokerId && !this.closed && !this.inDoubt
  }

  /** Of the lease that is known here, -1 when nobody holds it. */
  get controllerEpoch(): number {
    return this.lease?.controllerEpoch ?? -1
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
      previousBrokerEpoch: info.previousBrokerEpoch ?? -1,
    })
    // Not before: a controller that is no member yet would begin by fencing its own last life.
    this.ports.coordination.campaign()
    await this.registrationInImage(brokerId, registered.brokerEpoch)
    return registered
  }

  async close(): Promise<void> {
    this.closed = true
    this.retry?.cancel()
    this.decisions.refuseAll('The broker is stopping.')
    await this.ports.coordination.close()
  }

  createTopics(command: CreateTopicsCommand): Promise<CreatedTopic[]> {
    return this.decisions.submit(
      (image, context) => createTopics(image, context, command),
      (outcome) => command.topics.map((topic) => failedTopic(topic.name, outcome)),
    )
  }

  /** Topics a Metadata or FindCoordinator request needs; those that exist are successes. */
  autoCreate(names: readonly string[]): Promise<CreatedTopic[]> {
    return this.decisions.submit(
      (image, context) => autoCreate(image, context, names),
      (outcome) => names.map((name) => failedTopic(name, outcome)),
    )
  }

  deleteTopics(topics: readonly TopicToDelete[]): Promise<DeletedTopic[]> {
    return this.decisions.submit(
      (image) => deleteTopics(image, topics),
      (outcome) => topics.map((topic) => ({ ...outcome, name: topic.name, topicId: topic.topicId })),
    )
  }

  createPartitions(command: CreatePartitionsCommand): Promise<GrownTopic[]> {
    return this.decisions.submit(
      (image, context) => createPartitions(image, context, command),
      (outcome) => command.topics.map((topic) => ({ name: topic.name, ...outcome })),
    )
  }

  /** IncrementalAlterConfigs and, with `replace`, AlterConfigs. */
  alterConfigs(command: AlterConfigsCommand): Promise<AlteredResource[]> {
    return this.decisions.submit(
      (image, context) => alterConfigs(image, context, command),
      (outcome) =>
        command.resources.map(({ resourceType, resourceName }) => ({ resourceType, resourceName, ...outcome })),
    )
  }

  updateFeatures(command: UpdateFeaturesCommand): Promise<Outcome> {
    return this.decisions.submit(
      (image, context) => updateFeatures(image, context, command),
      (outcome) => outcome,
    )
  }

  /** ISR changes of a leader (AlterPartition). */
  changePartitions(leaderId: number, updates: readonly PartitionUpdate[]): Promise<UpdatedPartition[]> {
    return this.decisions.submit(
      (image, context) => changePartitions(image, context, leaderId, updates),
      (outcome) => updates.map(({ topicId, partition }) => ({ topicId, partition, ...outcome })),
    )
  }

  /** Where a broker's replicas lie, and which are lost (AssignReplicasToDirs). */
  assignReplicas(brokerId: number, assigned: readonly ReplicaInDirectory[]): Promise<AssignedReplica[]> {
    return this.decisions.submit(
      (image, context) => assignReplicas(image, context, brokerId, assigned),
      (outcome) => assigned.map((one) => ({ ...one, ...outcome })),
    )
  }

  /** AllocateProducerIds: a block of ids for one broker. */
  allocateProducerIds(command: AllocateProducerIdsCommand): Promise<AllocatedProducerIds> {
    return this.decisions.submit(
      (image) => allocateProducerIds(image, command),
      ({ errorCode }) => ({ errorCode, firstProducerId: -1, count: 0 }),
    )
  }

  electLeaders(command: ElectLeadersCommand): Promise<ElectedLeaders> {
    return this.decisions.submit<ElectedLeaders>(
      (image, context) => {
        const { records, results } = electLeaders(image, context, command)
        return { records, results: { refusal: null, partitions: results } }
      },
      (refusal) => ({ refusal, partitions: [] }),
    )
  }

  reassignPartitions(command: ReassignCommand): Promise<ReassignedPartition[]> {
    return this.decisions.submit(
      (image, context) => reassignPartitions(image, context, command),
      (outcome) =>
        command.topics.flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex, ...outcome })),
        ),
    )
  }

  unregisterBroker(brokerId: number): Promise<Outcome> {
    const outcome = this.decisions.submit<Outcome>(
      (image, context) => unregisterBroker(image, context, brokerId),
      (refusal) => refusal,
    )
    // One that lives is back with the next decision: its partitions are not left without a leader.
    if (this.isActive) this.reconcile()
    return outcome
  }

  /** Lets an in-sync replica lead. */
  moveLeader(topic: string, partition: number, brokerId: number): Promise<Outcome> {
    return this.decisions.submit(
      (image) => moveLeader(image, topic, partition, brokerId),
      (outcome) => outcome,
    )
  }

  /** Gives up to `limit` leaderships back to preferred replicas; returns how many. Does nothing on a broker that is not the controller. */
  rebalanceLeaders(limit: number): Promise<number> {
    if (!this.isActive) return Promise.resolve(0)
    return this.decisions.submit(
      (image) => rebalanceLeaders(image, limit),
      () => 0,
    )
  }

  /** Gives leaders to partitions without one whose topics put up with a loss; returns to how many. As `rebalanceLeaders`. */
  electUnclean(): Promise<number> {
    if (!this.isActive) return Promise.resolve(0)
    return this.decisions.submit(electUnclean, () => 0)
  }

  /** Moves leaderships away from a broker that is about to stop. */
  beginControlledShutdown(brokerId: number): Promise<Outcome | null> {
    return this.decisions.submit<Outcome | null>(
      (image, context) => beginControlledShutdown(image, context, brokerId),
      (outcome) => outcome,
    )
  }

  onSnapshot(records: readonly MetadataRecord[], offset: number): void {
    this.ports.metadata.restore(records, offset)
    if (this.expelledAs !== null) this.lookForReturn(this.expelledAs)
  }

  onRecords(records: readonly MetadataRecord[], _baseOffset: number): void {
    this.ports.metadata.advance(records)
    if (this.expelledAs !== null) this.lookForReturn(this.expelledAs)
  }

  /** Expelled under this epoch: a registration under a newer one is the way back, once the roles that come with it are taken. */
  private lookForReturn(epoch: number): void {
    const broker = this.ports.metadata.image.brokers.get(this.options.brokerId)
    if (broker === undefined || broker.epoch <= epoch || broker.fenced) return
    this.expelledAs = null
    this.ports.onStanding?.(true)
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

  onDoubt(inDoubt: boolean): void {
    this.inDoubt = inDoubt
    if (this.expelledAs === null) this.ports.onStanding?.(!inDoubt)
    if (this.isActive) this.takeOver() // What was to be recorded in the meantime was refused.
  }

  onExpelled(): void {
    this.inDoubt = false
    this.expelledAs = this.ports.metadata.image.brokers.get(this.options.brokerId)?.epoch ?? -1
    this.ports.onStanding?.(false)
    this.lease = null
    this.decisions.refuseAll('This broker is not the controller.')
  }

  private takeOver(): void {
    this.background((image, context) => ({ records: bootstrapRecords(image, context), results: null }))
    this.reconcile()
  }

  private reconcile(): void {
    this.background((image, context) => reconcileBrokers(image, this.members, context))
  }

  private background(decide: Decide<null>): void {
    this.decisions
      .submit<Outcome | null>(decide, (outcome) => outcome, { isDivisible: true })
      .then(
        (outcome) => {
          if (outcome !== null) this.unrecorded(outcome.errorMessage ?? '')
          else this.saidUnrecorded = false
        },
        (error: unknown) => this.unrecorded(String(error)),
      )
  }

  /** Nobody tells of these members again: until it is recorded somebody who is gone leads, or somebody who has come waits for ever. */
  private unrecorded(reason: string): void {
    if (this.closed) return
    if (!this.saidUnrecorded) this.ports.logger.warn(`A change of members is not recorded yet: ${reason}`)
    this.saidUnrecorded = true
    this.retry ??= this.ports.clock.setTimer(RETRY_MS, () => {
      this.retry = null
      if (this.isActive) this.takeOver()
    })
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

  private registrationInImage(brokerId: number, brokerEpoch: number): Promise<void> {
    const { metadata: store } = this.ports
    const there = () => (store.image.brokers.get(brokerId)?.epoch ?? -1) >= brokerEpoch
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
