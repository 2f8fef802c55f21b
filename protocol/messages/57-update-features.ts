import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int8, int16, int32, message, string } from '../schema/index.js'

/**
 * UpdateFeatures: changes finalized feature levels.
 *
 * Sent by clients, served by: controller. Versions:
 *   v0   the first version; flexible (KIP-584)
 *   v1   request: + featureUpdates.upgradeType, validateOnly; - featureUpdates.allowDowngrade
 *   v2   response: - results (KIP-1022)
 */
export const UpdateFeatures = message(
  'UpdateFeatures',
  { key: 57, versions: '0-2', flexible: '0+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    timeoutMs: int32('0+', { default: 60000 }),
    featureUpdates: array('0+', {
      feature: string('0+', { mapKey: true }),
      maxVersionLevel: int16('0+'),
      allowDowngrade: bool('0'),
      upgradeType: int8('1+', { default: 1 }),
    }),
    validateOnly: bool('1+'),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    results: array(
      '0-1',
      {
        feature: string('0+', { mapKey: true }),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
      },
      { ignorable: true },
    ),
  },
)

export type UpdateFeaturesRequest = RequestOf<typeof UpdateFeatures>
export type UpdateFeaturesResponse = ResponseOf<typeof UpdateFeatures>
