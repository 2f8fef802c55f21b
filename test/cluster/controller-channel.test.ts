import { expect } from 'chai'
import type { Controller } from '../../lib/cluster/controller.js'
import { ControllerChannel, NoController } from '../../lib/cluster/controller-channel.js'
import { type Peer, PeerLost } from '../../lib/cluster/peer.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { emptyImage } from '../../lib/metadata/image.js'

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
})
