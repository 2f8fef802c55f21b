import { expect } from 'chai'
import fc from 'fast-check'
import { ProtocolError } from '../../../protocol/wire/error.js'
import { MAX_STRING_BYTES, Reader, ZERO_UUID } from '../../../protocol/wire/reader.js'
import { Writer } from '../../../protocol/wire/writer.js'

const written = (write: (writer: Writer) => void): Buffer => {
  const writer = new Writer()
  write(writer)
  return Buffer.concat(writer.finish())
}

describe('writer and reader', () => {
  it('agree on integers of every width, with Node as the judge', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        (int, long) => {
          const expected = Buffer.alloc(12)
          expected.writeInt32BE(int)
          expected.writeBigInt64BE(long, 4)
          const bytes = written((writer) => {
            writer.int32(int)
            writer.int64(long)
          })
          expect(bytes).to.deep.equal(expected)
          const reader = new Reader(bytes)
          expect(reader.int32()).to.equal(int)
          expect(BigInt(reader.int64())).to.equal(long)
          const small = Number(BigInt.asIntN(53, long))
          const reread = new Reader(written((writer) => writer.int64(small)))
          expect(reread.int64()).to.equal(small)
        },
      ),
    )
    const bytes = written((writer) => {
      writer.int8(-128)
      writer.int16(-32768)
      writer.uint16(65535)
      writer.uint32(4294967295)
      writer.float64(-1.5)
      writer.bool(true)
    })
    const reader = new Reader(bytes)
    const read = [reader.int8(), reader.int16(), reader.uint16(), reader.uint32(), reader.float64(), reader.bool()]
    expect(read).to.deep.equal([-128, -32768, 65535, 4294967295, -1.5, true])
    expect(reader.remaining()).to.equal(0)
  })

  it('agree on strings of every kind and length, in both encodings', () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.string({ maxLength: 300 }))
    fc.assert(
      fc.property(text, (string) => {
        const bytes = written((writer) => {
          writer.string(string)
          writer.compactString(string)
        })
        const reader = new Reader(bytes)
        const utf8 = Buffer.from(string)
        expect(reader.stringOf(reader.int16())).to.equal(utf8.toString())
        expect(reader.stringOf(reader.uvarint() - 1)).to.equal(utf8.toString())
        expect(reader.remaining()).to.equal(0)
        expect(bytes.length).to.equal(2 + 2 * utf8.length + (utf8.length < 127 ? 1 : 2))
      }),
    )
    for (const length of [126, 127, 128, 16383, 16384, MAX_STRING_BYTES]) {
      for (const string of ['x'.repeat(length), `\ufeff${'x'.repeat(length - 3)}`]) {
        const reader = new Reader(written((writer) => writer.compactString(string)))
        expect(reader.stringOf(reader.uvarint() - 1)).to.equal(string)
      }
    }
  })

  it('keep the order of small bytes and large referenced records, also inside a sized value', () => {
    const large = Buffer.alloc(2000, 7)
    const bytes = written((writer) => {
      writer.int8(1)
      writer.records(large)
      const mark = writer.beginSized()
      writer.records([Buffer.from([2]), large])
      writer.int8(3)
      writer.endSized(mark)
      writer.records(large)
    })
    const size = Buffer.from([0xd2, 0x0f]) // 2002
    const expected = [Buffer.from([1]), large, size, Buffer.from([2]), large, Buffer.from([3]), large]
    expect(bytes).to.deep.equal(Buffer.concat(expected))
  })

  it('give buffers that later writing does not touch', () => {
    const writer = new Writer()
    writer.int32(1)
    const [first] = writer.finish()
    writer.int32(2)
    expect(first).to.deep.equal(Buffer.from([0, 0, 0, 1]))
    expect(writer.finish()).to.deep.equal([Buffer.from([0, 0, 0, 2])])
    expect(writer.finish()).to.deep.equal([Buffer.alloc(0)])
  })

  it('know the zero uuid and refuse what is none', () => {
    const bytes = written((writer) => writer.uuid(ZERO_UUID))
    expect(bytes).to.deep.equal(Buffer.alloc(16))
    expect(new Reader(bytes).uuid()).to.equal(ZERO_UUID)
    for (const text of ['', 'A'.repeat(21), 'A'.repeat(23), `${'A'.repeat(21)}!`, 'é'.repeat(22)]) {
      expect(() => written((writer) => writer.uuid(text)), text).to.throw(ProtocolError)
    }
  })

  it('refuse values outside their type', () => {
    const writer = new Writer()
    const wrong: (() => void)[] = [
      () => writer.int8(128),
      () => writer.int16(32768),
      () => writer.uint16(-1),
      () => writer.int32(2 ** 31),
      () => writer.uint32(-1),
      () => writer.int64(2n ** 63n),
      () => writer.int64(2 ** 60),
      () => writer.int64(0.5),
      () => writer.int64('1' as never),
      () => writer.float64('1' as never),
      () => writer.uvarint(-1),
      () => writer.bool(1 as never),
      () => writer.string(5 as never),
      () => writer.string('é'.repeat(20000)),
      () => writer.bytes('x' as never),
      () => writer.int32s([1, 2.5]),
    ]
    for (const [i, run] of wrong.entries())
      expect(run, `case ${i}`).to.throw(ProtocolError).with.property('code', 'INVALID_VALUE')
  })

  it('stay inside their range', () => {
    const buffer = Buffer.alloc(40, 1)
    const reads: ((reader: Reader) => unknown)[] = [
      (reader) => reader.int8(),
      (reader) => reader.int16(),
      (reader) => reader.int32(),
      (reader) => reader.int64(),
      (reader) => reader.float64(),
      (reader) => reader.uuid(),
      (reader) => reader.uvarint(),
      (reader) => reader.stringOf(1),
      (reader) => reader.view(1),
      (reader) => reader.copy(1),
    ]
    for (const read of reads) {
      expect(() => read(new Reader(buffer, 20, 20)))
        .to.throw(ProtocolError)
        .with.property('code', 'TRUNCATED')
    }
  })
})
