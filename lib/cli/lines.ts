/** Standard input as lines of bytes: what is no UTF-8 stays what it is. */
import { CommandError } from './session.js'

/** No broker takes a longer record (`socket.request.max.bytes`), and input without line ends must not fill the memory. */
export const MAX_LINE_BYTES = 100 << 20

const LF = 10
const CR = 13

/**
 * The lines of each chunk as they become whole, without `\n` or `\r\n`; a last line needs no line end.
 * @throws CommandError when a line is longer than `maxLineBytes`
 */
export async function* splitLines(
  input: AsyncIterable<Buffer | string>,
  maxLineBytes = MAX_LINE_BYTES,
): AsyncGenerator<Buffer[]> {
  let open: Buffer[] = []
  let openBytes = 0
  let count = 0
  const close = (tail: Buffer): Buffer => {
    const line = openBytes === 0 ? tail : Buffer.concat([...open, tail])
    open = []
    openBytes = 0
    count++
    return line.at(-1) === CR ? line.subarray(0, -1) : line
  }
  for await (const piece of input) {
    const chunk = typeof piece === 'string' ? Buffer.from(piece) : piece
    const lines: Buffer[] = []
    let start = 0
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      lines.push(close(chunk.subarray(start, end)))
      start = end + 1
    }
    if (start < chunk.length) {
      open.push(chunk.subarray(start))
      openBytes += chunk.length - start
    }
    if (lines.length > 0) yield lines
    if (openBytes > maxLineBytes) {
      throw new CommandError(`Line ${count + 1} is longer than ${maxLineBytes} bytes: no broker takes such a record.`)
    }
  }
  if (openBytes > 0) yield [close(Buffer.alloc(0))]
}

/** `input` until `interrupted` settles; what was being waited for then is dropped. */
export async function* until<T>(input: AsyncIterable<T>, interrupted: Promise<unknown>): AsyncGenerator<T> {
  const iterator = input[Symbol.asyncIterator]()
  const over: IteratorResult<T> = { done: true, value: undefined }
  let stopped = false
  let wake = (): void => {}
  // Not a race per chunk: that would leave a reaction on `interrupted` for each.
  void interrupted.then(() => {
    stopped = true
    wake()
  })
  for (;;) {
    const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
      if (stopped) {
        resolve(over)
        return
      }
      wake = () => resolve(over)
      iterator.next().then(resolve, reject)
    })
    if (next.done) return
    yield next.value
  }
}
