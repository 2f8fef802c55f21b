import { expect } from 'chai'
import fc from 'fast-check'
import { type ConsumedRecord, recordFormatter } from '../../lib/cli/record-format.js'

const record: ConsumedRecord = {
  topic: 'orders',
  partition: 3,
  offset: '42',
  timestamp: '1767225600000',
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  headers: [
    { key: 'a', value: Buffer.from('1') },
    { key: 'a', value: Buffer.from('2') },
    { key: 'b', value: Buffer.from('x') },
  ],
}

const show = (format: string, one: ConsumedRecord): string => recordFormatter(format)(one).toString()

const bytes = fc.option(fc.uint8Array().map((one) => Buffer.from(one)))
type JsonBytes = string | null | { base64: string }

function bytesOf(json: JsonBytes): Buffer | null {
  if (json === null) return null
  return typeof json === 'string' ? Buffer.from(json) : Buffer.from(json.base64, 'base64')
}

describe('cli/record-format', () => {
  it('prints every field of a pattern', () => {
    expect(show('%t/%p@%o %T %k=%v [%h] %%', record)).to.equal('orders/3@42 1767225600000 k=v [a=1,a=2,b=x] %')
  })

  it('knows \\n, \\t and \\\\, each on its own', () => {
    expect(show('%k\\t%v\\n.', record)).to.equal('k\tv\n.')
    expect(show('\\\\n', record)).to.equal('\\n')
  })

  it('prints no key and a tombstone as nothing', () => {
    expect(show('%k|%v', { ...record, key: null, value: null })).to.equal('|')
    expect(show('value', { ...record, value: null })).to.equal('')
  })

  it('writes an offset beyond 2^53 as text in JSON', () => {
    expect(JSON.parse(show('json', { ...record, offset: '9223372036854775806' })).offset).to.equal(
      '9223372036854775806',
    )
  })

  it('never takes data for a pattern', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const text = Buffer.from(value).toString('utf8')
        expect(show('<%v>', { ...record, value: Buffer.from(value) })).to.equal(`<${text}>`)
      }),
    )
  })

  it('loses no byte in JSON, and stays on one line', () => {
    fc.assert(
      fc.property(bytes, bytes, (key, value) => {
        const line = show('json', { ...record, key, value })
        const parsed = JSON.parse(line) as { key: JsonBytes; value: JsonBytes }
        expect(line).not.to.include('\n')
        expect([bytesOf(parsed.key), bytesOf(parsed.value)]).to.deep.equal([key, value])
      }),
    )
  })

  it('leaves every byte as it is, in value and in patterns', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (key, value) => {
        const raw = { ...record, key: Buffer.from(key), value: Buffer.from(value) }
        expect(recordFormatter('value')(raw).equals(value)).to.equal(true)
        const joined = Buffer.concat([key, Buffer.from('|'), value])
        expect(recordFormatter('%k|%v')(raw).equals(joined)).to.equal(true)
      }),
    )
  })
})
