import { NetworkError } from './network.js'

const meanings: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken by another program. Stop that program, or choose another port (0 takes a free one)',
  EACCES: 'this user may not use the port. Choose one above 1023, or ask for the permission',
  EADDRNOTAVAIL: 'this machine has no such address. Choose one of its own addresses, or 0.0.0.0 for all of them',
  EAFNOSUPPORT: 'this machine does not support that kind of address',
  ENOTFOUND: 'the host name is not known. Check its spelling',
  EAI_AGAIN: 'the name server does not answer. Try again, or use an address',
  ECONNREFUSED: 'nobody listens there. Check host and port, and that the server runs',
  ECONNRESET: 'the peer closed it without saying so',
  EPIPE: 'the peer has closed it',
  ETIMEDOUT: 'the peer does not answer in time',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  EMFILE: 'this process has too many open files. Raise its limit (ulimit -n) or lower the number of connections',
  ENFILE: 'the system has too many open files',
  ERR_SOCKET_BAD_PORT: 'a port is a number from 0 to 65535',
}

/** A `NetworkError` whose message is a sentence: what failed (`what`), and what it means. */
export function networkError(cause: unknown, what: string): NetworkError {
  if (cause instanceof NetworkError) return cause
  const code =
    typeof cause === 'object' && cause !== null && 'code' in cause && typeof cause.code === 'string'
      ? cause.code
      : 'UNKNOWN'
  const meaning = meanings[code] ?? (cause instanceof Error ? cause.message : String(cause))
  return new NetworkError(code, `${what}: ${meaning} (${code}).`, { cause })
}

/** The same for a failure that is ours and not the operating system's. */
export function networkFault(code: string, what: string): NetworkError {
  return new NetworkError(code, `${what}: ${meanings[code] ?? 'it failed'} (${code}).`)
}

/** Host and port as people write them; IPv6 in brackets. */
export function endpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
