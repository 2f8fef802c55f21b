import { expect } from 'chai'
import fc from 'fast-check'
import {
  decodeRequestFrame,
  decodeResponseFrame,
  encodeRequestFrame,
  encodeResponseFrame,
  Fetch,
  Framer,
  Heartbeat,
  Metadata,
  ProtocolError,
} from '../../protocol/index.js'

const frameOf = (length: number, fill: number): Buffer => {
  const frame = Buffer.alloc(4 + length, fill)
  frame.writeInt32BE(length, 0)
  return frame
}

/** A framer that keeps copies of what it was given. */
function collect(maxFrameBytes = 1_000_000): { framer: Framer; frames: Buffer[] } {
  const frames: Buffer[] = []
  const framer = new Framer({ maxFrameBytes, onFrame: (frame) => frames.push(Buffer.from(frame)) > 0 })
  return { framer, frames }
}

const caught = (run: () => unknown): ProtocolError => {
  try {
    run()
  } catch (error) {
    if (error instanceof ProtocolError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('Framer', () => {
  const sizes = [1, 5, 300, 2, 1000, 1]
  const stream = Buffer.concat(sizes.map((size, i) => frameOf(size, i + 1)))
  const whole = (frames: Buffer[]): void => {
    expect(frames.map((frame) => [frame.length, frame[0], frame.at(-1)])).to.deep.equal(
      sizes.map((size, i) => [size, i + 1, i + 1]),
    )
  }

  it('gives whole frames as views of the chunk', () => {
    const views: Buffer[] = []
    new Framer({ maxFrameBytes: 1000, onFrame: (frame) => views.push(frame) > 0 }).push(stream)
    whole(views)
    for (const view of views) expect(view.buffer).to.equal(stream.buffer)
  })

  it('gives the same frames split at every byte', () => {
    for (let at = 0; at <= stream.length; at++) {
      const { framer, frames } = collect()
      framer.push(stream.subarray(0, at))
      framer.push(stream.subarray(at))
      whole(frames)
      expect(framer.pendingBytes).to.equal(0)
    }
  })

  it('gives the same frames byte by byte and in any chunks', () => {
    const { framer, frames } = collect()
    for (let i = 0; i < stream.length; i++) framer.push(stream.subarray(i, i + 1))
    whole(frames)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 50 }), (cuts) => {
        const other = collect()
        let at = 0
        for (const cut of cuts) other.framer.push(stream.subarray(at, (at += cut)))
        other.framer.push(stream.subarray(at))
        whole(other.frames)
      }),
    )
  })

  it('refuses lengths of zero and less, after the frames before', () => {
    for (const length of [0, -1, -2147483648]) {
      const { framer, frames } = collect()
      const bad = Buffer.alloc(8)
      bad.writeInt32BE(length)
      expect(caught(() => framer.push(Buffer.concat([frameOf(3, 9), bad]))).code).to.equal('INVALID_FRAME')
      expect(frames).to.have.length(1)
      framer.push(frameOf(3, 9))
      expect(frames, 'it is stopped').to.have.length(1)
    }
  })

  it('takes a frame of exactly the limit, and refuses one byte more as soon as the length is there', () => {
    const { framer, frames } = collect(1000)
    framer.push(frameOf(1000, 1))
    expect(frames).to.have.length(1)
    expect(caught(() => framer.push(frameOf(1001, 1).subarray(0, 4))).code).to.equal('FRAME_TOO_LARGE')
    const other = collect(1000)
    const head = frameOf(1001, 1)
    other.framer.push(head.subarray(0, 3))
    expect(caught(() => other.framer.push(head.subarray(3, 4))).code).to.equal('FRAME_TOO_LARGE')
    expect(other.framer.pendingBytes).to.equal(0)
  })

  it('reserves nothing for what has not been sent', () => {
    const announced = Buffer.alloc(5)
    announced.writeInt32BE(100 * 1024 * 1024)
    const before = process.memoryUsage().arrayBuffers
    const framers = Array.from({ length: 100 }, () => {
      const { framer } = collect(100 * 1024 * 1024)
      framer.push(announced)
      return framer
    })
    expect(process.memoryUsage().arrayBuffers - before).to.be.lessThan(2 * 1024 * 1024)
    expect(framers.every((framer) => framer.pendingBytes === 5)).to.equal(true)
  })

  it('stops after a frame that was answered with false, wherever it was split, and goes on with the rest', () => {
    for (let at = 0; at <= stream.length; at++) {
      const frames: Buffer[] = []
      const framer = new Framer({
        maxFrameBytes: 1000,
        onFrame: (frame) => {
          frames.push(Buffer.from(frame))
          return false
        },
      })
      for (let chunk of [stream.subarray(0, at), stream.subarray(at)]) {
        while (chunk.length > 0) {
          const before = frames.length
          chunk = chunk.subarray(framer.push(chunk))
          expect(frames.length - before).to.be.lessThan(2)
        }
      }
      whole(frames)
    }
  })

  it('stops inside a callback', () => {
    let seen = 0
    const framer = new Framer({
      maxFrameBytes: 1000,
      onFrame: () => {
        seen++
        framer.stop()
        return true
      },
    })
    framer.push(stream)
    framer.push(stream)
    expect(seen).to.equal(1)
  })
})

