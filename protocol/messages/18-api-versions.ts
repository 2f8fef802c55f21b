import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int16, int32, int64, message, string } from '../schema/index.js'

/**
 * ApiVersions: tells which APIs and versions a node serves, and its features.
 *
 * Sent by clients, served by: this connection. Versions:
 *   v0   the first version
 *   v1   response: + throttleTimeMs
 *   v2   the same bytes
 *   v3   request: + clientSoftwareName, clientSoftwareVersion; response: + supportedFeatures, finalizedFeaturesEpoch,
 *        finalizedFeatures, zkMigrationReady; flexible (KIP-482) (KIP-511, KIP-584)
 *   v4   the same bytes (KIP-1022)
 *   v5   request: + clusterId, nodeId
 */
export const ApiVersions = message(
  'ApiVersions',
  { key: 18, versions: '0-5', flexible: '3+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    clientSoftwareName: string('3+', { ignorable: true }),
    clientSoftwareVersion: string('3+', { ignorable: true }),
    clusterId: string('5+', { nullable: '5+', default: null, ignorable: true }),
    nodeId: int32('5+', { default: -1, ignorable: true }),
  },
  {
    errorCode: int16('0+'),
    apiKeys: array('0+', {
      apiKey: int16('0+', { mapKey: true }),
      minVersion: int16('0+'),
      maxVersion: int16('0+'),
    }),
    throttleTimeMs: int32('1+', { ignorable: true }),
    supportedFeatures: array(
      '3+',
      {
        name: string('3+', { mapKey: true }),
        minVersion: int16('3+'),
        maxVersion: int16('3+'),
      },
      { tag: 0, ignorable: true },
    ),
    finalizedFeaturesEpoch: int64('3+', { tag: 1, default: -1, ignorable: true }),
    finalizedFeatures: array(
      '3+',
      {
        name: string('3+', { mapKey: true }),
        maxVersionLevel: int16('3+'),
        minVersionLevel: int16('3+'),
      },
      { tag: 2, ignorable: true },
    ),
    zkMigrationReady: bool('3+', { tag: 3, ignorable: true }),
  },
)

export type ApiVersionsRequest = RequestOf<typeof ApiVersions>
export type ApiVersionsResponse = ResponseOf<typeof ApiVersions>
