import { expect } from 'chai'
import type { MemberInfo } from '../../../../lib/cluster/coordination/coordination.js'
import { ZooKeeperClient } from '../../../../lib/cluster/coordination/zookeeper/client.js'
import { JuteReader, JuteWriter } from '../../../../lib/cluster/coordination/zookeeper/jute.js'
import { enrol } from '../../../../lib/cluster/coordination/zookeeper/members.js'
import { OPEN_ACL } from '../../../../lib/cluster/coordination/zookeeper/operations.js'
import { memberBytes } from '../../../../lib/cluster/coordination/zookeeper/znodes.js'
import { silentLogger } from '../../../../lib/host/logger.js'
import { MemoryNetwork } from '../../../../lib/host/memory-network.js'
import type { Stream } from '../../../../lib/host/network.js'
import { seededRandom } from '../../../../lib/host/random-sources.js'
import { VirtualClock } from '../../../../lib/host/virtual-clock.js'

const PORT = 2181
const SESSION_TIMEOUT_MS = 6000
const EARLIER_LIFE = 99n
const NODE_EXISTS = -110
const Op = { create: 1, exists: 3, getData: 4, closeSession: -11 } as const

const member: MemberInfo = {
  brokerId: 1,
  incarnationId: 'i',
  rack: null,
  endpoints: [{ name: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 'PLAINTEXT' }],
  features: [],
  logDirs: [],
}

/** A server that knows sessions and the node of one broker. */
class Server {
  /** Whose node it is; null: there is none. */
  owner: bigint | null = EARLIER_LIFE
  readonly #ended = new Set<bigint>()
  readonly #streams = new Map<bigint, Stream>()

  async listen(network: MemoryNetwork): Promise<void> {
    await network.listen({ host: '127.0.0.1', port: PORT }, (stream) => this.#accept(stream))
  }

  expire(session: bigint): void {
    this.#ended.add(session)
    this.#streams.get(session)?.destroy()
  }

  #accept(stream: Stream): void {
    let session: bigint | null = null
    stream.attach({
      onData: (view) => {
        for (let bytes = Buffer.from(view); bytes.length > 0; bytes = bytes.subarray(4 + bytes.readInt32BE(0))) {
          const reader = new JuteReader(bytes.subarray(4, 4 + bytes.readInt32BE(0)))
          if (session === null) session = this.#shake(stream, reader)
          else this.#answer(stream, session, reader)
        }
      },
      onEnd: () => stream.destroy(),
      onClose() {},
      onDrain() {},
    })
  }

  #shake(stream: Stream, reader: JuteReader): bigint {
    reader.int()
    reader.long()
    reader.int()
    const asked = reader.long()
    const isOver = this.#ended.has(asked)
    const session = asked === 0n ? BigInt(this.#streams.size + 1) : asked
    this.#streams.set(session, stream)
    const timeoutMs = isOver ? 0 : SESSION_TIMEOUT_MS
    stream.write([new JuteWriter().int(0).int(timeoutMs).long(session).buffer(Buffer.alloc(16)).frame()])
    return session
  }

  #answer(stream: Stream, session: bigint, reader: JuteReader): void {
    const xid = reader.int()
    const op = reader.int()
    const isThere = this.owner !== null
    if (op === Op.create) this.owner ??= session
    const answer = new JuteWriter().int(xid).long(1n)
    answer.int(op === Op.create && isThere ? NODE_EXISTS : 0)
    if (op === Op.create && !isThere) answer.string('')
    if (op === Op.getData) answer.buffer(memberBytes(member, 0))
    if (op === Op.exists || op === Op.getData) {
      answer.long(7n).long(7n).long(0n).long(0n).int(0).int(0).int(0)
      answer
        .long(this.owner ?? 0n)
        .int(0)
        .int(0)
        .long(0n)
    }
    stream.write([answer.frame()])
  }
}

describe('cluster/coordination/zookeeper/members', () => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({}, { clock })
  const ports = { network, clock, random: seededRandom(1), logger: silentLogger }
  const options = { servers: [{ host: '127.0.0.1', port: PORT }], chroot: '', sessionTimeoutMs: SESSION_TIMEOUT_MS }
  const server = new Server()
  let present: ZooKeeperClient

  function join(): ZooKeeperClient {
    const client = new ZooKeeperClient(options, ports, {
      onDoubt() {},
      onExpired: () => {
        present = join()
      },
    })
    client.start()
    return client
  }

  before(() => server.listen(network))

  beforeEach(() => {
    server.owner = EARLIER_LIFE
    present = join()
  })

  it('an earlier life that ends in another session of ours than the one that began to wait is not waited for any longer', async () => {
    const epoch = enrol(() => present, member, { ...options, acl: OPEN_ACL }, ports)
    await clock.advanceAsync(100)
    server.owner = null
    server.expire(present.sessionId!)
    await clock.advanceAsync(500)
    expect(server.owner).to.equal(present.sessionId)
    expect(await epoch).to.equal(7)
  })

  it('nobody waits when the client is closed', async () => {
    const failed = enrol(() => present, member, { ...options, acl: OPEN_ACL }, ports).catch((error: Error) => error)
    await clock.advanceAsync(100)
    void present.close()
    await clock.advanceAsync(500)
    expect(await failed).to.have.property('code', 'CLOSED')
  })
})
