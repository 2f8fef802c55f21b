/**
 * The floor: what one Node thread can do with the same transport as Odradek's and no broker behind it. It cuts frames, and repeats for
 * each API key the answer that it was taught. No decoding, no CRC, no log. It ends when its standard input does.
 *
 * Teaching: a frame with the key TEACH, a correlation id, the int16 key to learn and the answer's bytes behind the correlation id.
 */
import { NodeNetwork } from '../../lib/host/node-network.js'
import { Framer } from '../../protocol/index.js'
import { TEACH } from './floor.js'

const CORRELATION_ID_AT = 4
/** Size field and correlation id. */
const HEAD_BYTES = 8
/** Above this an answer goes out as two pieces of one write instead of being copied. */
const COPY_MAX_BYTES = 16 * 1024

const answers = new Map<number, Buffer>()

const server = await new NodeNetwork().listen({ host: '127.0.0.1', port: 0 }, (stream) => {
  let out: Buffer[] = []
  const onFrame = (frame: Buffer): boolean => {
    const key = frame.readInt16BE(0)
    if (key === TEACH) answers.set(frame.readInt16BE(8), Buffer.from(frame.subarray(10)))
    const answer = key === TEACH ? Buffer.alloc(0) : answers.get(key)
    if (answer === undefined) {
      stream.destroy()
      return false
    }
    const copied = answer.length <= COPY_MAX_BYTES
    const head = Buffer.allocUnsafe(HEAD_BYTES + (copied ? answer.length : 0))
    head.writeInt32BE(answer.length + 4, 0)
    frame.copy(head, 4, CORRELATION_ID_AT, CORRELATION_ID_AT + 4)
    if (copied) answer.copy(head, HEAD_BYTES)
    out.push(head)
    if (!copied) out.push(answer)
    return true
  }
  const framer = new Framer({ maxFrameBytes: 100_000_000, onFrame })
  stream.attach({
    onData(view) {
      framer.push(view)
      if (out.length === 0) return
      stream.write(out)
      out = []
    },
    onEnd: () => stream.end(),
    onDrain() {},
    onClose() {},
  })
})
console.log(`ready ${server.host}:${server.port}`)
process.stdin.resume().on('end', () => process.exit(0))
