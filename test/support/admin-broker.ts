/** A broker on a free port and a raw client of it, for tests of the admin APIs: everything goes over TCP, in the version asked for. */
import { Broker, type BrokerOptions } from '../../lib/embed/broker.js'
import type { Message, RequestInput, ResponseOf } from '../../protocol/index.js'
import { CreateTopics } from '../../protocol/index.js'
import { RawClient } from './raw-client.js'

export class AdminBroker {
  private constructor(
    private readonly broker: Broker,
    private readonly client: RawClient,
  ) {}

  static async start(options: BrokerOptions = {}): Promise<AdminBroker> {
    const broker = await Broker.create(options)
    return new AdminBroker(broker, await RawClient.connect(broker.bootstrapServers))
  }

  send<M extends Message>(message: M, version: number, request: RequestInput<M>): Promise<ResponseOf<M>> {
    return this.client.send(message, version, request)
  }

  /** Creates a topic, gives its id. */
  async topic(name: string, partitions = 1, configs: Record<string, string> = {}): Promise<string> {
    const answer = await this.send(CreateTopics, 7, {
      topics: [
        {
          name,
          numPartitions: partitions,
          replicationFactor: 1,
          assignments: [],
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
      timeoutMs: 1000,
    })
    const [created] = answer.topics
    if (created?.errorCode !== 0) throw new Error(created?.errorMessage ?? 'no answer')
    return created.topicId
  }

  async close(): Promise<void> {
    this.client.close()
    await this.broker.close()
  }
}
