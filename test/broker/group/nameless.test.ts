import { expect } from 'chai'
import { ErrorCode } from '../../../protocol/errors.js'
import { joinCommand, makeRig } from './rig.js'

describe('group without a name', () => {
  it('is refused, whoever would coordinate it, and so is a session timeout out of bounds', async () => {
    const { coordinator } = makeRig()
    coordinator.unload(0)
    const member = { groupId: '', memberId: 'm', generationId: 1, groupInstanceId: null }
    const answers = await Promise.all([
      coordinator.joinGroup(joinCommand({ groupId: '' })),
      coordinator.syncGroup({ ...member, protocolType: null, protocolName: null, assignments: [] }),
      coordinator.heartbeat(member),
      coordinator.leaveGroup({ groupId: '', members: [] }),
      coordinator.deleteOffsets({ groupId: '', topics: [] }),
    ])
    expect(new Set(answers.map(({ errorCode }) => errorCode))).to.deep.equal(new Set([ErrorCode.INVALID_GROUP_ID]))
    const impatient = await coordinator.joinGroup(joinCommand({ sessionTimeoutMs: -1 }))
    expect(impatient.errorCode).to.equal(ErrorCode.INVALID_SESSION_TIMEOUT)
  })
})
