/**
 * ApiVersions: v0-5
 *
 * Behaviours
 * - The list is computed from the API table: what has no row is not advertised.
 * - A version above ours is answered in v0 with UNSUPPORTED_VERSION and key 18 alone; the body is not looked at.
 * - The response header is v0 in every version.
 * Version notes
 * - v3 (KIP-511): client software name and version, checked against a pattern; supported and finalized features (KIP-584);
 *   features whose lowest version is 0 are left out because older clients reject them.
 * - v4 (KIP-1022): all supported features.
 * - v5: cluster id and node id, given together or not at all; a client that reached another broker is told to start over.
 */
import { ApiVersions, ErrorCode, encode, type RequestOf, type ResponseInput } from '../../../protocol/index.js'
import { supportedFeatures } from '../../metadata/features.js'
import { type ApiRow, api, EncodedBody, type RequestContext } from '../context.js'
import type { BrokerServices } from '../services.js'

type Response = ResponseInput<typeof ApiVersions>

const SOFTWARE_PATTERN = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/** One entry per version, valid while the finalized features stay the same. */
const cache = new WeakMap<BrokerServices, { featuresEpoch: number; bodies: Map<number, EncodedBody> }>()

export const apiVersions = api(ApiVersions, '0-5', (request, context, broker) => {
  const errorCode = check(request, context, broker)
  if (errorCode !== ErrorCode.NONE) return { errorCode, apiKeys: [] }
  if (context.apiVersion >= 3) {
    context.connection.clientSoftwareName = request.clientSoftwareName
    context.connection.clientSoftwareVersion = request.clientSoftwareVersion
  }
  return cachedBody(context.apiVersion, broker)
})

/** The answer to a version that is not served, to be sent as v0. */
export function unsupportedApiVersions(row: ApiRow): Response {
  return {
    errorCode: ErrorCode.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: row.message.key, minVersion: row.minVersion, maxVersion: row.maxVersion }],
  }
}

function check(request: RequestOf<typeof ApiVersions>, context: RequestContext, broker: BrokerServices): ErrorCode {
  if (context.apiVersion < 3) return ErrorCode.NONE
  const { clientSoftwareName, clientSoftwareVersion } = request
  if (!SOFTWARE_PATTERN.test(clientSoftwareName) || !SOFTWARE_PATTERN.test(clientSoftwareVersion))
    return ErrorCode.INVALID_REQUEST
  if (context.apiVersion < 5) return ErrorCode.NONE
  const { clusterId, nodeId } = request
  if (clusterId === null && nodeId === -1) return ErrorCode.NONE
  if (clusterId === null || nodeId === -1) return ErrorCode.INVALID_REQUEST
  const ours = clusterId === broker.image().clusterId && nodeId === broker.brokerId
  return ours ? ErrorCode.NONE : ErrorCode.REBOOTSTRAP_REQUIRED
}

function cachedBody(version: number, broker: BrokerServices): EncodedBody {
  const { featuresEpoch } = broker.image()
  let entry = cache.get(broker)
  if (entry?.featuresEpoch !== featuresEpoch) {
    entry = { featuresEpoch, bodies: new Map() }
    cache.set(broker, entry)
  }
  let body = entry.bodies.get(version)
  if (body === undefined) {
    body = new EncodedBody(encode(ApiVersions, 'response', version, answer(version, broker)))
    entry.bodies.set(version, body)
  }
  return body
}

function answer(version: number, broker: BrokerServices): Response {
  const apiKeys = broker.apiTable.rows.map((row) => ({
    apiKey: row.message.key,
    minVersion: row.advertisedMinVersion ?? row.minVersion,
    maxVersion: row.maxVersion,
  }))
  const response: Response = { errorCode: ErrorCode.NONE, apiKeys, throttleTimeMs: 0 }
  if (version < 3) return response
  const image = broker.image()
  return {
    ...response,
    supportedFeatures: supportedFeatures
      .filter((feature) => version >= 4 || feature.minVersion > 0)
      .map(({ name, minVersion, maxVersion }) => ({ name, minVersion, maxVersion })),
    finalizedFeaturesEpoch: image.featuresEpoch,
    finalizedFeatures: [...image.features].map(([name, level]) => ({
      name,
      maxVersionLevel: level,
      minVersionLevel: level,
    })),
  }
}
