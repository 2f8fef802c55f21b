/** The brokers under /brokers/ids: each node lives as long as its broker's session. */
import { DuplicateMemberError, type LiveMember, type MemberInfo } from '../coordination.js'
import type { ZooKeeperClient, ZooKeeperClientPorts } from './client.js'
import type { Acl } from './operations.js'
import { ignoring } from './shared-log.js'
import { BROKER_IDS, brokerPath, memberBytes, readMember } from './znodes.js'

/**
 * Session timeouts that a node may outlive its broker. An ensemble that changes its leader gives every session its whole time again, and it may do
 * so more than once: whoever was registered where we listen now can only be our earlier life, and is waited for longer.
 */
const PATIENCE = { stranger: 2, earlierLife: 10 }

/**
 * Makes the node; returns its czxid, the broker epoch. A node of an earlier life of this broker goes when that session does: until then we
 * wait. `client`: the present one, since the session may change meanwhile. @throws DuplicateMemberError when the node stays
 */
export async function enrol(
  client: () => ZooKeeperClient,
  member: MemberInfo,
  { sessionTimeoutMs, acl }: { readonly sessionTimeoutMs: number; readonly acl: readonly Acl[] },
  { clock, logger }: ZooKeeperClientPorts,
): Promise<number> {
  const path = brokerPath(member.brokerId)
  const startMs = clock.monotonic()
  for (let attempt = 0; ; attempt++) {
    const present = client()
    const data = memberBytes(member, clock.now())
    await ignoring('NODE_EXISTS', present.create(path, { data, mode: 'ephemeral', acl }))
    let gone = () => {}
    const going = new Promise<void>((resolve) => {
      gone = resolve
    })
    const stat = await present.exists(path, () => gone())
    if (stat === null) continue
    if (stat.ephemeralOwner === present.sessionId) return stat.czxid
    const patience = (await isEarlierLife(present, member)) ? PATIENCE.earlierLife : PATIENCE.stranger
    const leftMs = startMs + patience * sessionTimeoutMs - clock.monotonic()
    if (leftMs <= 0) throw new DuplicateMemberError(member.brokerId)
    if (attempt === 0) {
      logger.info(`Broker id ${member.brokerId} is still registered in ZooKeeper; waiting for its session to end.`)
    }
    const timer = clock.setTimer(leftMs, () => gone())
    await going
    timer.cancel()
  }
}

async function isEarlierLife(client: ZooKeeperClient, { brokerId, endpoints }: MemberInfo): Promise<boolean> {
  const found = await client.get(brokerPath(brokerId))
  if (found === null) return true // it has just gone
  const before = readMember(brokerId, found.data, found.stat.czxid)
  return before.endpoints.some(({ host, port }) => endpoints.some((one) => one.host === host && one.port === port))
}

/** Who lives now, by rising id; `watch` hears of the next one to come or go. */
export async function readMembers(client: ZooKeeperClient, watch: () => void): Promise<LiveMember[]> {
  const names = (await client.children(BROKER_IDS, watch)) ?? []
  const read = await Promise.all(names.map((name) => client.get(`${BROKER_IDS}/${name}`)))
  const members = read.flatMap((found, index): LiveMember[] =>
    found === null ? [] : [readMember(Number(names[index]), found.data, found.stat.czxid)],
  )
  return members.sort((a, b) => a.brokerId - b.brokerId)
}
