import { createRequire } from 'node:module'
import { expect } from 'chai'
import {
  decodeBatch,
  decodeRequestFrame,
  encode,
  JoinGroup,
  ListPartitionReassignments,
  type Message,
  Metadata,
  OffsetFetch,
  Produce,
  type ResponseInput,
} from '../../protocol/index.js'

/** kafkajs's own encoders and decoders, in process: a second opinion beside the golden bytes. */
const require = createRequire(import.meta.url)
interface Encoder {
  buffer: Buffer
}
const createRequest = require('kafkajs/src/protocol/request.js') as (options: object) => Promise<Encoder>

async function theirRequest(api: string, version: number, options: object) {
  const request = require(`kafkajs/src/protocol/requests/${api}/v${version}/request.js`)(options) as object
  const { buffer } = await createRequest({ correlationId: 77, clientId: 'kafkajs', request })
  expect(buffer.readInt32BE(0)).to.equal(buffer.length - 4)
  const { message, header, body } = decodeRequestFrame(buffer.subarray(4))
  expect(header).to.include({ correlationId: 77, clientId: 'kafkajs', apiVersion: version })
  return { name: message.name, body: body as Record<string, unknown> }
}

async function theirReading<M extends Message>(
  message: M,
  api: string,
  version: number,
  value: ResponseInput<M>,
  header: Buffer = Buffer.alloc(0),
): Promise<Record<string, unknown>> {
  const { decode } = require(`kafkajs/src/protocol/requests/${api}/v${version}/response.js`) as {
    decode: (bytes: Buffer) => Promise<Record<string, unknown>>
  }
  return await decode(Buffer.concat([header, encode(message, 'response', version, value as never)]))
}

