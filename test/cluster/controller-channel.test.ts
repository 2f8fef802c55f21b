import { expect } from 'chai'
import type { Controller } from '../../lib/cluster/controller.js'
import { ControllerChannel, NoController } from '../../lib/cluster/controller-channel.js'
import { type Peer, PeerLost } from '../../lib/cluster/peer.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { emptyImage } from '../../lib/metadata/image.js'
import { ErrorCode } from '../../protocol/errors.js'

describe('cluster/controller-channel', () => {
  it('forwards again what the controller did not answer, for as long as the client waits for it', async () => {
    let asked = 0
    const lost = { request: () => Promise.reject(new PeerLost(`attempt ${++asked} got no answer`)) } as unknown as Peer
    const channel = new ControllerChannel(
      { brokerId: 1 },
      {
        clock: new VirtualClock(),
        controller: { isActive: false } as Controller,
        image: () => ({ ...emptyImage('c'), controllerId: 2 }),
        peer: () => lost,
        forwardPeer: () => lost,
        nextImage: async () => {},
      },
    )
    const outcome = channel.forward(Buffer.alloc(8), {
      principal: Buffer.alloc(0),
      address: Buffer.alloc(4),
      isGone: () => asked === 3,
    })
    expect(await outcome.catch((error: unknown) => error)).to.be.instanceOf(NoController)
    expect(asked).to.equal(3)
  })

  it('tells of lost replicas once when the controller has heard it, and again when there was none', async () => {
    const answers = [ErrorCode.NOT_CONTROLLER, ErrorCode.NONE]
    let asked = 0
    const peer = {
      request: async () => ({ errorCode: answers[asked++] ?? ErrorCode.UNKNOWN_SERVER_ERROR, directories: [] }),
    } as unknown as Peer
    await channelTo(peer, async () => {}).loseReplicas([{ topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition: 0 }])
    expect(asked).to.equal(2)
  })

  it('asks nobody any more once it is closed', async () => {
    let asked = 0
    const lost = { request: () => Promise.reject(new PeerLost(`attempt ${++asked} got no answer`)) } as unknown as Peer
    const channel = channelTo(lost, async () => {
      if (asked === 2) channel.close()
    })
    const outcome = await channel.alterPartitions([]).catch((error: unknown) => error)
    expect(outcome).to.be.instanceOf(NoController).with.property('message', 'The broker is stopping.')
    expect(asked).to.equal(2)
  })
})

function channelTo(peer: Peer, nextImage: () => Promise<void>): ControllerChannel {
  return new ControllerChannel(
    { brokerId: 1 },
    {
      clock: new VirtualClock(),
      controller: { isActive: false } as Controller,
      image: () => ({ ...emptyImage('c'), controllerId: 2 }),
      peer: () => peer,
      forwardPeer: () => peer,
      nextImage,
    },
  )
}
