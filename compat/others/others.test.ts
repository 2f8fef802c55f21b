import { randomBytes } from 'node:crypto'
import { currentTarget } from '../fixture.js'
import { otherClients } from './clients.js'

for (const client of otherClients) {
  describe(client.name, () => {
    before(async function () {
      this.timeout(600_000)
      const reason = client.unavailable()
      if (reason !== null) {
        process.stdout.write(`    left out: ${reason}\n`)
        this.skip()
      }
      await client.prepare()
    })

    it('creates, produces, consumes in a group, commits and resumes', async function () {
      this.timeout(120_000)
      const name = `story-${randomBytes(6).toString('hex')}`
      const result = await client.story(currentTarget().bootstrapServers, name)
      if (result.code === 0) return
      throw new Error(`the story ended with ${result.code ?? 'a signal'}:\n${result.stdout}\n${result.stderr}`)
    })
  })
}
