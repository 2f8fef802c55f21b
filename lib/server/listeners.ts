/**
 * Named listeners as Kafka configures them: `listeners`, `advertised.listeners`, `listener.security.protocol.map`,
 * `inter.broker.listener.name`. Pure: text in, listeners out, or an error that a person can act on.
 */

import { PEER_LISTENER } from '../cluster/peers.js'

export interface ListenerSpec {
  /** Upper case, e.g. PLAINTEXT or INTERNAL. */
  readonly name: string
  readonly securityProtocol: SecurityProtocol
  /** Where to bind. */
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  /** What clients are told; null means: the address bound, or for a wildcard address the one that the client came in by. */
  readonly advertised: { readonly host: string; readonly port: number } | null
}

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'

/** A setting that cannot work; the message is a whole sentence for the user. */
export class ListenerConfigError extends Error {
  override readonly name = 'ListenerConfigError'
  readonly code = 'ERR_ODRADEK_LISTENER_CONFIG'
}

export interface ListenerSettings {
  readonly listeners: string
  readonly advertisedListeners: string | null
  /** `NAME:PROTOCOL,...` */
  readonly securityProtocolMap: string
  readonly interBrokerListenerName: string | null
}

export interface Listeners {
  readonly specs: readonly ListenerSpec[]
  readonly interBrokerListenerName: string
}

const WILDCARDS = new Set(['', '0.0.0.0', '::', '[::]'])

/** True for an address that binds every interface and that no client can connect to. */
export function isWildcard(host: string): boolean {
  return WILDCARDS.has(host)
}

export function parseListeners(settings: ListenerSettings): Listeners {
  const protocols = parseProtocolMap(settings.securityProtocolMap)
  const bound = parseEndpoints('listeners', settings.listeners)
  if (bound.length === 0)
    throw new ListenerConfigError('listeners is empty: name at least one, like PLAINTEXT://127.0.0.1:9092.')
  const advertised = parseEndpoints('advertised.listeners', settings.advertisedListeners ?? '')
  const byName = new Map(advertised.map((endpoint) => [endpoint.name, endpoint]))
  checkAdvertised(bound, advertised)
  const specs = bound.map((endpoint): ListenerSpec => {
    const shown = byName.get(endpoint.name)
    return {
      name: endpoint.name,
      securityProtocol: protocolOf(endpoint.name, protocols),
      host: endpoint.host === '' ? '0.0.0.0' : endpoint.host,
      port: endpoint.port,
      advertised: shown ? { host: shown.host, port: shown.port } : null,
    }
  })
  const interBrokerListenerName = (settings.interBrokerListenerName ?? specs[0]!.name).toUpperCase()
  if (!specs.some((spec) => spec.name === interBrokerListenerName)) {
    throw new ListenerConfigError(
      `inter.broker.listener.name is ${interBrokerListenerName}, which is not among the listeners (${bound.map((b) => b.name).join(', ')}).`,
    )
  }
  return { specs, interBrokerListenerName }
}

/**
 * With the one by which the other brokers of a cluster connect, of which clients never hear: CONTROLLER where `listeners` has it (a fixed port,
 * for a firewall), else beside the first listener on a free port.
 */
export function withPeerListener({ specs }: Listeners): readonly ListenerSpec[] {
  if (specs.some(({ name }) => name === PEER_LISTENER)) return specs
  const { host, advertised } = specs[0]!
  // A wildcard is no address to connect to: what clients are told of the host serves brokers too.
  const shown = advertised === null ? null : { host: advertised.host, port: 0 }
  return [...specs, { name: PEER_LISTENER, securityProtocol: 'PLAINTEXT', host, port: 0, advertised: shown }]
}

interface NamedEndpoint {
  readonly name: string
  readonly host: string
  readonly port: number
}

function parseEndpoints(setting: string, text: string): NamedEndpoint[] {
  const endpoints = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => parseEndpoint(setting, part))
  for (const [index, endpoint] of endpoints.entries()) {
    const twin = endpoints.slice(0, index).find((other) => collides(setting, endpoint, other))
    if (twin) {
      throw new ListenerConfigError(
        `${setting} names ${twin.name === endpoint.name ? `the listener ${twin.name}` : `port ${twin.port}`} twice.`,
      )
    }
  }
  return endpoints
}

function collides(setting: string, one: NamedEndpoint, other: NamedEndpoint): boolean {
  if (one.name === other.name) return true
  return setting === 'listeners' && one.port !== 0 && one.port === other.port && one.host === other.host
}

function parseEndpoint(setting: string, text: string): NamedEndpoint {
  const match = /^([A-Za-z0-9_-]+):\/\/(\[[0-9a-fA-F:.%]+\]|[^:[\]/]*):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65535) {
    throw new ListenerConfigError(
      `${setting} has "${text}", which is not of the form NAME://HOST:PORT, like PLAINTEXT://127.0.0.1:9092.`,
    )
  }
  return { name: match[1]!.toUpperCase(), host: match[2]!.replace(/^\[|\]$/g, ''), port }
}

function checkAdvertised(bound: readonly NamedEndpoint[], advertised: readonly NamedEndpoint[]): void {
  for (const endpoint of advertised) {
    if (!bound.some((listener) => listener.name === endpoint.name)) {
      throw new ListenerConfigError(`advertised.listeners names ${endpoint.name}, which is not among the listeners.`)
    }
    if (isWildcard(endpoint.host)) {
      throw new ListenerConfigError(
        `advertised.listeners has ${endpoint.name}://${endpoint.host}:${endpoint.port}, an address that no client can connect to: give the host name or address that clients use.`,
      )
    }
  }
}

function parseProtocolMap(text: string): Map<string, string> {
  const map = new Map<string, string>()
  for (const part of text.split(',').filter((entry) => entry.trim() !== '')) {
    const match = /^\s*([A-Za-z0-9_-]+)\s*:\s*([A-Za-z_]+)\s*$/.exec(part)
    if (!match)
      throw new ListenerConfigError(
        `listener.security.protocol.map has "${part}", which is not of the form NAME:PROTOCOL.`,
      )
    map.set(match[1]!.toUpperCase(), match[2]!.toUpperCase())
  }
  return map
}

const PROTOCOLS: readonly string[] = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']

function protocolOf(name: string, protocols: ReadonlyMap<string, string>): SecurityProtocol {
  const protocol =
    protocols.get(name) ?? (PROTOCOLS.includes(name) ? name : name === PEER_LISTENER ? 'PLAINTEXT' : undefined)
  if (protocol === undefined) {
    throw new ListenerConfigError(
      `The listener ${name} has no security protocol: add ${name}:PLAINTEXT to listener.security.protocol.map.`,
    )
  }
  if (!PROTOCOLS.includes(protocol)) {
    throw new ListenerConfigError(
      `listener.security.protocol.map gives ${name} the protocol ${protocol}; it must be one of ${PROTOCOLS.join(', ')}.`,
    )
  }
  if (protocol !== 'PLAINTEXT') {
    throw new ListenerConfigError(
      `The listener ${name} wants ${protocol}, which this version does not serve yet: only PLAINTEXT is.`,
    )
  }
  return protocol as SecurityProtocol
}
