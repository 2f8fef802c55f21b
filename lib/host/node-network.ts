import { connect, createServer, type Server, type Socket } from 'node:net'
import { connecting } from './connecting.js'
import { DuplexStream, WRITE_BUFFER_BYTES } from './duplex-stream.js'
import type { ListenOptions, Network, NetworkServer, Stream } from './network.js'
import { endpoint, networkError } from './network-error.js'
import { adopt, canAdopt, sharedBuffer } from './onread-socket.js'
import { createAlarm } from './real-time.js'

export interface NodeNetworkOptions {
  /** False: reads by 'data' events, for runtimes where the shared buffer misbehaves. */
  sharedReads?: boolean
}

/** Unaccepted connections that the system keeps: a restart of many clients must not end in resets. Kafka: 50. */
const BACKLOG = 511

/** TCP by node:net. */
export class NodeNetwork implements Network {
  readonly #sharedReads: boolean

  constructor(options: NodeNetworkOptions = {}) {
    this.#sharedReads = options.sharedReads ?? true
  }

  listen(options: ListenOptions, onStream: (stream: Stream) => void): Promise<NetworkServer> {
    const { host, port, backlog = BACKLOG, onError } = options
    const what = `Cannot listen on ${endpoint(host, port)}`
    return new Promise((resolve, reject) => {
      const refuse = (error: unknown) => reject(networkError(error, what))
      const server = createServer(
        { noDelay: true, pauseOnConnect: true, allowHalfOpen: true, highWaterMark: WRITE_BUFFER_BYTES },
        (socket) => {
          const stream = this.#accept(socket)
          if (stream !== null) onStream(stream)
        },
      )
      server.once('error', refuse)
      try {
        server.listen({ port, backlog, ...(host === '' ? {} : { host }) }, () => {
          server.off('error', refuse)
          // From here on errors are about single connections that could not be accepted; the listener goes on.
          server.on('error', (error) =>
            onError?.(networkError(error, `Cannot accept a connection on ${endpoint(host, port)}`)),
          )
          resolve(new NodeServer(server))
        })
      } catch (error) {
        refuse(error)
      }
    })
  }

  connect(options: { host: string; port: number; timeoutMs?: number }): Promise<Stream> {
    const { host, port, timeoutMs = 0 } = options
    let stream: SocketStream | null = null
    const shared = this.#sharedReads && canAdopt()
    const callback = (count: number) => stream?.receive(sharedBuffer().subarray(0, count)) ?? false
    return connecting({
      what: `Cannot connect to ${endpoint(host, port)}`,
      timeoutMs,
      connected: 'connect',
      open: () =>
        connect({
          host,
          port,
          noDelay: true,
          allowHalfOpen: true,
          writableHighWaterMark: WRITE_BUFFER_BYTES,
          ...(shared ? { onread: { buffer: sharedBuffer(), callback } } : {}),
        } as Parameters<typeof connect>[0] & object),
      ready(socket) {
        stream = new SocketStream(socket)
        // The handlers come when the promise's owner has been called: nothing may be read and lost before.
        if (shared) socket.pause()
        else stream.readByEvents()
        return stream
      },
    })
  }

  #accept(socket: Socket): Stream | null {
    // The peer has gone before we looked. There is no address left, and nothing to say.
    if (socket.remoteAddress === undefined) {
      socket.destroy()
      return null
    }
    let stream: SocketStream | null = null
    const moved = this.#sharedReads ? adopt(socket, (view) => stream?.receive(view) ?? false) : null
    stream = new SocketStream(moved ?? socket)
    if (moved === null) stream.readByEvents()
    return stream
  }
}

class SocketStream extends DuplexStream {
  readonly #socket: Socket
  constructor(socket: Socket) {
    super(socket, { remoteAddress: socket.remoteAddress ?? '', remotePort: socket.remotePort ?? 0 })
    this.#socket = socket
  }
  /** The kernel has its own copy of what is written. */
  protected override get copiesOut(): boolean {
    return true
  }
  // Asked for rarely, so not looked up for every connection.
  override get localAddress(): string {
    return this.#socket.localAddress ?? ''
  }
  override get localPort(): number {
    return this.#socket.localPort ?? 0
  }
}

class NodeServer implements NetworkServer {
  readonly host: string
  readonly port: number
  readonly #server: Server
  #closing: Promise<void> | null = null

  constructor(server: Server) {
    this.#server = server
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a listening server has an address and a port')
    this.host = address.address
    this.port = address.port
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      // The listening socket is closed within this call. The callback of `close` would come only when the last of the
      // connections has ended, and those are not ours.
      this.#server.close()
      let turns = 0
      // Two turns on, the close callbacks have run as well: no handle of the listener is left.
      const alarm = createAlarm(() => (turns++ === 0 ? alarm.set(0) : resolve()))
      alarm.set(0)
    })
    return this.#closing
  }
}
