import { expect } from 'chai'
import { EmbeddedCoordination } from '../../../lib/cluster/coordination/embedded.js'
import { coordinationContract, Follower, topicRecord } from '../../contracts/coordination.js'

coordinationContract('embedded', async () => {
  const hub = new EmbeddedCoordination({ clusterId: 'c' })
  return { connect: (brokerId) => hub.connect(brokerId), close: async () => {} }
})

describe('coordination: embedded', () => {
  it('replaces a long log by a snapshot, for late joiners too', async () => {
    const hub = new EmbeddedCoordination({ clusterId: 'c', logRecordsMax: 5 })
    const one = hub.connect(1)
    const seen = new Follower()
    await one.start(seen)
    one.campaign()
    for (let i = 0; i < 13; i++) await one.append([topicRecord(`t${i}`)], seen.lease!.controllerEpoch)
    const late = new Follower()
    await hub.connect(2).start(late)
    expect(late.offset).to.equal(12)
    expect(late.names).to.have.members(seen.names)
  })
})
