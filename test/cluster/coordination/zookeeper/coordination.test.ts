import { expect } from 'chai'
import { ZooKeeperCoordination } from '../../../../lib/cluster/coordination/zookeeper/coordination.js'
import { JuteReader, JuteWriter } from '../../../../lib/cluster/coordination/zookeeper/jute.js'
import {
  CLUSTER_ID,
  CONTROLLER_EPOCH,
  clusterIdBytes,
  epochBytes,
  HEAD,
  headBytes,
} from '../../../../lib/cluster/coordination/zookeeper/znodes.js'
import { silentLogger } from '../../../../lib/host/logger.js'
import { MemoryNetwork } from '../../../../lib/host/memory-network.js'
import type { Stream } from '../../../../lib/host/network.js'
import { seededRandom } from '../../../../lib/host/random-sources.js'
import { VirtualClock } from '../../../../lib/host/virtual-clock.js'
import { ErrorCode } from '../../../../protocol/errors.js'
import { Follower, topicRecord } from '../../../contracts/coordination.js'

const PORT = 2181
const SESSION_TIMEOUT_MS = 6000
const AUTH = -4
const Op = {
  create: 1,
  exists: 3,
  getData: 4,
  sync: 9,
  ping: 11,
  closeSession: -11,
  getChildren: 12,
  multi: 14,
} as const
const Refusal = { NO_NODE: -101, NODE_EXISTS: -110, AUTH_FAILED: -115 } as const

/** A server with nodes that are only read. The first multi makes whoever sends it the controller; others break the connection. */
class Server {
  readonly nodes = new Map<string, Buffer>([
    [CLUSTER_ID, clusterIdBytes('c')],
    [HEAD, headBytes(0)],
    [CONTROLLER_EPOCH, epochBytes(0)],
  ])
  takesAuth = true
  handshakes = 0
  multis = 0
  /** The session that holds the lease. */
  controller = 0n
  readonly #streams = new Set<Stream>()

  async listen(network: MemoryNetwork): Promise<void> {
    await network.listen({ host: '127.0.0.1', port: PORT }, (stream) => this.#accept(stream))
  }

  drop(): void {
    for (const stream of this.#streams) stream.destroy()
    this.#streams.clear()
  }

  #accept(stream: Stream): void {
    let session = 0n
    let bytes = Buffer.alloc(0)
    this.#streams.add(stream)
    stream.attach({
      onData: (view) => {
        bytes = Buffer.concat([bytes, view])
        while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
          const reader = new JuteReader(bytes.subarray(4, 4 + bytes.readInt32BE(0)))
          bytes = bytes.subarray(4 + bytes.readInt32BE(0))
          if (session === 0n) session = this.#shake(stream, reader)
          else this.#answer(stream, session, reader)
        }
      },
      onEnd: () => stream.destroy(),
      onClose() {},
      onDrain() {},
    })
  }

  #shake(stream: Stream, reader: JuteReader): bigint {
    this.handshakes++
    reader.int()
    reader.long()
    reader.int()
    const session = reader.long() || BigInt(this.handshakes)
    stream.write([new JuteWriter().int(0).int(SESSION_TIMEOUT_MS).long(session).buffer(Buffer.alloc(16)).frame()])
    return session
  }

  #answer(stream: Stream, session: bigint, reader: JuteReader): void {
    const xid = reader.int()
    const op = reader.int()
    const answer = (error: number) => new JuteWriter().int(xid).long(1n).int(error)
    if (xid === AUTH) {
      stream.write([answer(this.takesAuth ? 0 : Refusal.AUTH_FAILED).frame()])
      return
    }
    if (op === Op.multi) {
      this.multis++
      if (this.multis > 1) {
        stream.destroy()
        return
      }
      this.controller = session
      this.nodes.set('/controller', Buffer.from('{"brokerid":1,"controllerEpoch":1}'))
      this.nodes.set(CONTROLLER_EPOCH, epochBytes(1))
      stream.write([answer(0).int(-1).bool(true).int(-1).frame()])
      return
    }
    if (op === Op.create) stream.write([answer(Refusal.NODE_EXISTS).frame()])
    else if (op === Op.ping || op === Op.closeSession) stream.write([answer(0).frame()])
    else if (op === Op.sync) stream.write([answer(0).string('').frame()])
    else this.#read(stream, op, reader.string(), answer)
  }

  #read(stream: Stream, op: number, path: string, answer: (error: number) => JuteWriter): void {
    const data = this.nodes.get(path)
    if (data === undefined && op !== Op.getChildren) {
      stream.write([answer(Refusal.NO_NODE).frame()])
      return
    }
    const body = answer(0)
    if (op === Op.getData) body.buffer(data!)
    if (op === Op.getChildren) body.vector([], () => {})
    body.long(7n).long(7n).long(0n).long(0n).int(0).int(0).int(0)
    body.long(this.controller).int(0).int(0).long(0n)
    stream.write([body.frame()])
  }
}

