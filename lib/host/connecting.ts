import type { Socket } from 'node:net'
import type { Stream } from './network.js'
import { networkError, networkFault } from './network-error.js'

interface Attempt<S extends Socket> {
  /** What fails, in words: "Cannot connect to ...". */
  readonly what: string
  /** 0: as long as the system tries. */
  readonly timeoutMs: number
  readonly connected: 'connect' | 'secureConnect'
  open(): S
  /** In the turn in which it is connected. */
  ready(socket: S): Stream
}

/** One attempt to connect. Rejects with NetworkError: then nothing of the socket is left. */
export function connecting<S extends Socket>({ what, timeoutMs, connected, open, ready }: Attempt<S>): Promise<Stream> {
  return new Promise((resolve, reject) => {
    let socket: S
    try {
      socket = open()
    } catch (error) {
      reject(networkError(error, what))
      return
    }
    const refuse = (error: unknown): void => {
      socket.destroy()
      reject(networkError(error, what))
    }
    const late = (): void => refuse(networkFault('ETIMEDOUT', what))
    socket.once('error', refuse)
    if (timeoutMs > 0) socket.setTimeout(timeoutMs, late)
    socket.once(connected, () => {
      socket.off('error', refuse)
      if (timeoutMs > 0) {
        socket.setTimeout(0)
        socket.off('timeout', late)
      }
      resolve(ready(socket))
    })
  })
}
