import { currentTarget } from '../fixture.js'
import { runSample, samples } from './run.js'

const titles = {
  jest: 'Jest, CommonJS, --detectOpenHandles',
  vitest: 'Vitest, TypeScript',
  mocha: 'Mocha, ES modules, without --exit',
  'node-test': 'node:test, without --test-force-exit',
  types: 'types and entry points, import and require',
}

describe('test runners', function () {
  // Most of it is npm.
  this.timeout(330_000)
  for (const name of samples) {
    it(titles[name], async function () {
      if (currentTarget().name !== 'odradek') this.skip()
      const { result, detail } = await runSample(name)
      if (result === 'left out') {
        process.stdout.write(`The sample for ${name} is left out: npm reaches no registry.\n`)
        this.skip()
      }
      if (result === 'failed') throw new Error(detail)
    })
  }
})
