/** What the suites of the tools share: one broker with files, one load, one JVM. Registered once for the whole folder. */
import { startDurableTarget, type Target } from '../target.js'
import { createTopics, write } from './load.js'
import { ToolBox, toolsUnavailable } from './tool-box.js'

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

before(async function () {
  this.timeout(600_000)
  const reason = toolsUnavailable()
  if (reason !== null) {
    process.stdout.write(`    left out: Apache's tools: ${reason}\n`)
    this.skip()
  }
  const target = await startDurableTarget({
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.num.partitions': '4',
    // Only a broker that does not verify lets a transaction hang (KIP-890).
    'transaction.partition.verification.enable': 'false',
  })
  const box = await ToolBox.open()
  stage = { box, target, bootstrapServers: target.bootstrapServers, dataFolder: target.dataFolder ?? '' }
  await createTopics(target.bootstrapServers)
  await write(target.bootstrapServers)
})

after(async function () {
  this.timeout(60_000)
  stage?.box.close()
  await stage?.target.stop()
  stage = undefined
})
