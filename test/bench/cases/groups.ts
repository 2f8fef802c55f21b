/** A consumer alone in its group, from connecting to its first record, with the requests that a classic client makes. */
import {
  ApiVersions,
  buildBatch,
  decodeBatch,
  Fetch,
  FindCoordinator,
  JoinGroup,
  LeaveGroup,
  ListOffsets,
  Metadata,
  OffsetFetch,
  SyncGroup,
} from '../../../protocol/index.js'
import { RawClient } from '../../support/raw-client.js'
import { type BenchCase, BROKERS, must } from '../bench-case.js'
import { percentile } from '../numbers.js'
import { dropTopic, eventually, fetchRequest, openTopic } from '../topics.js'
import { nextTopic } from './produce.js'

/** What the member subscribes to and is assigned is opaque to the broker. */
const OPAQUE = Buffer.from('0000000000', 'hex')

async function join(client: RawClient, groupId: string): Promise<{ memberId: string; generationId: number }> {
  const request = {
    groupId,
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: OPAQUE }],
  }
  const first = await client.send(JoinGroup, 9, { ...request, memberId: '' })
  must(first.errorCode === 79 || first.errorCode === 0, () => `JoinGroup answered ${first.errorCode}`)
  const joined =
    first.errorCode === 0 ? first : await client.send(JoinGroup, 9, { ...request, memberId: first.memberId })
  must(joined.errorCode === 0, () => `JoinGroup answered ${joined.errorCode}`)
  return joined
}

/** Milliseconds from connecting to the first record, which must be the one that was written. */
async function startToFirstRecord(address: string, topic: string, groupId: string): Promise<number> {
  const start = performance.now()
  const client = await RawClient.connect(address)
  await client.send(ApiVersions, 3, { clientSoftwareName: 'bench', clientSoftwareVersion: '1' })
  await client.send(Metadata, 12, { topics: [{ name: topic }] })
  await eventually('a coordinator', async () => {
    const { coordinators } = await client.send(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [groupId] })
    return coordinators[0]?.errorCode === 0
  })
  const { memberId, generationId } = await join(client, groupId)
  const assignments = [{ memberId, assignment: OPAQUE }]
  const synced = await client.send(SyncGroup, 5, {
    groupId,
    generationId,
    memberId,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments,
  })
  must(synced.errorCode === 0, () => `SyncGroup answered ${synced.errorCode}`)
  const topics = [{ name: topic, partitionIndexes: [0] }]
  const { groups } = await client.send(OffsetFetch, 8, { groups: [{ groupId, topics }] })
  must(groups[0]?.errorCode === 0, () => `OffsetFetch answered ${groups[0]?.errorCode}`)
  const earliest = { topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -2 }] }] }
  const { topics: listed } = await client.send(ListOffsets, 7, { replicaId: -1, isolationLevel: 0, ...earliest })
  const fetched = await client.send(Fetch, 12, fetchRequest(topic, listed[0]!.partitions[0]!.offset, 1_000_000))
  const took = performance.now() - start
  const [record] = decodeBatch(fetched.responses[0]!.partitions[0]!.records!)
  must(String(record?.value) === 'first', () => 'another record than was written')
  const left = await client.send(LeaveGroup, 4, { groupId, members: [{ memberId }] })
  must(left.errorCode === 0, () => `LeaveGroup answered ${left.errorCode}`)
  client.close()
  return took
}

const groupOfOne: BenchCase = {
  name: 'group of 1: connect -> first record',
  metrics: [{ name: 'median', unit: 'ms', better: 'less' }],
  servers: BROKERS,
  async open(server, { scale }) {
    const topic = nextTopic()
    await openTopic(server.address, topic, buildBatch([{ value: 'first' }], { baseTimestamp: Date.now() }))
    let groups = 0
    return {
      async round() {
        const times = new Float64Array(scale.quick ? 10 : 40)
        for (let i = 0; i < times.length; i++) {
          times[i] = await startToFirstRecord(server.address, topic, `${topic}-${groups++}`)
        }
        return [percentile(times, 0.5)]
      },
      close: () => dropTopic(server.address, topic),
    }
  },
}

export const groupCases: readonly BenchCase[] = [groupOfOne]
