import { connect, createServer, type Socket } from 'node:net'
import type { ISocketFactory } from 'kafkajs'

/** Offset of the API key in a request frame: after the length. */
const apiKeyAt = 4

/**
 * A socket factory for kafkajs that keeps its sockets in sight. kafkajs follows advertised addresses past any proxy, so
 * the fault has to happen on its own side of the connection.
 */
export class WatchedSockets {
  readonly open = new Set<Socket>()
  connects = 0
  cuts = 0
  private cutKey: number | undefined
  private cutsLeft = 0

  readonly factory: ISocketFactory = ({ host, port, onConnect }) => {
    const socket = connect({ host, port }, onConnect)
    this.connects += 1
    this.open.add(socket)
    socket.once('close', () => this.open.delete(socket))
    this.watch(socket)
    return socket
  }

  /** Cuts the connection right after the whole request with this API key has been written, the given number of times. */
  cutAfter(apiKey: number, times = 1): void {
    this.cutKey = apiKey
    this.cutsLeft = times
  }

  /** Cuts all connections now. */
  cutAll(): void {
    for (const socket of this.open) socket.destroy(reset())
  }

  private watch(socket: Socket): void {
    const write = socket.write.bind(socket) as (data: Buffer, done: () => void) => boolean
    const watched = (data: Buffer) => {
      const cut = this.cutsLeft > 0 && data.readInt16BE(apiKeyAt) === this.cutKey
      if (!cut) return write(data, () => undefined)
      this.cutsLeft -= 1
      this.cuts += 1
      // Gone only when the operating system has the bytes: the broker gets the request, the client no answer.
      return write(data, () => socket.destroy(reset()))
    }
    socket.write = watched as typeof socket.write
  }
}

/** What the operating system says of a connection that the other side tore down; kafkajs notices nothing less. */
function reset(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
}

/** `127.0.0.1:PORT` where nobody listens: it was free a moment ago. */
export async function deadAddress(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port')
  return `127.0.0.1:${address.port}`
}
