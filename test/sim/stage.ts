/** What every story needs: topics to begin with, and an end to patience. */
import { CreateTopics, ErrorCode, errorName, FindCoordinator } from '../../protocol/index.js'
import type { Checker } from './checker.js'
import type { Ground } from './ground.js'
import { type Profile, topicsFor } from './profile.js'
import { type Chance, Violation, type World } from './world.js'

const PATIENCE_MS = 60_000

export async function createTopics(ground: Ground, checker: Checker, profile: Profile, chance: Chance): Promise<void> {
  const rpc = ground.rpc('setup', true)
  const plans = topicsFor(profile, chance)
  const topics = plans.map(({ name, partitions, replicationFactor, configs }) => ({
    name,
    numPartitions: partitions,
    replicationFactor,
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  }))
  const answer = await ground.insist(() => rpc.call(CreateTopics, 7, { topics, timeoutMs: 5000 }))
  for (const { name, errorCode, topicId } of answer.topics) {
    // The first answer may have been lost on its way from the controller, whose client asks again.
    const isThere = errorCode === ErrorCode.NONE || (ground.isCluster && errorCode === ErrorCode.TOPIC_ALREADY_EXISTS)
    if (!isThere) throw new Violation(`Topic ${name} could not be created: ${errorName(errorCode)}.`)
    ground.topicIds.set(name, topicId)
  }
  for (const plan of plans) ground.addTopic(plan)
  for (const keyType of profile.transactions ? [0, 1] : [0]) {
    await checker.patiently(async () => {
      const { errorCode } = await rpc.call(FindCoordinator, 2, { key: 'own', keyType })
      return errorCode === 0 ? true : null
    })
  }
  rpc.hangUp('done')
}

/** Fails the run with `sentence` when `work` takes more than a minute. */
export async function within(world: World, work: Promise<unknown>, sentence: string): Promise<void> {
  let done = false
  void work.then(
    () => (done = true),
    (error: unknown) => world.fail(error),
  )
  const deadline = world.nowMs + PATIENCE_MS
  while (!done) {
    if (world.nowMs > deadline) throw new Violation(`${sentence} within ${PATIENCE_MS / 1000} s.`)
    await world.sleep(5)
  }
}
