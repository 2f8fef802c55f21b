/**
 * Jute, ZooKeeper's own serialization (org.apache.jute): big-endian numbers, int32 lengths, -1 for a null buffer, string or vector.
 * Records have no tags; both sides know what comes.
 */

/** Bytes that are not what they claim to be: the connection they came through cannot be trusted any more. */
export class JuteError extends Error {
  override readonly name = 'JuteError'
}

export class JuteWriter {
  #buffer = Buffer.allocUnsafe(256)
  #at = 0

  int(value: number): this {
    this.#room(4)
    this.#at = this.#buffer.writeInt32BE(value, this.#at)
    return this
  }

  long(value: bigint): this {
    this.#room(8)
    this.#at = this.#buffer.writeBigInt64BE(value, this.#at)
    return this
  }

  bool(value: boolean): this {
    this.#room(1)
    this.#buffer[this.#at++] = value ? 1 : 0
    return this
  }

  buffer(value: Buffer | null): this {
    if (value === null) return this.int(-1)
    this.int(value.length)
    this.#room(value.length)
    this.#at += value.copy(this.#buffer, this.#at)
    return this
  }

  string(value: string): this {
    const length = Buffer.byteLength(value)
    this.int(length)
    this.#room(length)
    this.#at += this.#buffer.write(value, this.#at)
    return this
  }

  vector<T>(values: readonly T[], write: (value: T) => void): this {
    this.int(values.length)
    for (const value of values) write(value)
    return this
  }

  /** A frame: the length in front of what was written. */
  frame(): Buffer {
    const frame = Buffer.allocUnsafe(4 + this.#at)
    frame.writeInt32BE(this.#at, 0)
    this.#buffer.copy(frame, 4, 0, this.#at)
    return frame
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }
}

/** Reads one frame's body. Every method throws a `JuteError` when the bytes end too early. */
export class JuteReader {
  #at = 0

  constructor(private readonly bytes: Buffer) {}

  get remaining(): number {
    return this.bytes.length - this.#at
  }

  int(): number {
    return this.bytes.readInt32BE(this.#take(4))
  }

  long(): bigint {
    return this.bytes.readBigInt64BE(this.#take(8))
  }

  /** A long that this client computes with: zxids, versions of nodes. @throws JuteError beyond 2^53 */
  safeLong(): number {
    const value = this.long()
    const number = Number(value)
    if (!Number.isSafeInteger(number)) throw new JuteError(`${value} is too large for this client`)
    return number
  }

  bool(): boolean {
    return this.bytes[this.#take(1)] !== 0
  }

  /** A copy, since the frame lies in a shared read buffer. */
  buffer(): Buffer | null {
    const length = this.#length()
    if (length < 0) return null
    const at = this.#take(length)
    return Buffer.from(this.bytes.subarray(at, at + length))
  }

  string(): string {
    const length = this.#length()
    if (length < 0) return ''
    const at = this.#take(length)
    return this.bytes.toString('utf8', at, at + length)
  }

  vector<T>(read: () => T): T[] {
    const length = this.#length()
    const values: T[] = []
    for (let i = 0; i < length; i++) values.push(read())
    return values
  }

  #length(): number {
    const length = this.int()
    if (length < -1) throw new JuteError(`${length} is no length`)
    return length
  }

  #take(bytes: number): number {
    const at = this.#at
    if (bytes > this.remaining) throw new JuteError(`want ${bytes} bytes at ${at}, have ${this.remaining}`)
    this.#at = at + bytes
    return at
  }
}
