/**
 * Requests that only the controller may decide go to it from whatever broker a client has asked, inside an Envelope (KIP-590): the request as it
 * came, the answer as it leaves.
 */

import { decodeResponseFrame, ErrorCode, messageByKey } from '../../protocol/index.js'
import type { ControllerChannel } from '../cluster/controller-channel.js'
import { NoController } from '../cluster/controller-channel.js'
import type { ConnectionView } from './context.js'

/** By API key: those that Kafka marks as forwardable and that are served here. */
export const forwardedKeys: ReadonlySet<number> = new Set([
  19, // CreateTopics
  20, // DeleteTopics
  33, // AlterConfigs
  37, // CreatePartitions
  43, // ElectLeaders
  44, // IncrementalAlterConfigs
  45, // AlterPartitionReassignments
  57, // UpdateFeatures
  64, // UnregisterBroker
])

export class Forwarder {
  constructor(
    private readonly brokerId: number,
    private readonly channel: ControllerChannel,
  ) {}

  /** Whether the request is decided here anyway. */
  get isLocal(): boolean {
    return this.channel.isLocal
  }

  /** This broker is stopping: it finds nobody any more who decides. */
  get isClosed(): boolean {
    return this.channel.isClosed
  }

  /** Until when a request that begins now is tried, on the clock of `again`. */
  get deadlineMs(): number {
    return this.channel.deadlineMs
  }

  /** Waits for what may have become of the lease. False: nobody is to be tried any more. */
  again(deadlineMs: number): Promise<boolean> {
    return this.channel.again(deadlineMs)
  }

  /**
   * `frame`: header and body, in memory of its own. The answer's frame, its size included; null: serve it here, for this broker is the
   * controller by now, or nobody is (the answer then is NOT_CONTROLLER, which clients try again).
   */
  async forward(frame: Buffer, connection: ConnectionView): Promise<Buffer | null> {
    let answer: Buffer | null
    try {
      answer = await this.channel.forward(frame, {
        principal: Buffer.from(`${this.brokerId} ${connection.principal}`),
        address: Buffer.from(connection.remoteAddress),
        isGone: () => connection.closed,
      })
    } catch (error) {
      if (error instanceof NoController) return null
      throw error
    }
    if (answer === null) return null
    const framed = Buffer.allocUnsafe(4 + answer.length)
    framed.writeInt32BE(answer.length, 0)
    answer.copy(framed, 4)
    return framed
  }
}

const NOT_CONTROLLER_BYTES = Buffer.from([0, ErrorCode.NOT_CONTROLLER])

/**
 * Whether the answer (header and body) refuses what was asked because nobody decides here any more. Most answers need not be decoded to tell.
 */
export function saysNotController(request: Buffer, answer: Buffer): boolean {
  if (!answer.includes(NOT_CONTROLLER_BYTES)) return false
  const message = messageByKey(request.readInt16BE(0))
  return message !== undefined && isRefusal(decodeResponseFrame(message, request.readInt16BE(2), answer).body)
}

function isRefusal(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isRefusal)
  if (value === null || typeof value !== 'object') return false
  return Object.entries(value).some(([name, inner]) =>
    name === 'errorCode' ? inner === ErrorCode.NOT_CONTROLLER : isRefusal(inner),
  )
}

const FORWARDED = 'FORWARDED'

/** The client behind an Envelope: what its request is judged by. Null when the envelope does not say, as `Forwarder` does. */
export function forwardedConnection(
  through: ConnectionView,
  { client, address }: { readonly client: string; readonly address: string },
): ConnectionView | null {
  const match = /^(\d+) (.*)$/s.exec(client)
  if (match === null) return null
  const [, receiverId, principal = ''] = match
  return {
    receiverId: Number(receiverId),
    id: `${through.id}/${address}`,
    // Not the listener that it came through, which is for brokers: nothing that is forwarded asks for addresses.
    listenerName: FORWARDED,
    securityProtocol: through.securityProtocol,
    remoteAddress: address,
    remotePort: 0,
    localAddress: through.localAddress,
    principal,
    clientSoftwareName: through.clientSoftwareName,
    clientSoftwareVersion: through.clientSoftwareVersion,
    get closed() {
      return through.closed
    },
    onClose: (listener) => through.onClose(listener),
    stall: (until) => through.stall(until),
  }
}
