/**
 * A connection of the load client: prebuilt frames out, answers counted. It costs as little as a Node client can, so that the server is
 * what is measured: one shared read buffer, one write for all frames that a read set free, answers looked at only in their first bytes.
 */
import { connect, type Socket } from 'node:net'

const READ_BYTES = 1024 * 1024
/** Bytes of an answer, after its size, that `onAnswer` gets to see. */
const HEAD_BYTES = 256
const SIZE_BYTES = 4
const CORRELATION_ID_AT = SIZE_BYTES + 4
/** No single answer may take longer. */
const ANSWER_MAX_MS = 60_000

/** All lines read into the same memory: each looks at what came before it returns. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES)

export interface Load {
  readonly count: number
  /** Requests in flight at most. */
  readonly window: number
  /**
   * Whole frame (size included) of request `index`. Its correlation id is set here. A buffer may come again once the answer to its
   * earlier use is there: `window` of them are enough.
   */
  frame(index: number): Buffer
  /** `head`: the first bytes of the answer without its size, valid in this call only; `size`: of the whole answer. Throws when it is wrong. */
  onAnswer(index: number, head: Buffer, size: number): void
}

export class LoadLine {
  readonly #socket: Socket
  readonly #head = Buffer.alloc(SIZE_BYTES + HEAD_BYTES)
  /** Bytes of the current answer seen so far, its size field included. */
  #seen = 0
  #size = 0
  #load: Load | null = null
  #sent = 0
  #answered = 0
  #settle: ((error: Error | null) => void) | null = null

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', (error) => this.#finish(error))
    socket.on('close', () => this.#finish(new Error('the server closed the connection')))
  }

  static async connect(address: string): Promise<LoadLine> {
    const at = address.lastIndexOf(':')
    let line: LoadLine | null = null
    const socket = connect({
      host: address.slice(0, at),
      port: Number(address.slice(at + 1)),
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (count) => {
          line?.take(count)
          return true
        },
      },
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    line = new LoadLine(socket)
    return line
  }

  /** Sends all requests of a load, at most `window` at a time; resolves with the last answer. */
  run(load: Load): Promise<void> {
    this.#load = load
    this.#sent = 0
    this.#answered = 0
    return new Promise((resolve, reject) => {
      let before = -1
      const watch = setInterval(() => {
        if (this.#answered === before)
          this.#finish(new Error(`no answer to request ${before} within ${ANSWER_MAX_MS} ms`))
        before = this.#answered
      }, ANSWER_MAX_MS)
      this.#settle = (error) => {
        clearInterval(watch)
        this.#settle = null
        this.#load = null
        if (error === null) resolve()
        else reject(error)
      }
      this.#send()
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #send(): void {
    const load = this.#load!
    const last = Math.min(load.count, this.#answered + load.window)
    if (this.#sent === last) return
    this.#socket.cork()
    while (this.#sent < last) {
      const frame = load.frame(this.#sent)
      frame.writeInt32BE(this.#sent, CORRELATION_ID_AT)
      this.#socket.write(frame)
      this.#sent++
    }
    this.#socket.uncork()
  }

  take(count: number): void {
    try {
      for (let at = 0; at < count; ) at += this.#takePart(at, count)
    } catch (error) {
      this.#finish(error as Error)
      this.#socket.destroy()
      return
    }
    if (this.#load === null) return
    if (this.#answered === this.#load.count) this.#finish(null)
    else this.#send()
  }

  /** Looks at bytes from `at` on, to the end of the answer at most; gives how many there were. */
  #takePart(at: number, count: number): number {
    const seen = this.#seen
    const wanted = seen < SIZE_BYTES ? SIZE_BYTES - seen : SIZE_BYTES + this.#size - seen
    const part = Math.min(wanted, count - at)
    if (seen < this.#head.length) readBuffer.copy(this.#head, seen, at, at + part)
    this.#seen += part
    if (this.#seen === SIZE_BYTES) this.#size = this.#head.readInt32BE(0)
    else if (this.#seen === SIZE_BYTES + this.#size) this.#answer()
    return part
  }

  #answer(): void {
    const load = this.#load
    if (load === null) throw new Error('an answer that nobody asked for')
    const head = this.#head.subarray(SIZE_BYTES, SIZE_BYTES + Math.min(this.#size, HEAD_BYTES))
    const correlationId = head.readInt32BE(0)
    if (correlationId !== this.#answered) throw new Error(`answer ${correlationId} came, ${this.#answered} was due`)
    this.#seen = 0
    load.onAnswer(this.#answered++, head, this.#size)
  }

  #finish(error: Error | null): void {
    this.#settle?.(error)
  }
}
