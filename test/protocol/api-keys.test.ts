import { expect } from 'chai'
import {
  ApiKey,
  apiName,
  isClientApi,
  messageByKey,
  messages,
  messagesOn,
  REMOVED_API_KEYS,
  requestHeaderVersion,
  responseHeaderVersion,
} from '../../protocol/index.js'
import { goldenJson } from '../support/golden.js'

interface RecordedApi {
  key: number
  name: string
  removed?: boolean
  versions?: [number, number]
  unstableVersion?: number
  requestHeader?: Record<string, number>
  responseHeader?: Record<string, number>
  audience?: string
  listeners?: string[]
}

/** The header version that the recorded `{ fromApiVersion: headerVersion }` gives. */
function headerVersion(table: Record<string, number>, version: number): number {
  const from = Object.keys(table).map(Number)
  return table[Math.max(...from.filter((first) => first <= version))]!
}

describe('API keys', () => {
  const apis = goldenJson<{ apis: RecordedApi[] }>('api-keys.json').apis

  it(`are the ${apis.length} of Kafka 4.4`, () => {
    expect(Object.entries(ApiKey)).to.deep.equal(apis.map(({ name, key }) => [name, key]))
    expect(apiName(12)).to.equal('Heartbeat')
    expect(apiName(95)).to.equal(undefined)
    expect([...REMOVED_API_KEYS]).to.deep.equal(apis.filter((api) => api.removed).map((api) => api.key))
  })

  for (const api of apis) {
    if (api.removed) continue
    it(`${api.key} ${api.name}: versions, headers, audience, listeners`, () => {
      const message = messageByKey(api.key)!
      expect(message.name).to.equal(api.name)
      expect(message.stableVersions).to.deep.equal({ low: api.versions![0], high: api.versions![1] })
      expect(message.versions.high).to.equal(api.unstableVersion ?? api.versions![1])
      expect(message.audience).to.equal(api.audience)
      expect(isClientApi(message)).to.equal(api.audience === 'client')
      expect(message.listeners).to.deep.equal(api.listeners)
      for (let version = api.versions![0]; version <= message.versions.high; version++) {
        expect(requestHeaderVersion(message, version)).to.equal(headerVersion(api.requestHeader!, version))
        expect(responseHeaderVersion(message, version)).to.equal(headerVersion(api.responseHeader!, version))
      }
    })
  }

  it('has no message for removed, unknown and odd keys', () => {
    for (const key of [4, 5, 6, 7, -1, 95, 32767, 0.5, Number.NaN])
      expect(messageByKey(key), String(key)).to.equal(undefined)
    expect(messages.map((message) => message.key)).to.deep.equal(
      apis.filter((api) => !api.removed).map((api) => api.key),
    )
    expect(messagesOn('controller').every((message) => message.listeners.includes('controller'))).to.equal(true)
  })
})
