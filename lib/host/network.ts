/**
 * Byte streams between peers. The server, the peers of a cluster and `handle(duplex)` all speak to this port.
 *
 * Ownership rule: the buffer given to `onData` belongs to the stream and is reused after the callback returns.
 * Whatever must outlive the callback is copied.
 */
export interface Network {
  /** Rejects with a `NetworkError` (code EADDRINUSE, EACCES ...) when the address cannot be had. Port 0 takes a free one. */
  listen(options: ListenOptions, onStream: (stream: Stream) => void): Promise<NetworkServer>
  connect(options: { host: string; port: number; timeoutMs?: number }): Promise<Stream>
}

export interface ListenOptions {
  host: string
  port: number
  backlog?: number
  /** A connection could not be accepted (too many open files, say). The listener goes on. */
  onError?: (error: NetworkError) => void
}

export interface NetworkServer {
  readonly host: string
  readonly port: number
  /** Stops accepting; resolves when the address is free again. Streams live on until closed by their owner. */
  close(): Promise<void>
}

export interface StreamHandlers {
  /** A view into a shared read buffer: see the ownership rule. */
  onData(view: Buffer): void
  /** The peer has sent its last byte (half close). Writing is still possible. */
  onEnd(): void
  /** Nothing more will be read or written. Called exactly once, with the error that caused it, if any. */
  onClose(error: Error | null): void
  /** Everything written has left this process, after a `write` that returned false. */
  onDrain(): void
}

export interface Stream {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  /** Bytes accepted by `write` that have not left this process. */
  readonly bufferedBytes: number
  /** Set once, in the same turn in which the stream is handed over. */
  attach(handlers: StreamHandlers): void
  /**
   * Queues the pieces as one write. False means: wait for `onDrain` before writing much more. The pieces must not change until sent:
   * `onSent` is called when nobody looks at their memory any more. Never, where that cannot be known, or when they are not sent.
   */
  write(pieces: readonly Buffer[], onSent?: () => void): boolean
  /** No `onData` after this returns, until `resume`. */
  pause(): void
  resume(): void
  /** Sends what is queued, then closes our half. */
  end(): void
  /** Drops everything now. */
  destroy(): void
}

export class NetworkError extends Error {
  override readonly name = 'NetworkError'
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}
