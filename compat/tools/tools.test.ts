import { commandTests } from './commands.js'
import { dumpLogTests } from './dump-log.js'
import { clearStage, setStage } from './stage.js'
import { toolsUnavailable } from './tool-box.js'

describe("Apache's tools", function () {
  this.timeout(60_000)

  before(async function () {
    this.timeout(600_000)
    const reason = toolsUnavailable()
    if (reason !== null) {
      process.stdout.write(`    left out: Apache's tools: ${reason}\n`)
      this.skip()
    }
    await setStage()
  })

  after(clearStage)

  describe('that talk to a broker', commandTests)
  describe('kafka-dump-log', dumpLogTests)
})
