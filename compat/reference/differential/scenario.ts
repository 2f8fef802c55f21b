import {
  CreateTopics,
  ListOffsets,
  type Message,
  Metadata,
  type RequestInput,
  type ResponseOf,
} from '../../../protocol/index.js'
import { Connection, type Outcome } from './connection.js'
import { Normaliser, type Plain } from './normalise.js'

/** One line of a transcript: what was asked, and what came back. */
export interface Entry {
  readonly asked: string
  readonly answer: Plain
}

export type Script = (c: Scene) => Promise<void>

export interface Scenario {
  readonly name: string
  readonly script: Script
}

export const scenarios: Scenario[] = []

/** Adds a scenario. The name is how the list of known differences refers to it, so it must be unique. */
export function scenario(name: string, script: Script): void {
  if (scenarios.some((other) => other.name === name)) throw new Error(`two scenarios are called '${name}'`)
  scenarios.push({ name, script })
}

/** Adds one scenario for each given version. `{v}` in the name is replaced by it. */
export function perVersion(
  name: string,
  versions: readonly number[],
  script: (c: Scene, version: number) => Promise<void>,
): void {
  for (const version of versions) scenario(name.replace('{v}', `v${version}`), (c) => script(c, version))
}

/** All versions of a message from `lowest` (default: its lowest) to its highest. */
export function versionsOf(message: Message, lowest?: number, highest?: number): number[] {
  const [first, last] = [lowest ?? message.request.versions.low, highest ?? message.request.versions.high]
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

/** The lowest and the highest version. */
export function ends(message: Message): number[] {
  return [message.request.versions.low, message.request.versions.high]
}

export interface TopicOptions {
  readonly partitions?: number
  readonly configs?: Readonly<Record<string, string>>
}

/** What a scenario works with. Calls named `setUp...` or `quiet` leave no trace in the transcript. */
export class Scene {
  readonly transcript: Entry[] = []
  private readonly normaliser = new Normaliser()
  private readonly connections: Connection[] = []
  private main: Connection | undefined
  private names = 0

  constructor(
    private readonly address: string,
    /** Goes into every name, so that scenarios do not meet. The same on both brokers. */
    private readonly prefix: string,
  ) {}

  /** A name for a topic or group: the same on both brokers, different in every scenario. */
  name(what = 'name'): string {
    this.names += 1
    return `${this.prefix}.${what}${this.names}`
  }

  async connect(): Promise<Connection> {
    const connection = await Connection.open(this.address)
    this.connections.push(connection)
    return connection
  }

  /** Sends on the scenario's main connection and records the answer. A connection that was closed is made again. */
  async send<M extends Message>(message: M, version: number, value: RequestInput<M>): Promise<ResponseOf<M> | null> {
    return this.record(await this.quiet(message, version, value), message, version)
  }

  /** As `send`, on the given connection. */
  async sendOn<M extends Message>(at: Connection, message: M, version: number, value: RequestInput<M>) {
    return this.record(await at.call(message, version, value), message, version)
  }

  /** As `send`, but the answer is not recorded. */
  async quiet<M extends Message>(message: M, version: number, value: RequestInput<M>): Promise<ResponseOf<M> | null> {
    this.main ??= await this.connect()
    const answer = await this.main.call(message, version, value)
    if (answer === null) this.main = undefined
    return answer
  }

  /** Asks until the answer fits (a change may take a moment until every reader sees it) and records that answer. */
  async sendUntil<M extends Message>(
    message: M,
    version: number,
    value: RequestInput<M>,
    fits: (answer: ResponseOf<M>) => boolean,
  ): Promise<ResponseOf<M>> {
    const deadline = Date.now() + 5000
    for (;;) {
      const answer = await this.quiet(message, version, value)
      if ((answer !== null && fits(answer)) || Date.now() > deadline) {
        this.record(answer, message, version)
        return answer!
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** Producer ids go on from run to run: one that the scenario knows is shown by its place in it. */
  learnProducer(producerId: number): void {
    this.normaliser.learnProducer(producerId)
  }

  /** Records anything a scenario wants to compare. */
  note(asked: string, answer: unknown): void {
    this.transcript.push({ asked, answer: this.normaliser.value(answer) })
  }

  /** Records what came for raw bytes: a frame in hex (its first bytes), or the close. */
  noteOutcome(asked: string, outcome: Outcome): void {
    this.note(asked, 'closed' in outcome ? 'closed' : `frame of ${outcome.frame.length} bytes`)
  }

  /** Makes a topic and waits until its leaders serve. Returns name and id. */
  async setUpTopic(options: TopicOptions = {}): Promise<{ name: string; id: string }> {
    const name = this.name('topic')
    const configs = Object.entries(options.configs ?? {}).map(([key, value]) => ({ name: key, value }))
    const numPartitions = options.partitions ?? 1
    const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs }]
    const made = await this.quiet(CreateTopics, 7, { topics, timeoutMs: 10_000, validateOnly: false })
    if (made?.topics[0]?.errorCode !== 0) throw new Error(`could not make ${name}: ${made?.topics[0]?.errorMessage}`)
    const id = made.topics[0].topicId
    this.normaliser.learn(id, name)
    await this.setUpReady(name, numPartitions)
    return { name, id }
  }

  /** Waits until metadata and every leader know a topic. */
  async setUpReady(name: string, partitions: number): Promise<string> {
    const indexes = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1 }))
    const deadline = Date.now() + 10_000
    for (;;) {
      const seen = await this.quiet(Metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false })
      const listed = await this.quiet(ListOffsets, 7, { replicaId: -1, topics: [{ name, partitions: indexes }] })
      const known = seen?.topics[0]?.errorCode === 0 && seen.topics[0].partitions.length === partitions
      if (known && listed?.topics[0]?.partitions.every((partition) => partition.errorCode === 0)) {
        this.normaliser.learn(seen.topics[0]!.topicId, name)
        return seen.topics[0]!.topicId
      }
      if (Date.now() > deadline) throw new Error(`${name} does not become ready`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  close(): void {
    for (const connection of this.connections) connection.destroy()
  }

  private record<M extends Message>(answer: ResponseOf<M> | null, message: M, version: number): ResponseOf<M> | null {
    this.note(`${message.name} v${version}`, answer ?? 'closed')
    return answer
  }
}
