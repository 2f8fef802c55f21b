/**
 * Envelope: v0, from brokers to the controller (KIP-590)
 *
 * Behaviours
 * - The request inside is served as if its client had asked here, with that client's principal and address and knowing which broker it had
 *   asked (`requestPrincipal` names it before the principal; only brokers of ours send envelopes); the answer inside has the
 *   correlation id of the request inside.
 * - Not the controller: NOT_CONTROLLER, and nothing was looked at. So it is when the answer inside says that: the lease was lost before the
 *   request was decided, and the sender asks the next controller. A request that cannot be read, or that no answer fits: the connection of
 *   the sender is kept, the error is in the envelope.
 */
import { Envelope, ErrorCode, type RequestOf, type ResponseInput } from '../../../protocol/index.js'
import { api, type RequestContext } from '../context.js'
import { forwardedConnection, forwardedKeys, saysNotController } from '../forwarding.js'
import type { BrokerServices } from '../services.js'

/** Clients of the same broker do not wait for each other: a change is answered when every broker has seen it. */
export const envelope = api(Envelope, '0-0', handleEnvelope, { pipelined: true })

async function handleEnvelope(
  request: RequestOf<typeof Envelope>,
  { connection }: RequestContext,
  broker: BrokerServices,
): Promise<ResponseInput<typeof Envelope>> {
  if (!broker.controller.isActive) return { errorCode: ErrorCode.NOT_CONTROLLER }
  // The request outlives the read buffer: deciding takes more than a turn.
  const frame = Buffer.from(request.requestData)
  if (frame.length < 8 || !forwardedKeys.has(frame.readInt16BE(0))) return { errorCode: ErrorCode.INVALID_REQUEST }
  const client = forwardedConnection(connection, {
    client: request.requestPrincipal?.toString() ?? '',
    address: request.clientHostAddress.toString(),
  })
  if (client === null) return { errorCode: ErrorCode.INVALID_REQUEST }
  const responseData = await broker.serve(frame, client)
  if (responseData === null) return { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR }
  if (saysNotController(frame, responseData)) return { errorCode: ErrorCode.NOT_CONTROLLER }
  return { errorCode: ErrorCode.NONE, responseData }
}
