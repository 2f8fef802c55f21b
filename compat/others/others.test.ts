import { randomBytes } from 'node:crypto'
import type { CommandResult } from '../commands.js'
import { currentTarget } from '../fixture.js'
import { type OtherClient, otherClients } from './clients.js'

/** `COMPAT_LEAVE_OUT=python,go`: words that no client's name may contain. */
const leaveOut = (process.env.COMPAT_LEAVE_OUT ?? '').split(',').filter((word) => word !== '')

function reasonToSkip({ name, unavailable }: OtherClient): string | null {
  const word = leaveOut.find((one) => name.toLowerCase().includes(one))
  return word === undefined ? unavailable() : `${name}: COMPAT_LEAVE_OUT names ${word}`
}

for (const client of otherClients) {
  describe(client.name, () => {
    before(async function () {
      this.timeout(600_000)
      const reason = reasonToSkip(client)
      if (reason !== null) {
        process.stdout.write(`    left out: ${reason}\n`)
        this.skip()
      }
      await client.prepare()
    })

    const consumes = client.withoutGroups ? 'reads and goes on' : 'consumes in a group, commits and resumes'
    it(`creates, produces, ${consumes}`, async function () {
      this.timeout(120_000)
      expectSuccess(await client.story(currentTarget().bootstrapServers, uniqueName()))
    })

    const { exactlyOnce, ownTests } = client
    if (exactlyOnce !== undefined) {
      it('is exact: commits and aborts, consumes, transforms and produces, is fenced', async function () {
        this.timeout(120_000)
        expectSuccess(await exactlyOnce(currentTarget().bootstrapServers, uniqueName()))
      })
    }
    if (ownTests !== undefined) {
      it('passes the integration tests of its makers', async function () {
        this.timeout(450_000)
        const { bootstrapServers, brokers } = currentTarget()
        expectSuccess(await ownTests(bootstrapServers, brokers.length))
      })
    }
  })
}

const uniqueName = () => `story-${randomBytes(6).toString('hex')}`

function expectSuccess({ code, stdout, stderr }: CommandResult): void {
  if (code !== 0) throw new Error(`the story ended with ${code ?? 'a signal'}:\n${stdout}\n${stderr}`)
}
