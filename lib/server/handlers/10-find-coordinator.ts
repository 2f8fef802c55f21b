/**
 * FindCoordinator: v0-6
 *
 * Behaviours
 * - The coordinator of a group is the leader of its partition of `__consumer_offsets`, that of a transactional id of `__transaction_state`;
 *   none: COORDINATOR_NOT_AVAILABLE. An empty key is as good as any. The topic is made when it is asked for first.
 * - An unknown key type is INVALID_REQUEST, and so is a share group's key that is not `group:topic id:partition`. Errors carry node -1, host "" and port -1.
 * Version notes
 * - v1: keyType and an error message, which is `NONE` on success up to v3 and "" from v4 on.
 * - v4: several keys in one request (KIP-699). v6: key type 2, share groups (KIP-932), before it INVALID_REQUEST.
 * Deviations (compat/FINDINGS.md)
 * - The first answer is good already; Kafka says COORDINATOR_NOT_AVAILABLE while it makes the topic.
 */
import {
  ErrorCode,
  errorMessage,
  FindCoordinator,
  type RequestOf,
  type ResponseInput,
} from '../../../protocol/index.js'
import { CoordinatorType, GROUP_TOPIC, leaderOfKey, TRANSACTION_TOPIC } from '../../broker/coordinator/locate.js'
import { then } from '../../broker/group/answer.js'
import { api, type RequestContext } from '../context.js'
import type { BrokerServices } from '../services.js'

interface Found {
  errorCode: ErrorCode
  nodeId: number
  host: string
  port: number
}

const refused = (errorCode: ErrorCode): Found => ({ errorCode, nodeId: -1, host: '', port: -1 })

/** By key type: the internal topics that are made when somebody needs them. */
const MADE_FOR: readonly (string | undefined)[] = [GROUP_TOPIC, TRANSACTION_TOPIC]

export const findCoordinator = api(FindCoordinator, '0-6', (request, context, broker) => {
  // What cannot be made is found missing below.
  const topic = MADE_FOR[request.keyType]
  const made = topic === undefined ? ErrorCode.NONE : broker.internalTopics.ensure(topic)
  return then(made, () => answer(request, context, broker))
})

function answer(
  request: RequestOf<typeof FindCoordinator>,
  context: RequestContext,
  broker: BrokerServices,
): ResponseInput<typeof FindCoordinator> {
  const { keyType } = request
  if (context.apiVersion < 4) {
    const found = find(keyType, request.key, context, broker)
    const message = found.errorCode === ErrorCode.NONE ? 'NONE' : errorMessage(found.errorCode)
    return { throttleTimeMs: 0, ...found, errorMessage: message }
  }
  return {
    throttleTimeMs: 0,
    coordinators: request.coordinatorKeys.map((key) => {
      const found = find(keyType, key, context, broker)
      // Only a type that nobody knows is explained.
      const message = isKnown(keyType) ? '' : errorMessage(found.errorCode)
      return { key, ...found, errorMessage: message }
    }),
  }
}

function isKnown(keyType: number): keyType is CoordinatorType {
  return Object.values<number>(CoordinatorType).includes(keyType)
}

/** A group's name may have colons of its own. */
function isShareKey(key: string): boolean {
  const at = key.search(/:[\w-]{22}:\d{1,10}$/)
  return at > 0 && key.slice(0, at).trim() !== ''
}

function find(keyType: number, key: string, context: RequestContext, broker: BrokerServices): Found {
  if (!isKnown(keyType)) return refused(ErrorCode.INVALID_REQUEST)
  if (keyType === CoordinatorType.SHARE && (context.apiVersion < 6 || !isShareKey(key)))
    return refused(ErrorCode.INVALID_REQUEST)
  const nodeId = leaderOfKey(broker.image(), keyType, key) ?? -1
  const address = nodeId === -1 ? null : broker.advertised(nodeId, context.connection)
  if (address === null) return refused(ErrorCode.COORDINATOR_NOT_AVAILABLE)
  return { errorCode: ErrorCode.NONE, nodeId, host: address.host, port: address.port }
}
