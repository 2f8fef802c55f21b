import { expect } from 'chai'
import fc from 'fast-check'
import {
  CompressionCode,
  CompressionError,
  compress,
  compressInSteps,
  decompress,
  decompressInSteps,
  prepareCodec,
} from '../../../lib/log/compression/index.js'
import { decodeFrame, xxh32 } from '../../../lib/log/compression/lz4-frame.js'
import { zstdFrames } from '../../../lib/log/compression/zstd.js'
import { walkThrough } from '../../../lib/log/steps.js'

const codecs = ['gzip', 'snappy', 'lz4', 'zstd'] as const
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** Bytes that compress: pieces repeated, so that matches of every length and distance appear. */
const content = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 50 }), fc.integer({ min: 1, max: 400 })), { maxLength: 20 })
  .map((parts) => Buffer.concat(parts.flatMap(([piece, times]) => Array.from({ length: times }, () => piece))))

function failure(run: () => unknown): CompressionError {
  try {
    run()
  } catch (error) {
    expect(error).to.be.instanceOf(CompressionError)
    return error as CompressionError
  }
  throw new Error('nothing was thrown')
}

/** Where in the output of an LZ4 block its last match begins. */
function lastMatchIn(block: Buffer): number {
  let at = 0
  let to = 0
  let last = -1
  const length = (short: number): number => {
    let total = short
    for (let byte = short === 15 ? 255 : 0; byte === 255; total += byte) byte = block[at++]!
    return total
  }
  for (;;) {
    const token = block[at++]!
    const literals = length(token >>> 4)
    at += literals
    to += literals
    if (at >= block.length) return last
    last = to
    at += 2
    to += length(token & 15) + 4
  }
}

