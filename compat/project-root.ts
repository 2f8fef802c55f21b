import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The folder that holds package.json. Compiled files live two or more levels below it (`build/compat/...`), sources one
 * or more (`compat/...`), so the way up is searched, not counted.
 */
export const projectRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)))

/** Downloaded things (jars, Python environments, Go binaries) live here and nowhere else; the folder is git-ignored. */
export function cacheFolder(name: string): string {
  const folder = join(projectRoot, '.cache', name)
  mkdirSync(folder, { recursive: true })
  return folder
}

function findRoot(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'compat'))) return folder
    if (folder === dirname(folder)) throw new Error(`no package.json above ${start}`)
  }
}
