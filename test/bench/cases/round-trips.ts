/** Small requests: what a broker costs when there is little to do. */
import {
  ApiVersions,
  batchHeader,
  decodeResponseFrame,
  encodeRequestFrame,
  FindCoordinator,
  Metadata,
  OffsetCommit,
  OffsetFetch,
} from '../../../protocol/index.js'
import { RawClient } from '../../support/raw-client.js'
import {
  type BenchCase,
  BROKERS,
  closeAll,
  EVERYBODY,
  must,
  opsPerSecond,
  type Running,
  seconds,
} from '../bench-case.js'
import { teach } from '../floor.js'
import { LoadLine } from '../load-line.js'
import { createTopics, deleteTopics, eventually, leadersKnown, topicsGone, withClient } from '../topics.js'
import { nextTopic } from './produce.js'

const HEADER = { correlationId: 0, clientId: 'bench' }

/** The same request over and over on several connections; every answer must be as long as the first, and begin as it does when `sameOrder`. */
async function repeated(
  address: string,
  request: Buffer,
  connections: number,
  total: number,
  sameOrder: boolean,
): Promise<Running> {
  const lines = await Promise.all(Array.from({ length: connections }, () => LoadLine.connect(address)))
  let first: { head: Buffer; size: number } | null = null
  const load = (frame: Buffer) => ({
    count: Math.ceil(total / connections),
    window: 1,
    frame: () => frame,
    onAnswer(index: number, head: Buffer, size: number): void {
      first ??= { head: Buffer.from(head), size }
      const same = size === first.size && (!sameOrder || head.compare(first.head, 4, undefined, 4) === 0)
      must(same, () => `answer ${index} differs from the first one`)
    },
  })
  const loads = lines.map(() => load(Buffer.from(request)))
  return {
    async round() {
      const took = await seconds(() => Promise.all(lines.map((line, i) => line.run(loads[i]!))))
      return [(loads[0]!.count * connections) / took]
    },
    async close() {
      closeAll(lines)
    },
  }
}

function apiVersions(connections: number, total: number): BenchCase {
  const software = { clientSoftwareName: 'bench', clientSoftwareVersion: '1' }
  const request = encodeRequestFrame(ApiVersions, 3, HEADER, software)
  return {
    name: `ApiVersions, ${connections} connection${connections === 1 ? '' : 's'} x 1`,
    metrics: [opsPerSecond],
    servers: EVERYBODY,
    async open(server, { scale, odradek }) {
      if (server.name === 'floor') await teach(server, odradek, request)
      return repeated(server.address, request, connections, scale.count(total), true)
    },
  }
}

const TOPICS = 200
const PARTITIONS = 6

const metadata: BenchCase = {
  name: `Metadata, ${TOPICS} topics x ${PARTITIONS}`,
  metrics: [opsPerSecond],
  servers: EVERYBODY,
  async open(server, { scale, odradek }) {
    const home = server.name === 'floor' ? odradek : server
    const names = Array.from({ length: TOPICS }, nextTopic)
    await withClient(home.address, async (client) => {
      await createTopics(client, names, PARTITIONS)
      await leadersKnown(client, names, PARTITIONS)
    })
    const request = encodeRequestFrame(Metadata, 12, HEADER, { topics: null, allowAutoTopicCreation: false })
    if (server.name === 'floor') await teach(server, odradek, request)
    const looker = await RawClient.connect(server.address)
    looker.bytes(request)
    const { body } = decodeResponseFrame(Metadata, 12, await looker.frame())
    looker.close()
    const ours = body.topics.filter(
      ({ name, partitions }) => names.includes(name ?? '') && partitions.length === PARTITIONS,
    )
    must(ours.length === TOPICS || server.name === 'floor', () => `${ours.length} topics in the answer, not ${TOPICS}`)
    // Brokers may list topics in any order.
    const running = await repeated(server.address, request, 1, scale.count(1500), false)
    return {
      ...running,
      async close() {
        await running.close()
        await withClient(home.address, async (client) => {
          await deleteTopics(client, names)
          await topicsGone(client, names)
        })
      },
    }
  },
}

const PLACEHOLDER = Buffer.from([0, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66])
/** Of the partition's error in an OffsetCommit v8 answer behind the topic's name: header 5, throttle 4, two counts, index 4. */
const COMMIT_ERROR_AT = 5 + 4 + 1 + 1 + 1 + 4

const offsetCommit: BenchCase = {
  name: 'offset commit, 1 connection x 1',
  metrics: [opsPerSecond],
  servers: BROKERS,
  async open(server, { scale }) {
    const topic = nextTopic()
    const groupId = `group-${topic}`
    const client = await RawClient.connect(server.address)
    await createTopics(client, [topic], 1)
    await leadersKnown(client, [topic], 1)
    await eventually('a coordinator', async () => {
      const found = await client.send(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [groupId] })
      return found.coordinators[0]?.errorCode === 0
    })
    const commit = (committedOffset: number) => ({
      groupId,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: '' }] }],
    })
    await eventually('the first commit', async () => {
      const answer = await client.send(OffsetCommit, 8, commit(0))
      return answer.topics[0]!.partitions[0]!.errorCode === 0
    })
    const frame = encodeRequestFrame(OffsetCommit, 8, HEADER, commit(0x1122_3344_5566))
    const offsetAt = frame.indexOf(PLACEHOLDER)
    const line = await LoadLine.connect(server.address)
    const count = scale.count(5000)
    let committed = 0
    return {
      async round() {
        const took = await seconds(() =>
          line.run({
            count,
            window: 1,
            frame() {
              batchHeader.pokeInt64(frame, offsetAt, ++committed)
              return frame
            },
            onAnswer(index, head) {
              const errorCode = head.readInt16BE(COMMIT_ERROR_AT + topic.length)
              must(errorCode === 0, () => `commit ${index} answered ${errorCode}`)
            },
          }),
        )
        const topics = [{ name: topic, partitionIndexes: [0] }]
        const { groups } = await client.send(OffsetFetch, 8, { groups: [{ groupId, topics }] })
        const found = groups[0]!.topics[0]!.partitions[0]!.committedOffset
        must(found === committed, () => `offset ${found} is committed, ${committed} was`)
        return [count / took]
      },
      async close() {
        line.close()
        await deleteTopics(client, [topic])
        client.close()
      },
    }
  },
}

export const roundTripCases: readonly BenchCase[] = [
  apiVersions(1, 10_000),
  apiVersions(64, 30_000),
  metadata,
  offsetCommit,
]
