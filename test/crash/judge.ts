/** Reads what the servers hold at the end of a run and has it compared with what the clients were told. */
import type { RawClient } from '../support/raw-client.js'
import { Checker, Verdict } from './checker.js'
import { committedOffset, ends, type FinalPartition, patiently, readPartition } from './final-state.js'
import type { History } from './history.js'
import { COUNTS, copyPlans, promises, TRANSACTIONS, topicPlans } from './topics.js'
import { checkWordCount } from './word-count.js'

/** Who is asked. Asked anew for every partition and group: leaders move. */
export interface Servers {
  leaderOf(topic: string, partition: number): Promise<RawClient>
  coordinatorOf(group: string): Promise<RawClient>
}

const SETTLE_LIMIT_MS = 60_000
const PAUSE_MS = 200

export async function judge(history: History, programs: readonly string[], servers: Servers): Promise<Verdict> {
  const partitions: FinalPartition[] = []
  for (const { name, partitions: count } of topicPlans(programs)) {
    for (let partition = 0; partition < count; partition++) {
      await settled(servers, name, partition)
      const read = async () => readPartition(await servers.leaderOf(name, partition), name, partition)
      partitions.push(await patiently(read))
    }
  }
  const verdict = new Verdict()
  const committed = new Map<string, number>()
  const groups = new Set([...history.groups.values()].map(({ group, topic }) => `${group} ${topic}`))
  for (const [group, topic] of [...groups].map((both) => both.split(' '))) {
    for (let partition = 0; partition < 3; partition++) {
      const asked = async () => committedOffset(await servers.coordinatorOf(group!), group!, topic!, partition)
      try {
        committed.set(`${group} ${topic} ${partition}`, await patiently(asked))
      } catch (error) {
        verdict.holds('group offsets', false, () => (error instanceof Error ? error.message : String(error)))
      }
    }
  }
  verdict.add(new Checker(history, { partitions, committed }, promises(programs)).run(copyPlans(programs)))
  if (programs.includes('streams')) verdict.add(checkWordCount(partitions, TRANSACTIONS, COUNTS))
  return verdict
}

/** Transactions that a killed client left open end by their timeout. One that never does is what the checker then finds. */
async function settled(servers: Servers, topic: string, partition: number): Promise<void> {
  const limit = performance.now() + SETTLE_LIMIT_MS
  while (performance.now() < limit) {
    const asked = async () => ends(await servers.leaderOf(topic, partition), topic, partition)
    const [highWatermark, lastStableOffset] = await patiently(asked)
    if (highWatermark === lastStableOffset) return
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}
