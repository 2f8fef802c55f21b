/** The controller's lease: an ephemeral node that one broker can make, and an epoch whose node version fences everyone before. */
import type { ControllerLease } from '../coordination.js'
import type { ZooKeeperClient } from './client.js'
import { type Acl, ZooKeeperError } from './operations.js'
import type { Fence } from './shared-log.js'
import { CONTROLLER, CONTROLLER_EPOCH, controllerBytes, epochBytes, readEpoch } from './znodes.js'

/** Tries to become the controller. Losing is fine: somebody else's node is found at the next look. @throws ZooKeeperError */
export async function standForController(
  client: ZooKeeperClient,
  { brokerId, acl }: { readonly brokerId: number; readonly acl: readonly Acl[] },
  now: number,
): Promise<void> {
  const { epoch, version } = await readEpochNode(client)
  const data = controllerBytes(brokerId, epoch + 1, now)
  try {
    await client.multi([
      { op: 'create', path: CONTROLLER, data, mode: 'ephemeral', acl },
      { op: 'set', path: CONTROLLER_EPOCH, data: epochBytes(epoch + 1), version },
    ])
  } catch (error) {
    if (!(error instanceof ZooKeeperError) || (error.code !== 'NODE_EXISTS' && error.code !== 'BAD_VERSION'))
      throw error
  }
}

/** What lets the holder of this lease append. Throws when the epoch has moved on since. */
export async function fenceOf(client: ZooKeeperClient, lease: ControllerLease): Promise<Fence> {
  const { epoch, version } = await readEpochNode(client)
  if (epoch !== lease.controllerEpoch) {
    throw new Error('the controller epoch has moved on while this broker became the controller')
  }
  return { epoch, version }
}

async function readEpochNode(client: ZooKeeperClient): Promise<Fence> {
  const node = await client.get(CONTROLLER_EPOCH)
  if (node === null) throw new ZooKeeperError('NO_NODE', `The node ${CONTROLLER_EPOCH} is gone.`)
  return { epoch: readEpoch(node.data), version: node.stat.version }
}
