/** Says in the log where clients connect, and what would keep them away: the most common trouble with any Kafka. */
import type { Logger } from '../host/logger.js'
import type { Network, NetworkError } from '../host/network.js'
import { endpoint } from '../host/network-error.js'
import type { BoundListener } from '../server/listener.js'
import { isWildcard } from '../server/listeners.js'

const PROBE_TIMEOUT_MS = 3000

/** One line for each listener; the first that a person sees of a broker. */
export function sayWhere(listeners: readonly BoundListener[], logger: Logger): void {
  for (const { spec, host, port } of listeners) {
    const { advertised, name } = spec
    const where =
      advertised === null && isWildcard(host)
        ? `port ${port} of any address of this machine`
        : endpoint(advertised?.host ?? host, advertised?.port || port)
    logger.info(`Clients connect to ${where} (listener ${name}).`)
  }
}

/** At most one line for each listener. Resolves when all advertised addresses have been tried; never rejects. */
export async function warnOfUnreachable(
  listeners: readonly BoundListener[],
  { logger, network }: { readonly logger: Logger; readonly network: Pick<Network, 'connect'> },
): Promise<void> {
  for (const { spec, host, port } of listeners) {
    const { name, advertised } = spec
    // A port of 0 is advertised as the one that was bound.
    if (advertised !== null) await probe({ ...advertised, port: advertised.port || port }, { logger, network })
    else if (isWildcard(host)) {
      logger.warn(
        `The listener ${name} is bound to every interface and has no advertised address: each client is told the address that it came in by. Clients that come through a container's port mapping or a NAT need --advertise HOST:PORT with the address that they use.`,
      )
    }
  }
}

async function probe(
  { host, port }: { readonly host: string; readonly port: number },
  { logger, network }: { readonly logger: Logger; readonly network: Pick<Network, 'connect'> },
): Promise<void> {
  try {
    const stream = await network.connect({ host, port, timeoutMs: PROBE_TIMEOUT_MS })
    stream.attach({ onData: () => {}, onEnd: () => {}, onClose: () => {}, onDrain: () => {} })
    stream.destroy()
  } catch (error) {
    logger.warn(
      `The advertised address ${endpoint(host, port)} cannot be reached from this machine (${(error as NetworkError).code}): clients are told it and will fail unless they can reach it. Give the address that clients use with --advertise HOST:PORT.`,
    )
  }
}
