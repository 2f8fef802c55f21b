import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { configDefs } from '../../lib/metadata/config-defs.js'
import { honouredBrokerConfigs, ignoredTopicConfigs } from '../../lib/metadata/honoured.js'

const lib = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'lib')

/** The tables name every config; what counts is who reads it. */
const TABLES = /^metadata\/(honoured|profiles|config-(table|defs|rules|value)[^/]*)\.ts$/

const sources = (readdirSync(lib, { recursive: true }) as string[])
  .filter((name) => name.endsWith('.ts') && !TABLES.test(name))
  .map((name) => ({ name, text: readFileSync(join(lib, name), 'utf8') }))
const code = sources.map(({ text }) => text).join('\n')

/** `internal(name, 'offsets.topic', ...)` reads a prefix with these endings. */
const prefixes = [...code.matchAll(/internal\(name, '([a-z.]+)'/g)].map((match) => match[1]!)
const byPrefix = new Set(prefixes.flatMap((one) => [`${one}.num.partitions`, `${one}.replication.factor`]))

/** Broker configs that reach the log through the topic config which stands before them. */
const logConfig = readFileSync(join(lib, 'log/config.ts'), 'utf8')
const behindTopics = new Set(
  [...configDefs('topic').all()]
    .filter(({ name }) => !ignoredTopicConfigs.has(name) && logConfig.includes(`'${name}'`))
    .flatMap(({ synonyms }) => synonyms.map(({ name }) => name)),
)

describe('metadata/honoured', () => {
  it('every broker config that is said to be honoured is read somewhere', () => {
    const read = (name: string) => code.includes(`'${name}'`) || byPrefix.has(name) || behindTopics.has(name)
    expect([...honouredBrokerConfigs].filter((name) => !read(name))).to.deep.equal([])
  })

  it('every broker config that is read is said to be honoured', () => {
    const direct = [...code.matchAll(/config\.(?:number|numberOrNull|boolean|string|list)\(\s*'([a-z.]+)'/g)]
    const named = direct.map((match) => match[1]!).filter((name) => configDefs('broker').has(name))
    expect(named.length).to.be.above(30)
    const read = new Set([...named, ...byPrefix, ...behindTopics])
    expect([...read].filter((name) => !honouredBrokerConfigs.has(name))).to.deep.equal([])
  })

  it('a topic config has an effect exactly when the log, a partition or the controller reads it', () => {
    const readers = sources
      .filter(({ name }) => /^(log|broker|cluster)\//.test(name) && !name.endsWith('/auto-create.ts'))
      .map(({ text }) => text.replace(/\/\*[\s\S]*?\*\//g, ''))
      .join('\n')
    const waiting = ['compression.lz4.level']
    for (const { name } of configDefs('topic').all()) {
      const effect = readers.includes(`'${name}'`) && !waiting.includes(name)
      expect(ignoredTopicConfigs.has(name), name).to.equal(!effect)
    }
  })
})