describe('cluster/coordination/zookeeper/coordination', () => {
  let clock: VirtualClock
  let server: Server
  let errors: string[]
  let engine: ZooKeeperCoordination
  let follower: Follower & { expelled: number }

  beforeEach(async () => {
    clock = new VirtualClock()
    const network = new MemoryNetwork({}, { clock })
    server = new Server()
    errors = []
    await server.listen(network)
    const opening = ZooKeeperCoordination.open(
      {
        brokerId: 1,
        servers: [{ host: '127.0.0.1', port: PORT }],
        chroot: '',
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        connectTimeoutMs: null,
        clusterId: null,
        secure: false,
        auth: [{ scheme: 'digest', credentials: 'user:password' }],
      },
      {
        network,
        clock,
        random: seededRandom(1),
        logger: { ...silentLogger, error: (text: string) => void errors.push(text) },
        image: () => null,
        snapshot: () => ({ records: [], offset: -2 }),
      },
    )
    await clock.advanceAsync(100)
    engine = await opening
    follower = Object.assign(new Follower(), { expelled: 0 })
    follower.onExpelled = () => void follower.expelled++
    const started = engine.start(follower)
    await clock.advanceAsync(100)
    await started
  })

  afterEach(async () => {
    const closed = engine.close()
    await clock.advanceAsync(10_000)
    await closed
  })

  it('credentials that are refused from now on are tried again after a while, not in a loop of sessions', async () => {
    const { handshakes } = server
    server.takesAuth = false
    server.drop()
    await clock.advanceAsync(5000)
    expect(server.handshakes - handshakes).to.be.within(2, 6)
    expect(follower.expelled).to.be.above(0)
    expect(new Set(errors)).to.deep.equal(
      new Set(['ZooKeeper does not accept the credentials. This broker is out of the cluster until it does.']),
    )
    server.takesAuth = true
    await clock.advanceAsync(2000)
    expect(engine.aliveUntilMs).to.be.above(clock.monotonic())
  })

  it('says once what it cannot read, however often it tries, and goes on when it can', async () => {
    server.nodes.delete(HEAD)
    server.drop()
    await clock.advanceAsync(60_000)
    expect(errors).to.have.length(1)
    expect(errors[0]).to.match(/The node \/odradek\/head is gone/)
    server.nodes.set(HEAD, headBytes(0))
    await clock.advanceAsync(10_000)
    server.nodes.delete(HEAD)
    server.drop()
    await clock.advanceAsync(10_000)
    expect(errors).to.have.length(2)
  })

  it('gives up an append that breaks every connection, and takes a large one for more than the server takes', async () => {
    engine.campaign()
    await clock.advanceAsync(1000)
    expect(follower.lease).to.include({ controllerId: 1, controllerEpoch: 1 })
    const random = seededRandom(2)
    const outcomeOf = async (records: number) => {
      const before = server.multis
      const names = Array.from({ length: records }, () => random.topicId())
      const appended = engine.append(names.map(topicRecord), 1)
      await clock.advanceAsync(10_000)
      expect(server.multis - before).to.equal(5)
      return (await appended).errorCode
    }
    expect(await outcomeOf(1)).to.equal(ErrorCode.REQUEST_TIMED_OUT)
    expect(await outcomeOf(2000)).to.equal(ErrorCode.RECORD_LIST_TOO_LARGE)
  })
})
