import { expect } from 'chai'
import { applyAll } from '../../lib/metadata/apply.js'
import { BrokerConfig } from '../../lib/metadata/broker-config.js'
import { emptyImage, type Image } from '../../lib/metadata/image.js'
import type { MetadataRecord } from '../../lib/metadata/records.js'
import { advertisedAddress } from '../../lib/server/advertised.js'
import { type ConnectionView, EncodedBody, type RequestContext } from '../../lib/server/context.js'
import { metadata } from '../../lib/server/handlers/03-metadata.js'
import { MetadataCache } from '../../lib/server/metadata-cache.js'
import type { BrokerServices } from '../../lib/server/services.js'
import { decode, ErrorCode, Metadata } from '../../protocol/index.js'

const TOPIC_ID = 'topicidtopicidtopicidA'

function brokerRecord(brokerId: number, host: string, names: string[], fenced = false): MetadataRecord {
  const endPoints = names.map((name, index) => ({ name, host, port: 9000 + index, securityProtocol: 0 }))
  return {
    type: 'RegisterBrokerRecord',
    ...{ brokerId, incarnationId: `incarnation${brokerId}0000000000`, brokerEpoch: brokerId },
    ...{ endPoints, features: [], rack: null, fenced },
  }
}

function partitionRecord(partitionId: number, leader: number): MetadataRecord {
  const replicas = [leader]
  const none = { removingReplicas: [], addingReplicas: [], leaderEpoch: 0, partitionEpoch: 0 }
  return { type: 'PartitionRecord', partitionId, topicId: TOPIC_ID, replicas, isr: replicas, leader, ...none }
}

/** 1 has both listeners, 2 only the inside one, 3 is fenced, 4 binds every interface. */
const image: Image = applyAll(emptyImage('c'), [
  brokerRecord(1, 'one', ['INSIDE', 'OUTSIDE']),
  brokerRecord(2, 'two', ['INSIDE']),
  brokerRecord(3, 'three', ['INSIDE', 'OUTSIDE'], true),
  brokerRecord(4, '0.0.0.0', ['INSIDE', 'OUTSIDE']),
  { type: 'TopicRecord', name: 't', topicId: TOPIC_ID },
  ...[1, 2, 3, -1].map((leader, index) => partitionRecord(index, leader)),
])
const through = (listenerName: string, localAddress = '10.9.8.7') =>
  ({ listenerName, localAddress }) as unknown as ConnectionView

describe('server/advertised', () => {
  it('tells the address of the listener that the client came through', () => {
    expect(advertisedAddress(image, 1, through('INSIDE'))).to.deep.equal({ host: 'one', port: 9000 })
    expect(advertisedAddress(image, 1, through('OUTSIDE'))).to.deep.equal({ host: 'one', port: 9001 })
    expect(advertisedAddress(image, 2, through('OUTSIDE'))).to.equal(null)
    expect(advertisedAddress(image, 99, through('INSIDE'))).to.equal(null)
  })

  it('tells the address that the client reached where every interface is bound', () => {
    expect(advertisedAddress(image, 4, through('INSIDE'))).to.deep.equal({ host: '10.9.8.7', port: 9000 })
    expect(advertisedAddress(image, 4, through('INSIDE', '::ffff:10.1.1.1'))).to.include({ host: '10.1.1.1' })
    expect(advertisedAddress(image, 4, through('INSIDE', '::1'))).to.include({ host: '::1' })
  })

  it('details 19: v6+ says LISTENER_NOT_FOUND where the leader lives but not on this listener', () => {
    const services = {
      brokerId: 1,
      config: new BrokerConfig({ brokerId: 1 }),
      metadataCache: new MetadataCache(),
      image: () => image,
      advertised: (id: number, connection: ConnectionView) => advertisedAddress(image, id, connection),
    } as unknown as BrokerServices
    for (let version = 0; version <= 13; version++) {
      const connection = through('OUTSIDE')
      const context = { apiVersion: version, connection, body: Buffer.from([version]) } as unknown as RequestContext
      const request = {
        topics: [{ name: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }],
        allowAutoTopicCreation: false,
        includeClusterAuthorizedOperations: false,
        includeTopicAuthorizedOperations: false,
      }
      const body = metadata.handle(request, context, services)
      if (!(body instanceof EncodedBody)) throw new Error('not encoded')
      const answer = decode(Metadata, 'response', version, body.bytes)
      expect(answer.brokers.map(({ nodeId }) => nodeId)).to.deep.equal([1, 4])
      const partitions = answer.topics[0]!.partitions.map(({ errorCode, leaderId }) => [errorCode, leaderId])
      const elsewhere = version >= 6 ? ErrorCode.LISTENER_NOT_FOUND : ErrorCode.LEADER_NOT_AVAILABLE
      expect(partitions).to.deep.equal([
        [ErrorCode.NONE, 1],
        [elsewhere, -1],
        // Fenced, or nobody: that may change, and the client asks again.
        [ErrorCode.LEADER_NOT_AVAILABLE, -1],
        [ErrorCode.LEADER_NOT_AVAILABLE, -1],
      ])
    }
  })
})
