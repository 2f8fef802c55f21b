/** Which address of a broker a client is told: that of the listener through which it asks. */
import type { Image } from '../metadata/image.js'
import type { ConnectionView } from './context.js'
import { isWildcard } from './listeners.js'

/**
 * Null when the broker has no such listener. A listener bound to every interface without an advertised address answers with the
 * address that this client came in by: that one is known to work for it.
 */
export function advertisedAddress(
  image: Image,
  brokerId: number,
  connection: ConnectionView,
): { host: string; port: number } | null {
  const endpoint = image.brokers.get(brokerId)?.endpoints.get(connection.listenerName)
  if (endpoint === undefined) return null
  if (!isWildcard(endpoint.host)) return { host: endpoint.host, port: endpoint.port }
  // A stream that was handed in may have no address.
  return { host: unmapped(connection.localAddress) || '127.0.0.1', port: endpoint.port }
}

/** A dual-stack socket shows IPv4 peers as ::ffff:1.2.3.4, which not every client can parse. */
function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
