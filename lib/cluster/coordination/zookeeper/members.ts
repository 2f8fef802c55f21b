/** The brokers under /brokers/ids: each node lives as long as its broker's session. */
import { DuplicateMemberError, type LiveMember, type MemberInfo } from '../coordination.js'
import type { ZooKeeperClient, ZooKeeperClientPorts } from './client.js'
import type { Acl } from './operations.js'
import { ignoring } from './shared-log.js'
import { BROKER_IDS, brokerPath, memberBytes, readMember } from './znodes.js'

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
  const deadlineMs = clock.monotonic() + 2 * sessionTimeoutMs
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
    const leftMs = deadlineMs - clock.monotonic()
    if (leftMs <= 0) throw new DuplicateMemberError(member.brokerId)
    if (attempt === 0) {
      logger.info(`Broker id ${member.brokerId} is still registered in ZooKeeper; waiting for its session to end.`)
    }
    const timer = clock.setTimer(leftMs, () => gone())
    await going
    timer.cancel()
  }
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
