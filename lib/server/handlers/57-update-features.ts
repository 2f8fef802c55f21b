/**
 * UpdateFeatures: v0-2
 *
 * Behaviours
 * - All or nothing; of a feature named twice what is said last counts. The first feature that cannot be set gives the error of the whole answer. The cases are in cluster/control/features.
 * Version notes
 * - v0: `allowDowngrade` stands for the upgrade type (a safe downgrade). v1 (KIP-778): upgrade types, validate only.
 * - v2: no results per feature.
 * Deviations
 * - metadata.version never goes down, also where Kafka would find that nothing is lost.
 */
import { ErrorCode, UpdateFeatures } from '../../../protocol/index.js'
import { UpgradeType } from '../../cluster/control/features.js'
import { api } from '../context.js'

export const updateFeatures = api(UpdateFeatures, '0-2', async (request, { apiVersion }, broker) => {
  const updates = request.featureUpdates.map(({ feature, maxVersionLevel, allowDowngrade, upgradeType }) => ({
    feature,
    maxVersionLevel,
    upgradeType: apiVersion > 0 ? upgradeType : allowDowngrade ? UpgradeType.SAFE_DOWNGRADE : UpgradeType.UPGRADE,
  }))
  const outcome = await broker.controller.updateFeatures({ updates, validateOnly: request.validateOnly })
  if (outcome.errorCode !== ErrorCode.NONE) return { ...outcome, results: [] }
  const results =
    apiVersion > 1 ? [] : updates.map(({ feature }) => ({ feature, errorCode: ErrorCode.NONE, errorMessage: 'NONE' }))
  return { errorCode: ErrorCode.NONE, errorMessage: null, results }
})
