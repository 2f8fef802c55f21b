/**
 * What is done to a cluster. A fault ends by itself: afterwards everything runs and reaches everything again. One of each lane may be under way:
 * a broker is killed while another is cut off.
 */
import type { Dice } from '../fuzz/target.js'
import { type ChaosBroker, type ChaosCluster, SESSION_TIMEOUT_MS } from './cluster.js'
import type { LinkState } from './links.js'

export type Lane = 'processes' | 'surroundings'

export interface Fault {
  readonly name: string
  readonly lane: Lane
  /** How often, against the others. */
  readonly weight: number
  run(cluster: ChaosCluster, dice: Dice): Promise<void>
}

/** Some longer than a session lasts, some shorter: the first are noticed as a death, the second as a delay. */
const spell = (dice: Dice): number => dice.between(SESSION_TIMEOUT_MS * 0.4, SESSION_TIMEOUT_MS * 2)

async function downAndUp(
  cluster: ChaosCluster,
  broker: ChaosBroker,
  signal: 'SIGKILL' | 'SIGTERM',
  downMs: number,
): Promise<void> {
  await broker.server.end(signal)
  await pause(downMs)
  await cluster.start(broker)
}

function severed(dice: Dice): LinkState {
  return dice.chance(0.5) ? 'cut' : 'silent'
}

export const faults: readonly Fault[] = [
  {
    name: 'kill -9',
    lane: 'processes',
    weight: 4,
    run: (cluster, dice) =>
      downAndUp(cluster, dice.pick(cluster.brokers), 'SIGKILL', dice.chance(0.4) ? 0 : spell(dice)),
  },
  {
    name: 'two killed',
    lane: 'processes',
    weight: 1,
    async run(cluster, dice) {
      const first = dice.below(cluster.brokers.length)
      const second = (first + dice.between(1, cluster.brokers.length - 1)) % cluster.brokers.length
      await Promise.all(
        [first, second].map((index) => downAndUp(cluster, cluster.brokers[index]!, 'SIGKILL', spell(dice))),
      )
    },
  },
  {
    name: 'all killed',
    lane: 'processes',
    weight: 0.5,
    async run(cluster) {
      await Promise.all(cluster.brokers.map((broker) => downAndUp(cluster, broker, 'SIGKILL', 0)))
    },
  },
  {
    name: 'SIGTERM',
    lane: 'processes',
    weight: 2,
    run: (cluster, dice) =>
      downAndUp(cluster, dice.pick(cluster.brokers), 'SIGTERM', dice.chance(0.5) ? 0 : spell(dice)),
  },
  {
    name: 'rolling restart',
    lane: 'processes',
    weight: 1,
    async run(cluster) {
      for (const broker of cluster.brokers) await downAndUp(cluster, broker, 'SIGTERM', 0)
    },
  },
  {
    name: 'pause',
    lane: 'processes',
    weight: 4,
    async run(cluster, dice) {
      const broker = dice.pick(cluster.brokers)
      cluster.freeze(broker)
      await pause(spell(dice))
      cluster.thaw(broker)
    },
  },
  {
    name: 'ZooKeeper leader killed',
    lane: 'surroundings',
    weight: 1.5,
    async run({ ensemble }, dice) {
      const id = await ensemble.leader()
      await ensemble.kill(id)
      await pause(dice.below(SESSION_TIMEOUT_MS))
      await ensemble.startServer(id)
    },
  },
  {
    name: 'ZooKeeper member frozen',
    lane: 'surroundings',
    weight: 1,
    async run({ ensemble }, dice) {
      const id = dice.chance(0.5) ? await ensemble.leader() : dice.pick(ensemble.ids)
      ensemble.freeze(id)
      await pause(spell(dice))
      ensemble.thaw(id)
    },
  },
  {
    name: 'cut off from the brokers',
    lane: 'surroundings',
    weight: 2,
    async run(cluster, dice) {
      const broker = dice.pick(cluster.brokers)
      const state = severed(dice)
      for (const other of cluster.brokers) {
        cluster.setLink(broker, other, state)
        cluster.setLink(other, broker, state)
      }
      await pause(spell(dice))
      for (const other of cluster.brokers) {
        cluster.setLink(broker, other, 'open')
        cluster.setLink(other, broker, 'open')
      }
    },
  },
  {
    name: 'one direction cut',
    lane: 'surroundings',
    weight: 1.5,
    async run(cluster, dice) {
      const from = dice.below(cluster.brokers.length)
      const to = (from + dice.between(1, cluster.brokers.length - 1)) % cluster.brokers.length
      cluster.setLink(cluster.brokers[from]!, cluster.brokers[to]!, severed(dice))
      await pause(spell(dice))
      cluster.setLink(cluster.brokers[from]!, cluster.brokers[to]!, 'open')
    },
  },
  {
    name: 'cut off from ZooKeeper',
    lane: 'surroundings',
    weight: 2,
    async run(cluster, dice) {
      const broker = dice.pick(cluster.brokers)
      cluster.setZooKeeper(broker, severed(dice))
      await pause(spell(dice))
      cluster.setZooKeeper(broker, 'open')
    },
  },
]

export function drawFault(dice: Dice, lane: Lane): Fault {
  const drawn = faults.filter((fault) => fault.lane === lane)
  const whole = drawn.reduce((sum, { weight }) => sum + weight, 0)
  let left = (dice.below(1 << 20) / (1 << 20)) * whole
  for (const fault of drawn) {
    left -= fault.weight
    if (left < 0) return fault
  }
  return drawn[0]!
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
