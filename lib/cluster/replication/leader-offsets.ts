/** Where a leader's log lies, for a follower whose offset is not in it. */

import { ErrorCode, ListOffsets } from '../../../protocol/index.js'
import type { Partition } from '../../broker/partition/partition.js'
import type { Peer } from '../peer.js'

const VERSION = 9
export const LATEST = -1
export const EARLIEST = -2

/** @throws PeerLost, or an Error when the leader refuses (it is none any more, say) */
export async function offsetOfLeader(
  peer: Peer,
  brokerId: number,
  { topic, partition }: Partition,
  currentLeaderEpoch: number,
  timestamp: typeof LATEST | typeof EARLIEST,
): Promise<number> {
  const answer = await peer.request(ListOffsets, VERSION, {
    replicaId: brokerId,
    isolationLevel: 0,
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, currentLeaderEpoch, timestamp }] }],
  })
  const found = answer.topics[0]?.partitions[0]
  if (found === undefined || found.errorCode !== ErrorCode.NONE) {
    throw new Error(`the leader cannot say where its log lies (error ${found?.errorCode ?? 'none'})`)
  }
  return found.offset
}