describe('kafkajs as an oracle', () => {
  it('its requests are read: Produce with a batch', async () => {
    for (const version of [3, 4, 5, 6, 7]) {
      const { name, body } = await theirRequest('produce', version, {
        acks: -1,
        timeout: 30000,
        topicData: [
          {
            topic: 't',
            partitions: [
              { partition: 2, firstSequence: 0, messages: [{ key: 'k', value: 'v', timestamp: 1234, headers: {} }] },
            ],
          },
        ],
      })
      expect(name).to.equal('Produce')
      expect(body).to.include({ acks: -1, timeoutMs: 30000, transactionalId: null })
      const topics = body.topicData as { name: string; partitionData: { index: number; records: Buffer }[] }[]
      expect(topics[0]!.name).to.equal('t')
      expect(topics[0]!.partitionData[0]!.index).to.equal(2)
      const records = decodeBatch(topics[0]!.partitionData[0]!.records)
      expect(records.map((record) => [String(record.key), String(record.value)])).to.deep.equal([['k', 'v']])
    }
  })

  it('its requests are read: Fetch, JoinGroup, OffsetCommit, ListOffsets, Metadata', async () => {
    const fetch = await theirRequest('fetch', 11, {
      replicaId: -1,
      maxWaitTime: 5,
      minBytes: 1,
      maxBytes: 1000,
      rackId: 'r',
      isolationLevel: 1,
      topics: [{ topic: 't', partitions: [{ partition: 1, fetchOffset: '9007199254740993', maxBytes: 10 }] }],
    })
    expect(fetch.body).to.include({
      maxWaitMs: 5,
      minBytes: 1,
      maxBytes: 1000,
      isolationLevel: 1,
      rackId: 'r',
      sessionEpoch: -1,
    })
    expect((fetch.body.topics as { partitions: unknown[] }[])[0]!.partitions[0]).to.include({
      partition: 1,
      fetchOffset: 9007199254740993n,
      currentLeaderEpoch: -1,
      partitionMaxBytes: 10,
    })
    const join = await theirRequest('joinGroup', 5, {
      groupId: 'g',
      sessionTimeout: 1,
      rebalanceTimeout: 2,
      memberId: '',
      groupInstanceId: 'i',
      protocolType: 'consumer',
      groupProtocols: [{ name: 'range', metadata: Buffer.from([1, 2]) }],
    })
    expect(join.body).to.deep.include({
      sessionTimeoutMs: 1,
      rebalanceTimeoutMs: 2,
      groupInstanceId: 'i',
      protocols: [{ name: 'range', metadata: Buffer.from([1, 2]) }],
    })
    const commit = await theirRequest('offsetCommit', 5, {
      groupId: 'g',
      groupGenerationId: 3,
      memberId: 'm',
      topics: [{ topic: 't', partitions: [{ partition: 0, offset: '12' }] }],
    })
    expect(commit.body).to.include({ generationIdOrMemberEpoch: 3, memberId: 'm' })
    expect((commit.body.topics as { partitions: unknown[] }[])[0]!.partitions[0]).to.include({
      committedOffset: 12,
      committedMetadata: null,
    })
    const offsets = await theirRequest('listOffsets', 1, {
      replicaId: -1,
      topics: [{ topic: 't', partitions: [{ partition: 4 }] }],
    })
    expect((offsets.body.topics as { partitions: unknown[] }[])[0]!.partitions[0]).to.include({
      partitionIndex: 4,
      timestamp: -1,
    })
    const metadata = await theirRequest('metadata', 6, { topics: ['a', 'b'], allowAutoTopicCreation: false })
    expect((metadata.body.topics as { name: string }[]).map(({ name }) => name)).to.deep.equal(['a', 'b'])
    expect(metadata.body.allowAutoTopicCreation).to.equal(false)
  })

  it('its flexible requests are read: reassignments', async () => {
    const list = await theirRequest('listPartitionReassignments', 0, {
      topics: [{ topic: 't', partitions: [1, 2] }],
      timeout: 9,
    })
    expect(list.body).to.deep.include({ timeoutMs: 9, topics: [{ name: 't', partitionIndexes: [1, 2] }] })
    const alter = await theirRequest('alterPartitionReassignments', 0, {
      topics: [{ topic: 't', partitionAssignment: [{ partition: 1, replicas: [3, 4] }] }],
    })
    expect(alter.body).to.deep.include({
      topics: [{ name: 't', partitions: [{ partitionIndex: 1, replicas: [3, 4] }] }],
    })
  })

  it('reads our responses: Metadata, Produce, JoinGroup, OffsetFetch, ListPartitionReassignments', async () => {
    const metadata = await theirReading(Metadata, 'metadata', 6, {
      throttleTimeMs: 4,
      brokers: [{ nodeId: 1, host: 'h', port: 9092 }],
      clusterId: 'c',
      controllerId: 1,
      topics: [{ name: 't', partitions: [{ partitionIndex: 3, leaderId: 1, replicaNodes: [1], isrNodes: [1] }] }],
    })
    expect(metadata).to.deep.include({
      clientSideThrottleTime: 4,
      clusterId: 'c',
      brokers: [{ nodeId: 1, host: 'h', port: 9092, rack: null }],
    })
    expect((metadata.topicMetadata as { partitionMetadata: unknown[] }[])[0]!.partitionMetadata[0]).to.deep.equal({
      partitionErrorCode: 0,
      partitionId: 3,
      leader: 1,
      replicas: [1],
      isr: [1],
      offlineReplicas: [],
    })
    const produce = await theirReading(Produce, 'produce', 7, {
      responses: [{ name: 't', partitionResponses: [{ index: 1, baseOffset: 9007199254740993n, logStartOffset: 5 }] }],
    })
    expect((produce.topics as { partitions: unknown[] }[])[0]!.partitions[0]).to.deep.equal({
      partition: 1,
      errorCode: 0,
      baseOffset: '9007199254740993',
      logAppendTime: '-1',
      logStartOffset: '5',
    })
    const join = await theirReading(JoinGroup, 'joinGroup', 5, {
      generationId: 2,
      protocolName: 'range',
      leader: 'm',
      memberId: 'm',
      members: [{ memberId: 'm', metadata: Buffer.from('x') }],
    })
    expect(join).to.deep.include({
      generationId: 2,
      groupProtocol: 'range',
      members: [{ memberId: 'm', groupInstanceId: null, memberMetadata: Buffer.from('x') }],
    })
    const offsets = await theirReading(OffsetFetch, 'offsetFetch', 4, {
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: -1, metadata: '' }] }],
    })
    expect((offsets.responses as { partitions: unknown[] }[])[0]!.partitions[0]).to.deep.equal({
      partition: 0,
      offset: '-1',
      metadata: '',
      errorCode: 0,
    })
    // kafkajs takes the tagged fields of the response header for the body's.
    const reassignments = await theirReading(
      ListPartitionReassignments,
      'listPartitionReassignments',
      0,
      { topics: [{ name: 't', partitions: [{ partitionIndex: 1, replicas: [1, 2], addingReplicas: [2] }] }] },
      Buffer.from([0]),
    )
    expect(reassignments.topics).to.deep.equal([
      { name: 't', partitions: [{ partition: 1, replicas: [1, 2], addingReplicas: [2], removingReplicas: [] }] },
    ])
  })
})
