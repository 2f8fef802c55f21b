/** The tree of a cluster: found, or made by the first broker that comes. */
import type { Clock, Timer } from '../../../host/clock.js'
import { silentLogger } from '../../../host/logger.js'
import { ZooKeeperClient, type ZooKeeperClientOptions, type ZooKeeperClientPorts } from './client.js'
import { type Acl, OPEN_ACL, ZooKeeperError } from './operations.js'
import { ignoring } from './shared-log.js'
import {
  CLUSTER_ID,
  CONTROLLER_EPOCH,
  clusterIdBytes,
  epochBytes,
  HEAD,
  headBytes,
  PERSISTENT_FOLDERS,
  readClusterId,
  readHead,
} from './znodes.js'

export interface FoundingOptions extends ZooKeeperClientOptions {
  /** Given to a cluster that has none yet; null: a fresh one. */
  readonly clusterId: string | null
  /** The cluster that this broker has data of: where none is found, the place is wrong, and no new one is founded. Null: it has none. */
  readonly dataOf?: string | null
  /** How long to look for an ensemble before giving up; null: for ever. */
  readonly connectTimeoutMs: number | null
}

const RETRY_MS = 100

/**
 * Returns the cluster's id. `client`: the present one, since the session may change meanwhile. @throws ZooKeeperError, ZnodeError
 */
export async function foundCluster(
  client: () => ZooKeeperClient,
  options: FoundingOptions,
  ports: ZooKeeperClientPorts,
  acl: readonly Acl[],
): Promise<string> {
  const { connectTimeoutMs } = options
  let over = false
  const patience = { clock: ports.clock, isOver: () => over }
  const found = persistently(() => checkPlace(client(), options), patience)
    .then(() => persistently(() => makeChroot(options, ports), patience))
    .then(() => persistently(() => makeTree(client(), options, ports, acl), patience))
  if (connectTimeoutMs === null) return found
  let timer: Timer | null = null
  const timeout = new Promise<never>((_, reject) => {
    timer = ports.clock.setTimer(connectTimeoutMs, () => reject(unreachable(options, connectTimeoutMs)))
  })
  // Whoever loses the race is ended by the client's close; its failure then is nobody's.
  found.catch(() => {})
  try {
    return await Promise.race([found, timeout])
  } finally {
    over = true
    ;(timer as Timer | null)?.cancel()
  }
}

/**
 * Before anything is made. The id is made last and the log's head before it, so one without the other is no cluster that is being founded: to make
 * what is missing would bring up an empty cluster in the place of one that had topics, or amidst another program's nodes.
 */
async function checkPlace(client: ZooKeeperClient, options: FoundingOptions): Promise<void> {
  const { dataOf = null, chroot } = options
  const at = `${whereOf(options)}${chroot}`
  const hasId = (await client.get(CLUSTER_ID)) !== null
  const head = await client.get(HEAD)
  if (hasId && head === null) {
    throw new ZooKeeperError(
      'NO_NODE',
      `The cluster in ZooKeeper at ${at} has a ${CLUSTER_ID} and no ${HEAD}: it is Apache Kafka's, or its log has been deleted. Nothing was changed; give another chroot (--zookeeper HOST:PORT,.../PATH), or bring the node back.`,
    )
  }
  if (hasId) return
  if (dataOf !== null) {
    throw new ZooKeeperError(
      'NO_NODE',
      `There is no cluster in ZooKeeper at ${at}, and this broker's data belongs to the cluster ${dataOf}: give the servers and the chroot (--zookeeper HOST:PORT,.../PATH) of that one, or another --data-dir.`,
    )
  }
  if (head !== null && readHead(head.data) > 0) {
    throw new ZooKeeperError(
      'NO_NODE',
      `The cluster in ZooKeeper at ${at} has a log and no ${CLUSTER_ID}: somebody has deleted that node. Nothing was changed; bring it back ({"version":"1","id":"..."}, with the id in the meta.properties of its brokers).`,
    )
  }
}

/** Does it again, for as long as it is only the connection that fails: an action that may have been done already must bear that. */
export async function persistently<T>(
  action: () => Promise<T>,
  { clock, isOver }: { readonly clock: Clock; isOver(): boolean },
): Promise<T> {
  for (;;) {
    try {
      return await action()
    } catch (error) {
      const code = error instanceof ZooKeeperError ? error.code : null
      if (isOver() || (code !== 'CONNECTION_LOSS' && code !== 'SESSION_EXPIRED')) throw error
      await new Promise<void>((resolve) => clock.setTimer(RETRY_MS, resolve))
    }
  }
}

async function makeTree(
  client: ZooKeeperClient,
  { clusterId }: FoundingOptions,
  { random }: ZooKeeperClientPorts,
  acl: readonly Acl[],
): Promise<string> {
  const create = (path: string, data: Buffer) =>
    ignoring('NODE_EXISTS', client.create(path, { data, mode: 'persistent', acl }))
  for (const path of PERSISTENT_FOLDERS) await create(path, Buffer.alloc(0))
  await create(CONTROLLER_EPOCH, epochBytes(0))
  await create(HEAD, headBytes(0))
  await create(CLUSTER_ID, clusterIdBytes(clusterId ?? random.topicId()))
  const node = await client.get(CLUSTER_ID)
  if (node === null) throw new ZooKeeperError('NO_NODE', `The node ${CLUSTER_ID} has vanished.`)
  return readClusterId(node.data)
}

/** The chroot's own nodes lie outside of it, so they are made by a client that looks from the root. */
async function makeChroot(options: FoundingOptions, ports: ZooKeeperClientPorts): Promise<void> {
  const { chroot } = options
  if (chroot === '') return
  // The other client says already when nobody answers.
  const quiet = { ...ports, logger: silentLogger }
  const outside = new ZooKeeperClient({ ...options, chroot: '' }, quiet, { onDoubt() {}, onExpired() {} })
  outside.start()
  const giveUp =
    options.connectTimeoutMs === null
      ? null
      : ports.clock.setTimer(options.connectTimeoutMs, () => void outside.close())
  try {
    const parts = chroot.slice(1).split('/')
    for (let depth = 1; depth <= parts.length; depth++) {
      const path = `/${parts.slice(0, depth).join('/')}`
      if ((await outside.exists(path)) !== null) continue
      await ignoring('NODE_EXISTS', outside.create(path, { data: Buffer.alloc(0), mode: 'persistent', acl: OPEN_ACL }))
    }
  } finally {
    giveUp?.cancel()
    await outside.close()
  }
}

function unreachable(options: ZooKeeperClientOptions, afterMs: number): ZooKeeperError {
  return new ZooKeeperError(
    'CONNECTION_LOSS',
    `No ZooKeeper server answered within ${afterMs} ms (${whereOf(options)}).`,
  )
}

const whereOf = ({ servers }: ZooKeeperClientOptions): string =>
  servers.map(({ host, port }) => `${host}:${port}`).join(',')
