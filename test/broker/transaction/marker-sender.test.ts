import { expect } from 'chai'
import { LocalMarkers } from '../../../lib/broker/transaction/marker-sender.js'
import { silentLogger } from '../../../lib/host/logger.js'
import { ErrorCode } from '../../../protocol/errors.js'
import { batchOf } from '../../support/produce-fetch.js'
import { ReplicaBroker } from '../../support/replica-broker.js'
import { partitionsOf } from './rig.js'

describe('broker/transaction/marker-sender', () => {
  let broker: ReplicaBroker
  let markers: LocalMarkers
  let offsets: number[] = []
  let warnings: string[] = []
  const marker = { producerId: 9, producerEpoch: 1, coordinatorEpoch: 2, commit: true, transactionVersion: 2 }
  beforeEach(() => {
    broker = new ReplicaBroker()
    broker.createTopic('t', { partitions: 2 })
    broker.createTopic('__consumer_offsets', { partitions: 4 })
    offsets = []
    warnings = []
    markers = new LocalMarkers({
      logger: { ...silentLogger, warn: (text) => void warnings.push(text) },
      find: (topic, partition) => broker.replicas.find(topic, partition),
      append: (partitions, one) => broker.replicas.appends.appendMarkers(partitions, one, 1000),
      completeOffsets: (partition) => {
        offsets.push(partition)
        return ErrorCode.NOT_LEADER_OR_FOLLOWER
      },
    })
  })
  const begin = (partition: number, producerEpoch: number) =>
    broker
      .partition('t', partition)
      .log.append(batchOf(broker, ['x'], { producerId: 9, producerEpoch, transactional: true, baseSequence: 0 }), {
        origin: 'client',
        leaderEpoch: 0,
        now: broker.clock.now(),
      })

  it('writes a marker into each partition; those of offsets are the group coordinator’s', () => {
    begin(0, 0)
    expect(markers.write(marker, partitionsOf('t-0'))).to.deep.equal([ErrorCode.NONE])
    expect(broker.partition('t', 0)).to.include({ lastStableOffset: 2 })
    const codes = markers.write(marker, partitionsOf('t-0,__consumer_offsets-3,t-1'))
    expect(codes, 'by topic').to.deep.equal([ErrorCode.NONE, ErrorCode.NONE, ErrorCode.NOT_LEADER_OR_FOLLOWER])
    expect(offsets).to.deep.equal([3])
  })

  it('needs no marker where the topic is gone, or the log knows better', () => {
    begin(1, 4)
    expect(markers.write(marker, partitionsOf('gone-0,t-1'))).to.deep.equal([ErrorCode.NONE, ErrorCode.NONE])
    expect(markers.write(marker, partitionsOf('__consumer_offsets-9'))).to.deep.equal([ErrorCode.NONE])
    expect(markers.write(marker, partitionsOf('__consumer_offsets-9,gone-0'))).to.deep.equal([0, 0])
    expect(offsets, 'a partition that there is not').to.deep.equal([])
    expect(warnings).to.have.length(1)
    const codes = markers.writeHere(marker, partitionsOf('gone-0,t-1'))
    expect(codes).to.deep.equal([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.INVALID_PRODUCER_EPOCH])
  })

  it('tells of a coordinator that has been replaced, and of a partition that is elsewhere', () => {
    begin(0, 0)
    markers.write({ ...marker, coordinatorEpoch: 5 }, partitionsOf('t-0'))
    const fenced = markers.write({ ...marker, producerEpoch: 2 }, partitionsOf('t-0'))
    expect(fenced).to.deep.equal([ErrorCode.TRANSACTION_COORDINATOR_FENCED])
    broker.elect('t', 1, 2)
    expect(markers.write(marker, partitionsOf('t-1'))).to.deep.equal([ErrorCode.NOT_LEADER_OR_FOLLOWER])
  })
})
