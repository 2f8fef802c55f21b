import {
  type BrokerImage,
  type Image,
  isActiveBroker,
  isLost,
  type PartitionImage,
  securityProtocolCode,
  ZERO_UUID,
} from '../../metadata/image.js'
import type { MetadataRecord, PartitionChangeRecord } from '../../metadata/records.js'
import type { LiveMember } from '../coordination/coordination.js'
import { type Electorate, elect, electionChange } from '../election.js'
import type { ControlContext, Decision } from './command.js'
import { electionMinIsr } from './eligible.js'
import { isUnclean } from './unclean.js'

/**
 * Brings the registered brokers in line with the members that live: a new life is registered and takes up its partitions, a member
 * that is gone is fenced and loses its leaderships and its place in every ISR of more than one. So does one whose last life was not seen to end.
 */
export function reconcileBrokers(
  image: Image,
  members: readonly LiveMember[],
  context: Pick<ControlContext, 'config'>,
): Decision<null> {
  const records: MetadataRecord[] = []
  const live = new Map(members.map((member) => [member.brokerId, member]))
  const changed = new Set<number>()
  for (const member of members) {
    const known = image.brokers.get(member.brokerId)
    if (known?.epoch === member.brokerEpoch && !known.fenced) continue
    if (known !== undefined && known.epoch > member.brokerEpoch) continue
    records.push(
      known?.epoch === member.brokerEpoch
        ? { type: 'UnfenceBrokerRecord', id: member.brokerId, epoch: member.brokerEpoch }
        : registration(member),
    )
    changed.add(member.brokerId)
  }
  for (const broker of image.brokers.values()) {
    if (broker.fenced || live.has(broker.brokerId)) continue
    records.push({ type: 'FenceBrokerRecord', id: broker.brokerId, epoch: broker.epoch })
    changed.add(broker.brokerId)
  }
  if (changed.size > 0) {
    pushElections(image, context, records, changed, {
      isUp: (id) => live.has(id) && !leaving(image.brokers.get(id), live),
      isNew: (id) => changed.has(id) && live.has(id) && image.brokers.get(id)?.epoch !== live.get(id)?.brokerEpoch,
      isIntact: (id) => isIntact(image.brokers.get(id), live.get(id)),
      isUnclean: (topic) => isUnclean(image, context.config, topic),
    })
  }
  return { records, results: null }
}

/** A process that was only taken for dead, or one that says that it ended cleanly and when (KIP-966: `PreviousBrokerEpoch`). */
function isIntact(known: BrokerImage | undefined, member: LiveMember | undefined): boolean {
  if (known === undefined || member === undefined) return false
  return known.incarnationId === member.incarnationId || known.epoch === member.previousBrokerEpoch
}

function leaving(broker: BrokerImage | undefined, live: ReadonlyMap<number, LiveMember>): boolean {
  return broker?.inControlledShutdown === true && live.get(broker.brokerId)?.brokerEpoch === broker.epoch
}

/** A broker says that it is about to stop: its leaderships move while it still serves. */
export function beginControlledShutdown(
  image: Image,
  context: Pick<ControlContext, 'config'>,
  brokerId: number,
): Decision<null> {
  const broker = image.brokers.get(brokerId)
  if (broker === undefined) return { records: [], results: null }
  const records: MetadataRecord[] = []
  // Asked again it is decided again: somebody may have come to be in sync meanwhile.
  if (!broker.inControlledShutdown) {
    const brokerEpoch = broker.epoch
    records.push({ type: 'BrokerRegistrationChangeRecord', brokerId, brokerEpoch, inControlledShutdown: 1 })
  }
  // A partition that nobody else can lead stays where it is until the broker is gone.
  const isUp = (id: number) => id !== brokerId && isActiveBroker(image, id)
  pushElections(image, context, records, new Set([brokerId]), { isUp }, true)
  return { records, results: null }
}

function registration(member: LiveMember): MetadataRecord {
  return {
    type: 'RegisterBrokerRecord',
    brokerId: member.brokerId,
    incarnationId: member.incarnationId,
    brokerEpoch: member.brokerEpoch,
    endPoints: member.endpoints.map(({ name, host, port, securityProtocol }) => ({
      name,
      host,
      port,
      securityProtocol: securityProtocolCode(securityProtocol),
    })),
    features: member.features,
    rack: member.rack,
    fenced: false,
    logDirs: member.logDirs,
  }
}

/** Adds the records of every partition for which another broker has to lead, or another ISR holds, now that `changed` brokers came or went. */
export function pushElections(
  image: Image,
  context: Pick<ControlContext, 'config'>,
  records: MetadataRecord[],
  changed: ReadonlySet<number>,
  { isUnclean, ...electorate }: Omit<Electorate, 'unclean' | 'minIsr'> & { isUnclean?(topic: string): boolean },
  keepUnlessReplaced = false,
): void {
  const { isNew } = electorate
  for (const topic of image.topicsById.values()) {
    const minIsr = electionMinIsr(image, context, topic.name)
    const unclean = isUnclean?.(topic.name) ?? false
    for (const known of topic.partitions) {
      if (!known.replicas.some((id) => changed.has(id))) continue
      const before = isNew === undefined ? known : regained(known, isNew)
      const election = elect(before, { ...electorate, unclean, minIsr })
      const { leader } = election
      if (keepUnlessReplaced && leader === -1) continue
      const change = electionChange(known, election)
      // A leader that came back under a new epoch leads anew: the record raises the leader epoch.
      const renewed = leader === known.leader && leader !== -1 && changed.has(leader)
      if (Object.keys(change).length === 0 && !renewed && before === known) continue
      const record: PartitionChangeRecord = {
        type: 'PartitionChangeRecord',
        topicId: topic.topicId,
        partitionId: known.partition,
        ...change,
        ...(before === known ? {} : { directories: before.directories }),
        ...(renewed ? { leader } : {}),
      }
      records.push(record)
    }
  }
}

/** What a broker had lost it may have again in another life; if not, it will say so. */
function regained(partition: PartitionImage, isNew: (brokerId: number) => boolean): PartitionImage {
  const { replicas, directories } = partition
  if (!replicas.some((id) => isLost(partition, id) && isNew(id))) return partition
  return {
    ...partition,
    directories: directories.map((directory, index) => (isNew(replicas[index]!) ? ZERO_UUID : directory)),
  }
}
