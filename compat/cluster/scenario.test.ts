/** What a cluster is for: brokers die and come back, and clients go on. With kafkajs, in one process and over ZooKeeper. */
import { expect } from 'chai'
import { type Admin, Kafka, logLevel, type Producer } from 'kafkajs'
import { MemberProcess } from '../kafkajs/member-process.js'
import { zooKeeperUnavailable } from '../zookeeper/ensemble.js'
import { IDS, inOneProcess, overZooKeeper, type ThreeBrokers } from './brokers.js'

process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'
const LIMIT_MS = 30_000
const RECORDS = 40

async function until(check: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const limit = performance.now() + LIMIT_MS
  while (!(await check())) {
    if (performance.now() > limit) throw new Error(`waited ${LIMIT_MS} ms in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** One writer: numbers what it sends, one record per send, since kafkajs drops partitions whose leader moves in the middle of a larger one. */
class Writer {
  readonly acked: string[] = []
  #next = 0

  constructor(
    readonly name: string,
    private readonly producer: Producer,
    private readonly acks: number,
    private readonly keys: number,
  ) {}

  async write(topic: string, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const n = this.#next++
      const value = `${this.name}/${n}`
      const key = this.keys === 0 ? null : `${this.name}-${n % this.keys}`
      await this.producer.send({ topic, acks: this.acks, messages: [{ key, value }] })
      this.acked.push(value)
    }
  }
}

/** What a writer's records were given as: their numbers, partition by partition in the order of the log. */
function numbersOf(writer: string, received: ReadonlyMap<string, string>): number[][] {
  const found = new Map<string, [number, number][]>()
  for (const [place, value] of received) {
    const [partition, offset] = place.split(':') as [string, string]
    const [name, n] = value.split('/') as [string, string]
    if (name !== writer) continue
    const list = found.get(partition) ?? []
    found.set(partition, list)
    list.push([Number(offset), Number(n)])
  }
  return [...found.values()].map((list) => list.sort(([a], [b]) => a - b).map(([, n]) => n))
}

function scenario(name: string, make: () => Promise<ThreeBrokers>, missing: string | null): void {
  describe(`cluster: ${name}${missing === null ? '' : ` (left out: ${missing})`}`, function () {
    this.timeout(120_000)
    let cluster: ThreeBrokers
    let kafka: Kafka
    let admin: Admin
    const open: { disconnect(): Promise<void> }[] = []
    const readers: MemberProcess[] = []

    before(async function () {
      if (missing !== null) this.skip()
      cluster = await make()
      const retry = { initialRetryTime: 50, maxRetryTime: 500, retries: 40 }
      kafka = new Kafka({ brokers: [...cluster.brokers], logLevel: logLevel.NOTHING, requestTimeout: 5000, retry })
      admin = await connected(kafka.admin())
    })
    after(async () => {
      await Promise.all(readers.map((one) => one.crash()))
      await Promise.all(open.map((client) => client.disconnect()))
      await cluster?.close()
    })

    async function connected<T extends { connect(): Promise<void>; disconnect(): Promise<void> }>(
      client: T,
    ): Promise<T> {
      await client.connect()
      open.push(client)
      return client
    }

    async function writer(label: string, acks: number, keys: number, idempotent = false): Promise<Writer> {
      const options = idempotent ? { idempotent, maxInFlightRequests: 1 } : {}
      return new Writer(label, await connected(kafka.producer(options)), acks, keys)
    }

    async function partitions(topic: string) {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      return topics[0]!.partitions
    }

    const whole = (topic: string, copies: number) =>
      until(async () => (await partitions(topic)).every(({ isr }) => isr.length === copies), `${topic} to be whole`)

    function reader(topic: string, groupId: string): MemberProcess {
      const found = new MemberProcess(cluster.brokers.join(','), topic, groupId, true)
      readers.push(found)
      return found
    }

    const hasRead = (one: MemberProcess, writers: readonly Writer[]) =>
      until(() => {
        const values = new Set(one.received.values())
        return writers.every(({ acked }) => acked.every((value) => values.has(value)))
      }, 'everything that was acknowledged')

    function expectExactlyOnce({ received }: MemberProcess, { name: label, acked }: Writer): void {
      const found = numbersOf(label, received)
      for (const numbers of found) expect(numbers).to.deep.equal([...numbers].sort((a, b) => a - b))
      expect(found.flat().length, `records of ${label}`).to.equal(new Set(found.flat()).size)
      expect(found.flat().length, `records of ${label}`).to.equal(acked.length)
    }

    it('goes on when a broker dies, loses nothing that acks=all acknowledged, and is whole again when it returns', async () => {
      const topic = 'topic-A'
      await admin.createTopics({ topics: [{ topic, numPartitions: 3, replicationFactor: 2 }] })
      const once = await writer('once', -1, 7, true)
      const all = [await writer('keyed', -1, 5), await writer('unkeyed', -1, 0)]
      const some = [await writer('leader-only', 1, 0), await writer('nobody', 0, 3)]
      const everybody = [once, ...all, ...some]
      const seen = reader(topic, 'group-A')
      await Promise.all(everybody.map((one) => one.write(topic, RECORDS)))
      await hasRead(seen, [once, ...all])

      await cluster.kill(102)
      await Promise.all(everybody.map((one) => one.write(topic, RECORDS)))
      await until(
        async () => (await partitions(topic)).every(({ leader }) => [101, 103].includes(leader)),
        'new leaders',
      )
      await hasRead(seen, [once, ...all])

      await cluster.start(102)
      await whole(topic, 2)
      await Promise.all(everybody.map((one) => one.write(topic, RECORDS)))
      const later = reader(topic, 'group-later')
      await hasRead(later, [once, ...all])
      expectExactlyOnce(later, once)
    })

    it('goes on with one broker of three where there are three replicas', async () => {
      const topic = 'topic-B'
      await admin.createTopics({ topics: [{ topic, numPartitions: 3, replicationFactor: 3 }] })
      const once = await writer('survivor', -1, 7, true)
      await once.write(topic, RECORDS)
      await Promise.all([cluster.kill(101), cluster.kill(102)])
      await once.write(topic, RECORDS)
      expect((await partitions(topic)).map(({ leader }) => leader)).to.deep.equal([103, 103, 103])
      await Promise.all([cluster.start(101), cluster.start(102)])
      await whole(topic, IDS.length)
      await once.write(topic, RECORDS)
      const seen = reader(topic, 'group-B')
      await hasRead(seen, [once])
      expectExactlyOnce(seen, once)
    })
  })
}

scenario('three brokers in one process', inOneProcess, null)
scenario('three processes over ZooKeeper', () => overZooKeeper(), zooKeeperUnavailable())
