/** Conversations as text: prose and commands are kept, what stands between `----` and the next blank line is what happened. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'

/** What a conversation is held with. */
export interface Conversing {
  /** Runs one command; returns the lines that tell what it led to. */
  run(line: string): Promise<readonly string[]>
  close(): void
}

const UPDATE = process.env.UPDATE_TRANSCRIPTS !== undefined && process.env.UPDATE_TRANSCRIPTS !== ''

/** Replays the text; what happens now stands in the place of what happened. */
async function replay(conversation: Conversing, text: string): Promise<string> {
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
  conversation.close()
  return output.join('\n')
}

/**
 * One test per file of `folder`, a path beside the sources. `UPDATE_TRANSCRIPTS=1` writes what happens now into the files: look at the diff.
 */
export function transcriptTests(title: string, folder: string, begin: () => Conversing): void {
  // The texts lie beside the source, not in the build.
  const files = path.join(process.cwd(), folder)
  describe(title, () => {
    for (const name of readdirSync(files).filter((file) => file.endsWith('.txt'))) {
      it(name.replace('.txt', '').replaceAll('-', ' '), async () => {
        const file = path.join(files, name)
        const text = readFileSync(file, 'utf8')
        const replayed = await replay(begin(), text)
        if (UPDATE) writeFileSync(file, replayed)
        else expect(text).to.equal(replayed)
      })
    }
  })
}
