/** Apache's kafka-dump-log over the files that a stopped broker left. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { complaintsOf, ToolBox } from '../../compat/tools/tool-box.js'
import { Verdict } from './checker.js'

/** Printing every batch takes its time: of a partition only so many segments, the newest, are read whole. */
const SEGMENTS_READ = 3
const FILES_PER_CALL = 200

export async function checkFiles(dataFolder: string): Promise<Verdict> {
  const verdict = new Verdict()
  const box = await ToolBox.open()
  try {
    const folders = readdirSync(dataFolder).filter((name) => /-\d+$/.test(name))
    const indexes = folders.flatMap((folder) => files(dataFolder, folder, /\.(index|timeindex)$/))
    await dump(box, indexes, ['--index-sanity-check'], verdict)
    const small = folders.flatMap((folder) => files(dataFolder, folder, /\.(txnindex|snapshot)$/))
    await dump(box, small, [], verdict)
    for (const folder of folders) {
      const logs = files(dataFolder, folder, /\.log$/).slice(-SEGMENTS_READ)
      // An index is compared with its log.
      const both = logs.flatMap((path) => [
        path,
        path.replace(/\.log$/, '.index'),
        path.replace(/\.log$/, '.timeindex'),
      ])
      await dump(box, both.filter(hasContent), decoderOf(folder), verdict)
    }
  } finally {
    box.close()
  }
  return verdict
}

function files(dataFolder: string, folder: string, pattern: RegExp): string[] {
  const names = readdirSync(join(dataFolder, folder)).filter((name) => pattern.test(name))
  return names
    .sort()
    .map((name) => join(dataFolder, folder, name))
    .filter(hasContent)
}

function hasContent(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0
}

function decoderOf(folder: string): string[] {
  if (folder.startsWith('__consumer_offsets-')) return ['--offsets-decoder']
  if (folder.startsWith('__transaction_state-')) return ['--transaction-log-decoder']
  if (folder.startsWith('__cluster_metadata-')) return ['--cluster-metadata-decoder']
  return []
}

async function dump(box: ToolBox, paths: readonly string[], flags: readonly string[], verdict: Verdict): Promise<void> {
  for (let at = 0; at < paths.length; at += FILES_PER_CALL) {
    const some = paths.slice(at, at + FILES_PER_CALL)
    const { code, output } = await box.run('kafka-dump-log', '--files', some.join(','), ...flags)
    const complaints = complaintsOf(output)
    if (code !== 0) complaints.push(`kafka-dump-log ended with ${code}: ${output.slice(-500)}`)
    for (const _ of some.slice(complaints.length)) verdict.holds('files', true, String)
    for (const complaint of complaints) verdict.holds('files', false, () => `kafka-dump-log: ${complaint}`)
  }
}
