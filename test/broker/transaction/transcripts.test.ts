import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import { Conversation } from './conversation.js'

/** The texts lie beside the source, not in the build. */
const FOLDER = path.join(process.cwd(), 'test/broker/transaction/transcripts')
const UPDATE = process.env.UPDATE_TRANSCRIPTS !== undefined && process.env.UPDATE_TRANSCRIPTS !== ''

/** Replays the file: prose and commands are kept, what stands between `----` and the next blank line is made anew. */
async function replay(text: string): Promise<string> {
  const conversation = new Conversation()
  const output: string[] = []
  let skipping = false
  for (const line of text.replace(/\n*$/, '\n').split('\n')) {
    if (line === '----') {
      skipping = true
    } else if (line === '') {
      skipping = false
      if (output.at(-1) !== '') output.push('')
    } else if (!skipping) {
      output.push(line)
      if (line.startsWith('#')) continue
      output.push('----', ...(await conversation.run(line)))
    }
  }
  conversation.rig.coordinator.close()
  return output.join('\n')
}

/**
 * Conversations with a transaction coordinator, read as prose. `UPDATE_TRANSCRIPTS=1` writes what happens now into the files: look at the diff.
 */
describe('transaction transcripts', () => {
  for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.txt'))) {
    it(name.replace('.txt', '').replaceAll('-', ' '), async () => {
      const file = path.join(FOLDER, name)
      const text = readFileSync(file, 'utf8')
      const replayed = await replay(text)
      if (UPDATE) writeFileSync(file, replayed)
      else expect(text).to.equal(replayed)
    })
  }
})
