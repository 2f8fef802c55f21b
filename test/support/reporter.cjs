'use strict'
/** The spec reporter, with the one line that machines read at the very end: "N passed, N failed". */
const { writeFileSync, mkdirSync } = require('node:fs')
const { dirname } = require('node:path')
const { reporters } = require('mocha')

const Base = process.env.ODRADEK_REPORT === 'dot' ? reporters.Dot : reporters.Spec

module.exports = class Summary extends Base {
  constructor(runner, options) {
    super(runner, options)
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats
      const target = process.env.ODRADEK_COUNTS
      if (target) {
        mkdirSync(dirname(target), { recursive: true })
        writeFileSync(target, `${passes} ${failures} ${pending}\n`)
      }
      const skipped = pending > 0 ? `, ${pending} skipped` : ''
      process.stdout.write(`\n${passes} passed, ${failures} failed${skipped}\n`)
    })
  }
}
