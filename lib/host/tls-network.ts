import { connect, createSecureContext } from 'node:tls'
import { connecting } from './connecting.js'
import { fromDuplex } from './duplex-stream.js'
import { type Network, NetworkError, type NetworkServer, type Stream } from './network.js'
import { endpoint } from './network-error.js'

export interface TlsOptions {
  /** PEM text of the authorities that the server's certificate is checked against; default: those that Node trusts. */
  readonly ca?: string
  /** PEM texts of our own certificate and its key, for a server that asks for one. */
  readonly cert?: string
  readonly key?: string
}

/**
 * What cannot be used, and why, in a sentence; null: nothing. Node finds out at the first connection, which is then tried for ever, or takes no notice:
 * authorities that are none, a certificate without its key.
 */
export function tlsProblem(options: TlsOptions): { readonly of: keyof TlsOptions; readonly why: string } | null {
  const { ca, cert, key } = options
  for (const of of ['ca', 'cert'] as const) {
    const text = options[of]
    if (text !== undefined && !/-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/.test(text))
      return { of, why: 'There is no PEM certificate.' }
  }
  if (cert !== undefined && key === undefined) return { of: 'cert', why: 'A certificate is of no use without its key.' }
  if (key !== undefined && cert === undefined) return { of: 'key', why: 'A key is of no use without its certificate.' }
  for (const [of, some] of [
    ['ca', { ca }],
    ['cert', { cert }],
    ['key', { key, cert }],
  ] as const) {
    try {
      createSecureContext(some)
    } catch (error) {
      return { of, why: `It cannot be used: ${(error as Error).message}.` }
    }
  }
  return null
}

/** Outgoing connections by TLS. The server's certificate has to be valid for the name that is connected to. */
export class TlsNetwork implements Network {
  readonly #options: TlsOptions

  constructor(options: TlsOptions) {
    this.#options = options
  }

  /** Nobody listens by TLS yet. */
  listen(): Promise<NetworkServer> {
    return Promise.reject(new NetworkError('ENOTSUP', 'This network is for outgoing connections.'))
  }

  connect({ host, port, timeoutMs = 0 }: { host: string; port: number; timeoutMs?: number }): Promise<Stream> {
    return connecting({
      what: `Cannot connect by TLS to ${endpoint(host, port)}`,
      timeoutMs,
      connected: 'secureConnect',
      open: () => connect({ host, port, ...this.#options, servername: isAddress(host) ? '' : host }),
      ready(socket) {
        const { localAddress = '', localPort = 0 } = socket
        return fromDuplex(socket, { remoteAddress: host, remotePort: port, localAddress, localPort })
      },
    })
  }
}

/** TLS names (SNI) are names: an address is checked against the certificate's addresses without one. */
const isAddress = (host: string): boolean => /^[\d.]+$|:/.test(host)
