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
  headers: { a: [Buffer.from('1'), Buffer.from('2')], b: 'x' },
}

const bytes = fc.option(fc.uint8Array().map((one) => Buffer.from(one)))
type JsonBytes = string | null | { base64: string }

function bytesOf(json: JsonBytes): Buffer | null {
  if (json === null) return null
  return typeof json === 'string' ? Buffer.from(json) : Buffer.from(json.base64, 'base64')
}

describe('cli/record-format', () => {
  it('prints every field of a pattern', () => {
    expect(recordFormatter('%t/%p@%o %T %k=%v [%h] %%')(record)).to.equal(
      'orders/3@42 1767225600000 k=v [a=1,a=2,b=x] %',
    )
  })

  it('knows \\n, \\t and \\\\, each on its own', () => {
    expect(recordFormatter('%k\\t%v\\n.')(record)).to.equal('k\tv\n.')
    expect(recordFormatter('\\\\n')(record)).to.equal('\\n')
  })

  it('prints no key and a tombstone as nothing', () => {
    expect(recordFormatter('%k|%v')({ ...record, key: null, value: null })).to.equal('|')
    expect(recordFormatter('value')({ ...record, value: null })).to.equal('')
  })

  it('writes an offset beyond 2^53 as text in JSON', () => {
    expect(JSON.parse(recordFormatter('json')({ ...record, offset: '9223372036854775806' })).offset).to.equal(
      '9223372036854775806',
    )
  })

  it('never takes data for a pattern', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const text = Buffer.from(value).toString('utf8')
        expect(recordFormatter('<%v>')({ ...record, value: Buffer.from(value) })).to.equal(`<${text}>`)
      }),
    )
  })

  it('loses no byte in JSON, and stays on one line', () => {
    fc.assert(
      fc.property(bytes, bytes, (key, value) => {
        const line = recordFormatter('json')({ ...record, key, value })
        const parsed = JSON.parse(line) as { key: JsonBytes; value: JsonBytes }
        expect(line).not.to.include('\n')
        expect([bytesOf(parsed.key), bytesOf(parsed.value)]).to.deep.equal([key, value])
      }),
    )
  })
})