describe('frames', () => {
  it('of a request: size, header with the client id, body', () => {
    for (const version of [0, 3, 4]) {
      const header = { correlationId: 7, clientId: 'c' }
      const bytes = encodeRequestFrame(Heartbeat, version, header, { groupId: 'g', memberId: 'm', generationId: 3 })
      expect(bytes.readInt32BE(0)).to.equal(bytes.length - 4)
      const { message, header: read, body } = decodeRequestFrame(bytes.subarray(4))
      expect(message).to.equal(Heartbeat)
      expect(read).to.include({ apiKey: 12, apiVersion: version, ...header, headerVersion: version === 4 ? 2 : 1 })
      expect(body).to.deep.equal({ groupId: 'g', generationId: 3, memberId: 'm', groupInstanceId: null })
    }
  })

  it('of a response: pieces for one writev, large records by reference', () => {
    const records = Buffer.alloc(5000, 1)
    const value = {
      responses: [
        {
          topic: 't',
          partitions: [{ records }, { records: [records, Buffer.alloc(10, 2)] }, { records: Buffer.alloc(3) }],
        },
      ],
    }
    for (const version of [4, 11, 12]) {
      const pieces = encodeResponseFrame(Fetch, version, 99, value)
      expect(pieces.filter((piece) => piece === records)).to.have.length(2)
      const whole = Buffer.concat(pieces)
      expect(whole.readInt32BE(0)).to.equal(whole.length - 4)
      const { correlationId, body } = decodeResponseFrame(Fetch, version, whole.subarray(4))
      expect(correlationId).to.equal(99)
      const lengths = body.responses[0]!.partitions.map((partition) => partition.records!.length)
      expect(lengths).to.deep.equal([5000, 5010, 3])
      expect(body.responses[0]!.partitions[1]!.records!.subarray(4999, 5002)).to.deep.equal(Buffer.from([1, 2, 2]))
    }
  })

  it('of an unknown API, an unknown version, or with bytes left over', () => {
    const bytes = encodeRequestFrame(Metadata, 1, { correlationId: 1, clientId: null }, { topics: null }).subarray(4)
    expect(decodeRequestFrame(bytes).header.clientId).to.equal(null)
    const longer = Buffer.concat([bytes, Buffer.alloc(2)])
    expect(caught(() => decodeRequestFrame(longer)).code).to.equal('TRAILING_BYTES')
    expect(decodeRequestFrame(longer, { trailing: 'ignore' }).body).to.deep.include({ topics: null })
    const other = Buffer.from(bytes)
    other.writeInt16BE(-1, 2)
    expect(caught(() => decodeRequestFrame(other)).code).to.equal('UNSUPPORTED_VERSION')
    other.writeInt16BE(4, 0)
    expect(caught(() => decodeRequestFrame(other))).to.include({ code: 'UNKNOWN_API', path: 'requestApiKey' })
    for (let length = 0; length < bytes.length; length++) {
      expect(caught(() => decodeRequestFrame(bytes.subarray(0, length))).code).to.equal('TRUNCATED')
    }
  })

  it('that could not be encoded leave nothing behind', () => {
    expect(caught(() => encodeResponseFrame(Heartbeat, 0, 1, { errorCode: 70000 })).path).to.equal('errorCode')
    expect(encodeResponseFrame(Heartbeat, 0, 1, {})).to.deep.equal([Buffer.from('00000006000000010000', 'hex')])
  })
})
