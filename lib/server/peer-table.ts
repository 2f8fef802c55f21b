/** What brokers ask of each other besides the APIs of clients. Served on the listener for brokers alone, and never advertised. */
import { ApiTable } from './api-table.js'
import type { ApiRow } from './context.js'
import { alterPartition } from './handlers/56-alter-partition.js'
import { envelope } from './handlers/58-envelope.js'
import { brokerHeartbeat } from './handlers/63-broker-heartbeat.js'
import { allocateProducerIds } from './handlers/67-allocate-producer-ids.js'
import { assignReplicasToDirs } from './handlers/73-assign-replicas-to-dirs.js'

export const peerTable = new ApiTable([
  alterPartition,
  envelope,
  brokerHeartbeat,
  allocateProducerIds,
  assignReplicasToDirs,
] as unknown as readonly ApiRow[])
