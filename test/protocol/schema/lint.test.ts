import { expect } from 'chai'
import { messages, type Schema } from '../../../protocol/index.js'
import type { Fields } from '../../../protocol/schema/fields.js'
import { parseVersions, type Versions } from '../../../protocol/schema/versions.js'
import * as stored from '../../../protocol/stored/index.js'

const within = (inner: Versions, outer: Versions): boolean => inner.low >= outer.low && inner.high <= outer.high

const schemas: Schema[] = messages.flatMap((message) => [message.request, message.response])
for (const value of Object.values(stored)) {
  if (typeof value !== 'object') continue
  if ('readers' in value) schemas.push(value as Schema)
  if ('key' in value && 'value' in value) schemas.push(value.key as Schema, value.value as Schema)
}

function lint(schema: Schema): string[] {
  const found: string[] = []
  const walk = (fields: Fields, path: string): void => {
    const tags = new Map<number, Versions[]>()
    for (const [name, field] of Object.entries(fields)) {
      const at = `${path}.${name}`
      const versions = parseVersions(field.versions)
      if (!/^[a-z][A-Za-z0-9]*$/.test(name)) found.push(`${at}: not camelCase`)
      if (name === 'unknownTaggedFields') found.push(`${at}: a reserved name`)
      if (versions.low > schema.versions.high) found.push(`${at}: never on the wire`)
      if (field.nullable && !within(parseVersions(field.nullable), versions))
        found.push(`${at}: null outside its versions`)
      if (field.default === null && !field.nullable) found.push(`${at}: default null, but never nullable`)
      if (field.tag !== undefined) {
        const others = tags.get(field.tag) ?? []
        if (others.length > 0) found.push(`${at}: tag ${field.tag} is taken`)
        tags.set(field.tag, [...others, versions])
        if (!within(versions, { low: schema.flexible.low, high: 0x7fff }) || schema.flexible.high < 0) {
          found.push(`${at}: tagged in a version that is not flexible`)
        }
      }
      if (field.fields) walk(field.fields, at)
    }
    const numbers = [...tags.keys()].sort((a, b) => a - b)
    for (const [i, tag] of numbers.entries()) if (tag !== i) found.push(`${path}: tag ${i} is left out`)
  }
  walk(schema.fields, schema.name)
  return found
}

describe('schemas', () => {
  it(`all ${schemas.length} keep the rules of the language`, () => {
    expect(schemas.flatMap(lint)).to.deep.equal([])
  })

  it('parse ranges of versions', () => {
    expect(parseVersions('3+')).to.deep.equal({ low: 3, high: 0x7fff })
    expect(parseVersions('2-5')).to.deep.equal({ low: 2, high: 5 })
    expect(parseVersions('4')).to.deep.equal({ low: 4, high: 4 })
    expect(parseVersions('none').high).to.be.lessThan(0)
    expect(parseVersions(undefined).high).to.be.lessThan(0)
    for (const text of ['', '-1', '3-', '+', 'all', '1+2', ' 1'])
      expect(() => parseVersions(text), text).to.throw('not a range')
  })
})
