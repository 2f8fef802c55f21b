import { expect } from 'chai'
import fc from 'fast-check'
import { parseProperties } from '../../lib/cli/properties.js'

/** As java.util.Properties.store writes them. */
function stored(text: string, isKey: boolean): string {
  return [...text]
    .map((char, index) => {
      if (char === ' ') return isKey || index === 0 ? '\\ ' : ' '
      const known = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\f': '\\f' }[char]
      if (known) return known
      return '=:#!\\'.includes(char) ? `\\${char}` : char
    })
    .join('')
}

describe('cli/properties', () => {
  it('reads all three separators, comments and blank lines', () => {
    const text = '# comment\n! another\n\n  a=1\nb : 2\nc 3\r\nd\ne=\nf = x = y # no comment\n'
    expect(parseProperties(text)).to.deep.equal({ a: '1', b: '2', c: '3', d: '', e: '', f: 'x = y # no comment' })
  })

  it('joins continued lines without their indentation, and keeps an even number of backslashes', () => {
    expect(parseProperties('a=1,\\\n   2,\\\n\t3\nb=c\\\\\nd=e')).to.deep.equal({ a: '1,2,3', b: 'c\\', d: 'e' })
    expect(parseProperties('a=1\\')).to.deep.equal({ a: '1' })
  })

  it('decodes escapes, in keys too', () => {
    expect(parseProperties('a\\ b\\=c=\\u00e9\\t\\q')).to.deep.equal({ 'a b=c': 'é\tq' })
  })

  it('passes over the byte order mark that editors of Windows put first', () => {
    expect(parseProperties('\ufeffnode.id=7\r\nnum.partitions=4\r\n')).to.deep.equal({
      'node.id': '7',
      'num.partitions': '4',
    })
  })

  it('takes only space, tab and form feed for white space, as Java does', () => {
    expect(parseProperties('a\u00a0b=c\u00a0')).to.deep.equal({ 'a\u00a0b': 'c\u00a0' })
  })

  it('reads back whatever is stored', () => {
    const word = fc.string({ unit: 'binary' })
    const key = word.filter((one) => one !== '' && one !== '__proto__')
    fc.assert(
      fc.property(
        fc.array(fc.tuple(key, word), { maxLength: 8 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        (pairs, lineEnd) => {
          const text = pairs.map(([name, value]) => `${stored(name, true)}=${stored(value, false)}`).join(lineEnd)
          expect(parseProperties(text)).to.deep.equal(Object.fromEntries(pairs))
        },
      ),
    )
  })
})
