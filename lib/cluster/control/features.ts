import { ErrorCode } from '../../../protocol/errors.js'
import {
  ELIGIBLE_LEADER_REPLICAS_VERSION,
  KRAFT_VERSION,
  METADATA_VERSION,
  supportedFeatures,
} from '../../metadata/features.js'
import { ConfigResource, type Image, resourceConfigs } from '../../metadata/image.js'
import type { MetadataRecord } from '../../metadata/records.js'
import { type ControlContext, type Decision, DONE, type Outcome, refused } from './command.js'
import { MIN_ISR, pushWithoutElr } from './eligible.js'

/** UpgradeType on the wire (FeatureUpdate.UpgradeType). */
export const UpgradeType = { UNKNOWN: 0, UPGRADE: 1, SAFE_DOWNGRADE: 2, UNSAFE_DOWNGRADE: 3 } as const

export interface FeatureUpdate {
  readonly feature: string
  readonly maxVersionLevel: number
  readonly upgradeType: number
}

export interface UpdateFeaturesCommand {
  readonly updates: readonly FeatureUpdate[]
  readonly validateOnly: boolean
}

/**
 * Changes feature levels, all or none: the outcome is that of the first update that fails, INVALID_UPDATE_VERSION. Cases:
 *
 * A. a feature twice: what is said last counts
 * B. unknown upgrade type, a level below 0, a level this version or a registered broker does not work with
 * C. lower without a downgrade type; higher with one
 * D. metadata.version may not go down: there is nothing yet that would take the newer records back
 * E. kraft.version cannot change here: the embedded and ZooKeeper quorums have no such thing
 */
export function updateFeatures(
  image: Image,
  context: Pick<ControlContext, 'config'>,
  command: UpdateFeaturesCommand,
): Decision<Outcome> {
  const updates = new Map(command.updates.map((update) => [update.feature, update]))
  const records: MetadataRecord[] = []
  for (const update of updates.values()) {
    const why = updateProblem(image, update)
    if (why !== null) {
      const message = `No feature was changed: ${update.feature} cannot be set to level ${update.maxVersionLevel}, because ${why}.`
      return { records: [], results: refused(ErrorCode.INVALID_UPDATE_VERSION, message) }
    }
    const level = image.features.get(update.feature) ?? 0
    if (level === update.maxVersionLevel) continue
    records.push({ type: 'FeatureLevelRecord', name: update.feature, featureLevel: update.maxVersionLevel })
    if (update.feature !== ELIGIBLE_LEADER_REPLICAS_VERSION) continue
    if (update.maxVersionLevel > 0) pushMinIsr(image, context, records)
    else pushWithoutElr(image, records)
  }
  return { records: command.validateOnly ? [] : records, results: DONE }
}

function updateProblem(image: Image, { feature, maxVersionLevel: wanted, upgradeType }: FeatureUpdate): string | null {
  if (upgradeType < UpgradeType.UPGRADE || upgradeType > UpgradeType.UNSAFE_DOWNGRADE) {
    return `there is no upgrade type ${upgradeType}`
  }
  if (wanted < 0) return 'levels begin at 0'
  const range = supportedFeatures.find((known) => known.name === feature)
  if (range === undefined) return 'the controller does not know this feature'
  if (wanted !== 0 && (wanted < range.minVersion || wanted > range.maxVersion)) {
    return `the controller works with levels ${range.minVersion} to ${range.maxVersion}`
  }
  if (wanted === 0 && range.minVersion > 0) return `the lowest level is ${range.minVersion}`
  for (const broker of image.brokers.values()) {
    const supported = broker.features.find((known) => known.name === feature)
    const [low, high] = [supported?.minSupportedVersion ?? 0, supported?.maxSupportedVersion ?? 0]
    if (wanted !== 0 && (wanted < low || wanted > high)) {
      return `broker ${broker.brokerId} works with levels ${low} to ${high}`
    }
  }
  const current = image.features.get(feature) ?? 0
  if (wanted < current && upgradeType === UpgradeType.UPGRADE)
    return `it is ${current} now and this would be a downgrade`
  if (wanted > current && upgradeType !== UpgradeType.UPGRADE)
    return `it is ${current} now and this would be an upgrade`
  if (wanted < current && feature === METADATA_VERSION) return 'metadata.version cannot go down'
  if (wanted !== current && feature === KRAFT_VERSION) return 'this cluster has no KRaft quorum'
  return null
}

/**
 * With ELR the cluster-wide minimum has to exist and that of one broker may not (KIP-966): it becomes visible as a dynamic default of all brokers, by
 * the controller's own settings.
 */
function pushMinIsr(image: Image, { config }: Pick<ControlContext, 'config'>, records: MetadataRecord[]): void {
  const set = (resourceName: string, value: string | null): void => {
    records.push({ type: 'ConfigRecord', resourceType: ConfigResource.BROKER, resourceName, name: MIN_ISR, value })
  }
  for (const [name, values] of image.configs.get(ConfigResource.BROKER) ?? []) {
    if (name !== '' && values.has(MIN_ISR)) set(name, null)
  }
  if (resourceConfigs(image, ConfigResource.BROKER, '').has(MIN_ISR)) return
  set('', config.startValue(MIN_ISR))
}

/** The records a fresh cluster begins with: what formatting with Kafka's defaults finalizes. */
export function bootstrapRecords(image: Image, context: Pick<ControlContext, 'config'>): MetadataRecord[] {
  if (image.features.size > 0) return []
  const records: MetadataRecord[] = []
  for (const { name, initialLevel } of supportedFeatures) {
    if (initialLevel > 0) records.push({ type: 'FeatureLevelRecord', name, featureLevel: initialLevel })
  }
  pushMinIsr(image, context, records)
  return records
}
