import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'

const PROGRAM = fileURLToPath(new URL('support/use-and-close.js', import.meta.url))
/** Far below every timeout that a leftover timer or connection would last for. */
const ENDS_WITHIN_MS = 25_000

describe('a process whose broker or cluster was used and closed', function () {
  this.timeout(40_000)
  for (const what of ['broker', 'cluster']) {
    for (const where of ['in memory', 'on disk']) {
      it(`ends by itself: ${what}, ${where}`, async () => {
        const folder = mkdtempSync(join(tmpdir(), 'odradek-ends-'))
        try {
          const args = where === 'on disk' ? [PROGRAM, what, folder] : [PROGRAM, what]
          // Killed when it is late, which rejects.
          const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: ENDS_WITHIN_MS })
          expect(stdout).to.equal('closed\n')
        } finally {
          rmSync(folder, { recursive: true, force: true })
        }
      })
    }
  }
})
