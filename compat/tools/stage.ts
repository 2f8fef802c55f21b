/** What the suites of the tools share: one broker with files, one load, one JVM. */
import { startDurableTarget, type Target } from '../target.js'
import { createTopics, write } from './load.js'
import { ToolBox } from './tool-box.js'

export interface Stage {
  readonly box: ToolBox
  readonly target: Target
  readonly bootstrapServers: string
  /** Empty when the broker's files are not within reach. */
  readonly dataFolder: string
}

let stage: Stage | undefined

/** The stage, once `before` has set it up. */
export function tools(): Stage {
  if (stage === undefined) throw new Error('the stage is not set')
  return stage
}

/** Starts everything and writes the load. */
export async function setStage(): Promise<void> {
  const target = await startDurableTarget({
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.num.partitions': '4',
    // Only a broker that does not verify lets a transaction hang (KIP-890).
    'transaction.partition.verification.enable': 'false',
  })
  try {
    const box = await ToolBox.open()
    stage = { box, target, bootstrapServers: target.bootstrapServers, dataFolder: target.dataFolder ?? '' }
    await createTopics(target.bootstrapServers)
    await write(target.bootstrapServers)
  } catch (error) {
    if (stage === undefined) await target.stop()
    throw error
  }
}

export async function clearStage(): Promise<void> {
  const { box, target } = stage ?? {}
  stage = undefined
  box?.close()
  await target?.stop()
}
