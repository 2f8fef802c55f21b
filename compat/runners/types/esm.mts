import { strict as assert } from 'node:assert'
import { connect } from 'node:net'
import { Broker, BrokerError, type BrokerOptions, type GroupMember, StartError } from 'odradek'
import { ApiVersions, decodeResponseFrame, encodeRequestFrame, messageByKey } from 'odradek/protocol'

const options: BrokerOptions = { topics: ['a', { name: 'b', partitions: 2 }], config: { 'num.partitions': 3 } }

// @ts-expect-error no such option
const wrong: BrokerOptions = { prot: 9092 }
assert.ok(wrong)

let port: number
{
  await using broker = await Broker.create(options)
  port = broker.port
  const error = await broker.createTopic('a').catch((reason: unknown) => reason)
  assert.ok(error instanceof BrokerError && error.code === 'TOPIC_ALREADY_EXISTS')
  const members: Promise<readonly GroupMember[]> = broker.groupReady('g', { timeoutMs: 1 })
  await assert.rejects(members)
  await assert.rejects(Broker.create({ port }), StartError)

  const socket = connect(port, '127.0.0.1')
  const header = { correlationId: 7, clientId: null }
  socket.write(encodeRequestFrame(ApiVersions, 3, header, { clientSoftwareName: 'types', clientSoftwareVersion: '1' }))
  const bytes = await new Promise<Buffer>((resolve) => socket.once('data', resolve))
  const { body } = decodeResponseFrame(ApiVersions, 3, bytes.subarray(4))
  const keys: number[] = body.apiKeys.map((row) => row.apiKey)
  assert.ok(keys.includes(18))
  socket.destroy()
}
assert.equal(messageByKey(18)?.name, 'ApiVersions')
