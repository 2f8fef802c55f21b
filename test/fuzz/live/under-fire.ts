/**
 * A broker in this process under attack from many connections at once, while a well-behaved client goes on working and must not notice.
 * Afterwards: it still serves, every connection is gone, memory is back to a bound, and `close` leaves no handle behind.
 */
import { Broker } from '../../../lib/embed/broker.js'
import { type Logger, silentLogger } from '../../../lib/host/logger.js'
import { CompressionCode, prepareCodec } from '../../../lib/log/compression/index.js'
import { ApiTable } from '../../../lib/server/api-table.js'
import { ApiVersions, DeleteTopics, Metadata } from '../../../protocol/index.js'
import { RawClient } from '../../support/raw-client.js'
import { settledMemory } from '../memory.js'
import { check, Dice, type SessionTarget } from '../target.js'
import { attackOnce, type Battlefield } from './attacks.js'
import type { Prey } from './prey.js'
import { WellBehaved } from './well-behaved.js'

/** Attackers at a time. */
const ATTACKERS = 40
/**
 * What may be left in memory when all topics are gone: committed offsets and group metadata of thousands of valid requests in
 * `__consumer_offsets`, compiled codecs of every API and version, pooled buffers.
 */
const LEFT_BYTES_MAX = 96 * 1024 * 1024
/** Connections that linger for the peer's close are dropped after a second; sessions and timers of groups end by themselves. */
const SETTLE_MS = 5000
const PREY_TOPICS = ['prey', 'prey-2']
const GROUPS = ['prey-group', 'prey-group-2']
/** Attackers fill topics; they are emptied this often. */
const ATTACKS_PER_TOPIC = 400

/** Collects what the broker calls an error. */
function listener(complaints: string[]): Logger {
  const logger: Logger = {
    ...silentLogger,
    error(message, fields) {
      complaints.push(`${message} ${fields === undefined ? '' : JSON.stringify(fields)}`)
    },
  }
  return logger
}

async function preyOf(client: RawClient): Promise<Prey> {
  const { topics } = await client.send(Metadata, 12, { topics: PREY_TOPICS.map((name) => ({ name })) })
  return { topics: PREY_TOPICS, topicIds: topics.map((topic) => topic.topicId), groups: GROUPS }
}

/** Whatever the attackers have created or filled goes. */
async function clearTopics(broker: Broker, client: RawClient, keep: readonly string[]): Promise<void> {
  const { topics } = await client.send(Metadata, 12, { topics: null })
  const names = topics.map(({ name }) => name ?? '').filter((name) => !name.startsWith('__') && !keep.includes(name))
  await client.send(DeleteTopics, 6, { topics: names.map((name) => ({ name })), timeoutMs: 5000 })
  for (const name of PREY_TOPICS)
    await broker.createTopic({ name, partitions: 3, config: { 'retention.bytes': 1_000_000 } })
}

const openSockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length

async function until(condition: () => boolean, what: () => string): Promise<void> {
  for (const start = performance.now(); !condition(); ) {
    check(performance.now() - start < SETTLE_MS, what)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export const underFire: SessionTarget = {
  name: 'a broker under fire',
  weight: 30,
  async runSession(seed, time, progress) {
    await prepareCodec(CompressionCode.zstd)
    const resourcesBefore = process.getActiveResourcesInfo()
    const complaints: string[] = []
    const broker = await Broker.create({ topics: [WellBehaved.topic, ...PREY_TOPICS], logger: listener(complaints) })
    const operator = await RawClient.connect(broker.bootstrapServers)
    const apis = new ApiTable().rows
    // Everything that is compiled or pooled once is there before memory is measured.
    let runs = await attackFor(broker, operator, { apis }, seed, () => Math.min(2000, time.left() / 4), progress)
    await clearTopics(broker, operator, [WellBehaved.topic])
    const memoryBefore = await settledMemory()
    const neighbour = await WellBehaved.start(broker.bootstrapServers)
    runs += await attackFor(broker, operator, { apis }, seed + runs, () => time.left() - 1000, progress, neighbour)
    await neighbour.stop()
    // Whatever strangers send, nothing inside the broker may fail.
    check(complaints.length === 0, () => `${complaints.length} errors in the log, the first: ${complaints[0]}`)
    check(neighbour.consumed > 0, () => 'the well-behaved client did nothing')
    const { errorCode } = await operator.send(ApiVersions, 3, {
      clientSoftwareName: 'fuzz',
      clientSoftwareVersion: '1',
    })
    check(errorCode === 0, () => `ApiVersions answered ${errorCode} afterwards`)
    await clearTopics(broker, operator, [])
    operator.close()
    await until(
      () => openSockets() === countOf(resourcesBefore, 'TCPSocketWrap'),
      () => `${openSockets()} sockets are still open`,
    )
    const grown = (await settledMemory()) - memoryBefore
    check(grown < LEFT_BYTES_MAX, () => `memory has grown by ${Math.round(grown / 1e6)} MB over ${runs} attacks`)
    await broker.close()
    await until(
      () => leftOver(resourcesBefore) === '',
      () => `after close there are still: ${leftOver(resourcesBefore)}`,
    )
    console.log(
      `      well-behaved client: ${neighbour.consumed} records, slowest answer ${Math.round(neighbour.slowestMs)} ms; ` +
        `memory ${grown < 0 ? '' : '+'}${(grown / 1e6).toFixed(1)} MB`,
    )
    return runs
  },
}

/** Attacks until the time is over; the seed of attack i is `seed + i`. Returns how many there were. */
async function attackFor(
  broker: Broker,
  operator: RawClient,
  { apis }: Pick<Battlefield, 'apis'>,
  seed: number,
  left: () => number,
  progress: { tick(): void },
  neighbour?: WellBehaved,
): Promise<number> {
  const start = performance.now()
  const total = left()
  const over = (): boolean =>
    (neighbour ? left() <= 0 : performance.now() - start >= total) || Boolean(neighbour?.noticed)
  let next = 0
  while (!over()) {
    const prey = await preyOf(operator)
    const last = next + ATTACKS_PER_TOPIC
    const attacker = async (): Promise<void> => {
      while (next < last && !over()) {
        await attackOnce({ broker, prey, apis }, new Dice(seed + next++))
        progress.tick()
      }
    }
    await Promise.all(Array.from({ length: ATTACKERS }, attacker))
    await clearTopics(broker, operator, [WellBehaved.topic])
  }
  return next
}

const countOf = (resources: readonly string[], name: string): number =>
  resources.filter((resource) => resource === name).length

/** Kinds of handles of which there are more now than there were. Timeouts are those of `until` itself. */
function leftOver(before: readonly string[]): string {
  const now = process.getActiveResourcesInfo()
  return [...new Set(now)]
    .filter((name) => name !== 'Timeout' && countOf(now, name) > countOf(before, name))
    .map((name) => `${countOf(now, name) - countOf(before, name)} ${name}`)
    .join(', ')
}
