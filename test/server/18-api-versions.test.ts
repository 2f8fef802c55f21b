import { expect } from 'chai'
import { Broker } from '../../lib/embed/broker.js'
import { servedApis } from '../../lib/server/api-table.js'
import {
  ApiVersions,
  decodeResponseFrame,
  ErrorCode,
  encodeRequestFrame,
  messagesOn,
  type RequestInput,
} from '../../protocol/index.js'
import { RawClient } from '../support/raw-client.js'

const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1.0' }

describe('server/18-api-versions', () => {
  let broker: Broker
  let client: RawClient
  before(async () => {
    broker = await Broker.create({ brokerId: 3 })
    client = await RawClient.connect(broker.bootstrapServers)
  })
  after(async () => {
    client.close()
    await broker.close()
  })

  const ask = (version: number, request: RequestInput<typeof ApiVersions> = software) =>
    client.send(ApiVersions, version, request)

  /** A request of any version, as nobody's codec would write it; the answer in `readAs`. */
  const askRaw = async (version: number, body: Buffer, readAs: number) => {
    const frame = encodeRequestFrame(ApiVersions, 0, { correlationId: 77, clientId: 'x' }, {})
    frame.writeInt16BE(version, 6)
    const whole = Buffer.concat([frame, body])
    whole.writeInt32BE(whole.length - 4, 0)
    client.bytes(whole)
    return decodeResponseFrame(ApiVersions, readAs, await client.frame())
  }

  for (let version = 0; version <= 5; version++) {
    it(`behaviour 13: v${version} lists what is served, by rising key, and nothing that only brokers may ask`, async () => {
      const { errorCode, apiKeys } = await ask(version)
      expect(errorCode).to.equal(ErrorCode.NONE)
      expect(apiKeys).to.deep.equal(
        servedApis.map(({ message, minVersion, maxVersion, advertisedMinVersion = minVersion }) => ({
          apiKey: message.key,
          minVersion: advertisedMinVersion,
          maxVersion,
        })),
      )
      const keys = apiKeys.map(({ apiKey }) => apiKey)
      expect(keys).to.deep.equal([...keys].sort((a, b) => a - b))
      const onBrokers = new Set(messagesOn('broker').map(({ key }) => key))
      expect(keys.filter((key) => !onBrokers.has(key))).to.deep.equal([])
      for (const key of [52, 56, 58, 62]) expect(keys).to.not.include(key)
    })
  }

  it('details 4: Produce is listed from v0 on, which old clients of librdkafka look for', async () => {
    const { apiKeys } = await ask(3)
    expect(apiKeys[0]).to.deep.equal({ apiKey: 0, minVersion: 0, maxVersion: 13 })
    expect(apiKeys.find(({ apiKey }) => apiKey === 11)).to.include({ minVersion: 0 })
  })

  it('behaviour 12, details 1: the response header is v0 in every version', async () => {
    for (let version = 0; version <= 5; version++) {
      const correlationId = client.post(ApiVersions, version, software)
      const frame = await client.frame()
      expect(frame.readInt32BE(0)).to.equal(correlationId)
      // The body begins at once: its error code, then the list (compact from v3 on).
      expect(frame.readInt16BE(4)).to.equal(ErrorCode.NONE)
      const listed = version >= 3 ? frame.readUInt8(6) - 1 : frame.readInt32BE(6)
      expect(listed).to.equal(servedApis.length)
    }
  })

  it('behaviour 10, details 2: an unsupported version is answered in v0 with key 18 alone, and the connection goes on', async () => {
    for (const version of [6, 7, 99, 32767, -1]) {
      for (const body of [Buffer.alloc(0), Buffer.from('ffffffffffff', 'hex')]) {
        const answer = await askRaw(version, body, 0)
        expect(answer.correlationId).to.equal(77)
        expect(answer.body.errorCode).to.equal(ErrorCode.UNSUPPORTED_VERSION)
        expect(answer.body.apiKeys).to.deep.equal([{ apiKey: 18, minVersion: 0, maxVersion: 5 }])
      }
    }
    expect((await ask(0)).errorCode).to.equal(ErrorCode.NONE)
  })

  it('behaviour 10: v5 takes the right cluster and node, or neither', async () => {
    const { clusterId } = broker
    const code = async (fields: object) => (await ask(5, { ...software, ...fields })).errorCode
    expect(await code({})).to.equal(ErrorCode.NONE)
    expect(await code({ clusterId, nodeId: 3 })).to.equal(ErrorCode.NONE)
    expect(await code({ clusterId })).to.equal(ErrorCode.INVALID_REQUEST)
    expect(await code({ nodeId: 3 })).to.equal(ErrorCode.INVALID_REQUEST)
    expect(await code({ clusterId, nodeId: 4 })).to.equal(129)
    expect(await code({ clusterId: 'another', nodeId: 3 })).to.equal(129)
    expect((await ask(5)).apiKeys).to.have.length(servedApis.length)
  })

  it('behaviour 11, details 2: v3+ refuses names of no software, and the connection goes on', async () => {
    for (let version = 3; version <= 5; version++) {
      for (const bad of ['', 'a b', '-a', 'a-', '.a', 'a.', 'ü']) {
        for (const fields of [{ clientSoftwareName: bad }, { clientSoftwareVersion: bad }]) {
          const answer = await ask(version, { ...software, ...fields })
          expect(answer.errorCode, JSON.stringify(fields)).to.equal(ErrorCode.INVALID_REQUEST)
          expect(answer.apiKeys).to.deep.equal([])
        }
      }
      for (const good of ['a', 'a-b.c', '1.2.3-rc1', 'A9']) {
        const answer = await ask(version, { clientSoftwareName: good, clientSoftwareVersion: good })
        expect(answer.errorCode, good).to.equal(ErrorCode.NONE)
      }
    }
  })

  it('behaviour 14: v3 leaves out supported features that begin at 0, v4 lists all; the finalized are the same', async () => {
    const [v3, v4, v5] = await Promise.all([ask(3), ask(4), ask(5)])
    expect(v3.supportedFeatures).to.deep.equal([{ name: 'metadata.version', minVersion: 7, maxVersion: 33 }])
    const names = v4.supportedFeatures.map(({ name }) => name).sort()
    expect(names).to.deep.equal([
      'eligible.leader.replicas.version',
      'group.version',
      'kraft.version',
      'metadata.version',
      'share.version',
      'streams.version',
      'transaction.version',
    ])
    expect(v5.supportedFeatures).to.deep.equal(v4.supportedFeatures)
    expect(v3.finalizedFeatures).to.deep.equal(v4.finalizedFeatures)
    expect(v3.finalizedFeaturesEpoch).to.equal(v4.finalizedFeaturesEpoch).and.to.be.at.least(0)
    const level = Object.fromEntries(v4.finalizedFeatures.map((one) => [one.name, one.maxVersionLevel]))
    expect(level).to.include({ 'metadata.version': 33, 'transaction.version': 2, 'group.version': 1 })
    expect(level).to.not.have.property('kraft.version')
  })
})