describe('compression', () => {
  before(() => prepareCodec(CompressionCode.zstd))

  it('knows no codec 0 and 5 to 7', () => {
    for (const code of [0, 5, 6, 7]) {
      expect(failure(() => compress(code, Buffer.alloc(1))).code).to.equal('UNKNOWN_CODEC')
      expect(failure(() => decompress(code, Buffer.alloc(1))).code).to.equal('UNKNOWN_CODEC')
      expect(prepareCodec(code)).to.equal(null)
    }
  })

  for (const name of codecs) {
    const code = CompressionCode[name]

    it(`${name}: round trip`, () => {
      const large = Buffer.alloc(1_000_000)
      for (let i = 0; i < large.length; i++) large[i] = (i * i) >>> (i % 13)
      for (const bytes of [Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(200_000, 'ab'), large]) {
        expect(decompress(code, compress(code, bytes)).equals(bytes)).to.equal(true)
      }
      fc.assert(
        fc.property(content, (bytes) => decompress(code, compress(code, bytes)).equals(bytes)),
        { numRuns: 100 },
      )
    })

    it(`${name}: in steps it comes to the same, and damage to the same error`, async () => {
      const parts = Array.from(
        { length: 40_000 },
        (_, i) => `${(i * 2654435761) % 4294967296} is what record ${i} holds`,
      )
      const bytes = Buffer.from(parts.join())
      let rests = 0
      const rest = (): Promise<void> => Promise.resolve(void rests++)
      const packed = await walkThrough(compressInSteps(code, bytes), rest)
      // node:zlib's zstd cuts its blocks elsewhere when it works beside.
      if (name !== 'zstd') expect(packed.equals(compress(code, bytes))).to.equal(true)
      expect((await walkThrough(decompressInSteps(code, packed), rest)).equals(bytes)).to.equal(true)
      // These work on this thread, block by block.
      if (name === 'lz4' || name === 'snappy') expect(rests).to.be.above(40)
      const damaged = Buffer.concat([packed.subarray(0, packed.length >> 1), Buffer.alloc(20, 0xff)])
      const error = await Promise.resolve()
        .then(() => walkThrough(decompressInSteps(code, damaged), rest))
        .then(
          () => null,
          (thrown: CompressionError) => thrown,
        )
      expect(error).to.be.instanceOf(CompressionError)
      expect(error!.code).to.equal('CORRUPT_DATA')
    })

    it(`${name}: a level is taken`, () => {
      const bytes = Buffer.alloc(5000, 'level')
      for (const level of [1, 9]) expect(decompress(code, compress(code, bytes, level)).equals(bytes)).to.equal(true)
    })

    it(`${name}: exactly the limit passes, one byte more does not`, () => {
      for (const size of [10, 70_000, 3_000_000]) {
        const packed = compress(code, Buffer.alloc(size, 7))
        expect(decompress(code, packed, size)).to.have.length(size)
        expect(failure(() => decompress(code, packed, size - 1)).code, `${size}`).to.equal('TOO_LARGE')
      }
    })

    it(`${name}: mutated, cut and random bytes end in a typed error or within the limit`, () => {
      const packed = compress(code, Buffer.from('some bytes worth packing, packing, packing; '.repeat(40)))
      const edits = fc.array(fc.tuple(fc.nat(packed.length - 1), fc.nat(255)), { maxLength: 4 })
      const attempt = (bytes: Buffer): void => {
        try {
          expect(decompress(code, bytes, 10_000).length).to.be.at.most(10_000)
        } catch (error) {
          if (!(error instanceof CompressionError)) throw error
          expect(error.code).to.be.oneOf(['CORRUPT_DATA', 'TOO_LARGE'])
        }
      }
      fc.assert(
        fc.property(edits, fc.nat(packed.length), fc.uint8Array({ maxLength: 60 }), (changes, keep, random) => {
          const bytes = Buffer.from(packed)
          for (const [at, value] of changes) bytes[at] = value
          attempt(bytes)
          attempt(bytes.subarray(0, keep))
          attempt(Buffer.from(random))
        }),
        { numRuns: 400 },
      )
      expect(failure(() => decompress(code, Buffer.from('garbage garbage garbage'))).code).to.equal('CORRUPT_DATA')
    })
  }

  it('snappy: the xerial stream, glued streams, a raw block, and a size that lies', () => {
    const stream = compress(2, Buffer.from('snappy'))
    expect(stream.subarray(0, 16).toString('hex')).to.equal('82534e41505059000000000100000001')
    expect(decompress(2, Buffer.concat([stream, stream])).toString()).to.equal('snappysnappy')
    expect(decompress(2, stream.subarray(20)).toString()).to.equal('snappy')
    expect(failure(() => decompress(2, hex('ff ff ff 7f 00 41'))).code).to.equal('CORRUPT_DATA')
    // A literal of 2^32-1 bytes: snappyjs reads it as negative and never ends.
    expect(failure(() => decompress(2, hex('05 fc feffffff 41 41 41 41'))).code).to.equal('CORRUPT_DATA')
  })

  it('lz4: frames as Kafka writes them', () => {
    // 64 KB blocks, independent, no checksums.
    expect(compress(3, Buffer.from('x')).toString('hex')).to.equal('04224d1860408201000080' + '78' + '00000000')
  })

  it('lz4: no match begins where readers with 64 KB for a block find it too near to the end', () => {
    let seed = 1
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
      return Math.floor((seed / 2 ** 32) * below)
    }
    for (let round = 0; round < 60; round++) {
      const record = () => `{"id":${random(1e5)},"name":"user${random(300)}","value":${random(1e9)}}`
      const bytes = Buffer.from(Array.from({ length: 4000 }, record).join(''))
      const frame = compress(3, bytes)
      expect(decompress(3, frame).equals(bytes)).to.equal(true)
      for (
        let at = 7, size = frame.readUInt32LE(at);
        size !== 0;
        at += 4 + (size & 0x7fffffff), size = frame.readUInt32LE(at)
      ) {
        if (size < 0x80000000) expect(lastMatchIn(frame.subarray(at + 4, at + 4 + size))).to.be.at.most(65536 - 12)
      }
    }
  })

  it('lz4: block checksums, content size and checksum, 4 MB blocks', () => {
    expect(xxh32(Buffer.alloc(0), 0, 0)).to.equal(0x02cc5d05)
    expect(xxh32(Buffer.from('Nobody inspects the spammish repetition'), 0, 39)).to.equal(0xe2293b2f)
    const frame = (flags: number, size: string, rest: string): Buffer => {
      const head = hex(`04224d18 ${flags.toString(16)} 70 ${size}`)
      return Buffer.concat([head, Buffer.from([(xxh32(head, 4, head.length) >>> 8) & 0xff]), hex(rest)])
    }
    const sum = Buffer.alloc(4)
    sum.writeUInt32LE(xxh32(Buffer.from('x'), 0, 1))
    const block = '01000080 78'
    expect(decodeFrame(frame(0x70, '', `${block} ${sum.toString('hex')} 00000000`), 9).toString()).to.equal('x')
    expect(decodeFrame(frame(0x6c, '0100000000000000', `${block} 00000000 aabbccdd`), 9).toString()).to.equal('x')
    const wrong = frame(0x70, '', `${block} 00000000 00000000`)
    expect(failure(() => decodeFrame(wrong, 9)).message).to.include('checksum')
    expect(failure(() => decodeFrame(frame(0x40, '', `${block} 00000000`), 9)).message).to.include('linked')
    const badHeader = frame(0x60, '', `${block} 00000000`)
    badHeader[6]! ^= 1
    expect(failure(() => decodeFrame(badHeader, 9)).message).to.include('header checksum')
  })

  it("lz4: refuses what Kafka's consumers cannot read", () => {
    const frame = (change: (frame: Buffer) => void): Buffer => {
      const changed = compress(3, Buffer.from('x'))
      change(changed)
      changed[6] = (xxh32(changed, 4, 6) >>> 8) & 0xff
      return changed
    }
    expect(
      decompress(
        3,
        frame(() => {}),
      ).toString(),
    ).to.equal('x')
    const withBit = (at: number, bit: number) => frame((b) => void (b[at]! |= bit))
    const reserved = [
      ...[0x01, 0x02].map((bit) => withBit(4, bit)),
      ...[0x01, 0x02, 0x04, 0x08, 0x80].map((bit) => withBit(5, bit)),
    ]
    for (const one of reserved) expect(failure(() => decompress(3, one)).message).to.include('reserved')
    const unsummed = withBit(4, 0x04)
    expect(failure(() => decompress(3, unsummed)).message).to.include('content checksum')
    // Kafka before 0.10 summed the magic number, too; in batches of today nobody may.
    const legacy = frame(() => {})
    legacy[6] = (xxh32(legacy, 0, 6) >>> 8) & 0xff
    expect(failure(() => decompress(3, legacy)).message).to.include('header checksum')
  })

  it('zstd: all frames count, those to skip for nothing', async () => {
    const [a, b] = [Buffer.alloc(200_000, 'ab'), Buffer.from('the second')]
    const skipped = hex('502a4d18 03000000 010203')
    const stream = Buffer.concat([skipped, compress(4, a), skipped, compress(4, b), skipped])
    const both = Buffer.concat([a, b])
    expect(decompress(4, stream).equals(both)).to.equal(true)
    const large = Buffer.concat([compress(4, a), ...Array.from({ length: 4000 }, () => skipped), compress(4, b)])
    const inSteps = await walkThrough(decompressInSteps(4, large), () => null)
    expect(inSteps.equals(both)).to.equal(true)
    expect(failure(() => decompress(4, stream, both.length - 1)).code).to.equal('TOO_LARGE')
    expect(failure(() => decompress(4, stream, a.length)).code).to.equal('TOO_LARGE')
    expect(decompress(4, Buffer.concat([stream, compress(4, Buffer.alloc(0))]), both.length).equals(both)).to.equal(
      true,
    )
    expect(failure(() => decompress(4, Buffer.concat([stream, Buffer.from('zzzzzzzz')]))).code).to.equal('CORRUPT_DATA')
  })

  it('zstd: knows the most that a frame can yield before any memory is taken', () => {
    const packed = compress(4, Buffer.alloc(300_000, 1))
    expect(zstdFrames(packed)).to.deep.equal([{ start: 0, end: packed.length, bytes: 300_000, declared: true }])
    // A frame that declares no size: two run-length blocks of 131072 bytes.
    const streamed = hex('28b52ffd 00 58 02001041 03001042')
    expect(zstdFrames(streamed)).to.deep.equal([{ start: 0, end: 14, bytes: 262144, declared: false }])
    expect(decompress(4, streamed, 262144)).to.have.length(262144)
    expect(failure(() => decompress(4, streamed, 262143)).code).to.equal('TOO_LARGE')
    // Several frames are one content.
    expect(decompress(4, Buffer.concat([packed, streamed]))).to.have.length(562144)
  })
})
