import { expect } from 'chai'
import { CompressionTypes } from 'kafkajs'
import { registerCodecs } from './codecs.js'
import { closeAll, connectedProducer, createTopic, numbered, readAll, values } from './support.js'

const codecs = [
  ['gzip', CompressionTypes.GZIP],
  ['snappy', CompressionTypes.Snappy],
  ['lz4', CompressionTypes.LZ4],
  ['zstd', CompressionTypes.ZSTD],
] as const

/** kafkajs shows a batch's attributes only in its low-level form: the codec is in the lowest three bits. */
const codecOf = (attributes: number) => attributes & 7

describe('kafkajs compression', () => {
  before(registerCodecs)
  afterEach(closeAll)

  for (const [name, compression] of codecs) {
    it(`writes and reads ${name}`, async () => {
      const topic = await createTopic()
      const producer = await connectedProducer()
      await producer.send({ topic, compression, messages: numbered(500, 'compressible-') })
      await producer.send({ topic, compression, messages: [{ key: 'one', value: null, headers: { h: 'x' } }] })
      const records = await readAll(topic, 501)
      expect(values(records.slice(0, 500))).to.deep.equal(numbered(500, 'compressible-').map((m) => m.value))
      expect(records[500]).to.include({ key: 'one', value: null })
      expect(records[500]!.message.headers?.h?.toString()).to.equal('x')
    })
  }

  it('mixes codecs in one partition', async () => {
    const topic = await createTopic()
    const producer = await connectedProducer()
    for (const [name, compression] of codecs) await producer.send({ topic, compression, messages: [{ value: name }] })
    await producer.send({ topic, messages: [{ value: 'none' }] })
    expect(values(await readAll(topic, 5))).to.deep.equal(['gzip', 'snappy', 'lz4', 'zstd', 'none'])
  })

  for (const [name, compression] of codecs) {
    it(`recompresses to the topic's ${name}`, async () => {
      const topic = await createTopic(1, { 'compression.type': name })
      const producer = await connectedProducer()
      await producer.send({ topic, messages: numbered(50) })
      const records = await readAll(topic, 50)
      expect(values(records)).to.deep.equal(numbered(50).map((message) => message.value))
      expect(codecOf(records[0]!.message.attributes)).to.satisfy((got: number) => got === 0 || got === compression)
    })
  }

  it("undoes the client's compression when the topic says uncompressed", async () => {
    const topic = await createTopic(1, { 'compression.type': 'uncompressed' })
    const producer = await connectedProducer()
    await producer.send({ topic, compression: CompressionTypes.GZIP, messages: numbered(50) })
    expect(values(await readAll(topic, 50))).to.deep.equal(numbered(50).map((message) => message.value))
  })
})
