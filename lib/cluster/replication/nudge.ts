/** A fetch for nothing: makes a leader answer what waits there for this follower (see `Fetches.fetch`). */
import { Fetch } from '../../../protocol/index.js'
import { type Peer, PeerLost } from '../peer.js'

const VERSION = 18

/** Over another connection than the one that waits. Resolves also when the leader does not answer: the fetch that waits hears of that. */
export async function nudge(peer: Peer, replicaId: number, replicaEpoch: number): Promise<void> {
  try {
    await peer.request(Fetch, VERSION, {
      replicaState: { replicaId, replicaEpoch },
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 0,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [],
      forgottenTopicsData: [],
      rackId: '',
    })
  } catch (error) {
    if (!(error instanceof PeerLost)) throw error
  }
}
