/**
 * Keeps what the engine made of the program's files for its next start: compiling them is half of what a start costs.
 *
 * Node does this by itself since 22.1 (`module.enableCompileCache`). For the versions before, here is the same by hand, through
 * `Module.prototype._compile`: undocumented, but those versions are a closed list.
 */
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'

/** A smaller file compiles faster than its code is found and checked. */
const LARGE_CHARACTERS = 100_000
/** Each version of Node and of the program makes one. */
const KEPT_FILES_MAX = 8
const DIGEST = 'sha256'
const DIGEST_BYTES = 32

/** What a CommonJS module is while it is compiled. */
interface Loading {
  exports: unknown
}

type Compile = (this: Loading, source: string, path: string) => unknown

/**
 * Keeps the code of the files that are loaded from here on. Node's own variables hold on every version: `NODE_COMPILE_CACHE` (a folder)
 * and `NODE_DISABLE_COMPILE_CACHE`.
 */
export function keepCompiled(): void {
  const { enableCompileCache } = nodeModule as { enableCompileCache?: () => unknown }
  if (enableCompileCache !== undefined) enableCompileCache()
  else if (process.env['NODE_DISABLE_COMPILE_CACHE'] === undefined) keepByHand()
}

function keepByHand(): void {
  const { wrap, prototype } = nodeModule.Module as unknown as {
    wrap: (source: string) => string
    prototype: { _compile: Compile }
  }
  const programFolder = dirname(fileURLToPath(import.meta.url))
  const compile = prototype._compile
  prototype._compile = function (source, path) {
    const isLarge = source.length >= LARGE_CHARACTERS && dirname(path) === programFolder
    const folder = isLarge ? ownFolder(process.env['NODE_COMPILE_CACHE'] ?? tmpdir()) : null
    if (folder === null) return compile.call(this, source, path)
    const run = compiled(wrap(source), path, folder).runInThisContext() as (...of: unknown[]) => unknown
    return run.call(this.exports, this.exports, nodeModule.createRequire(path), this, path, dirname(path))
  }
}

/** The folder in `parent` for what is kept, null when there can be none. Who can write there has his code run by us: that must be us alone. */
export function ownFolder(parent: string): string | null {
  const user = process.getuid?.()
  const folder = join(parent, `odradek-compiled-${user ?? 'code'}`)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const stat = lstatSync(folder)
    const isOurs = user === undefined || (stat.uid === user && (stat.mode & 0o022) === 0)
    return isOurs && stat.isDirectory() ? folder : null
  } catch {
    // A file system that is full or not to be written to: the program compiles its files as ever.
    return null
  }
}

/** Compiles by what is kept for exactly this source, or else keeps it when the process ends: what ran by then is compiled in full. */
export function compiled(source: string, path: string, folder: string): Script {
  // The engine compares no more of the source than its length.
  const file = join(folder, createHash(DIGEST).update(process.version).update(source).digest('hex'))
  const cachedData = kept(file)
  const script = new Script(source, cachedData === null ? { filename: path } : { filename: path, cachedData })
  if (cachedData === null || script.cachedDataRejected === true) {
    process.once('exit', () => keep(file, script.createCachedData()))
  }
  return script
}

/** Null when there is nothing, or not what was written: the engine would run damaged code. */
function kept(file: string): Buffer | null {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch {
    // Not there yet, in most cases.
    return null
  }
  const code = bytes.subarray(DIGEST_BYTES)
  return digestOf(code).equals(bytes.subarray(0, DIGEST_BYTES)) ? code : null
}

function keep(file: string, code: Buffer): void {
  const temporary = `${file}.${process.pid}`
  try {
    writeFileSync(temporary, Buffer.concat([digestOf(code), code]), { mode: 0o600 })
    renameSync(temporary, file)
    removeOldest(dirname(file))
  } catch {
    // The next start compiles again. Whatever has stood in the way: what was asked of the program is done.
    rmSync(temporary, { force: true })
  }
}

function removeOldest(folder: string): void {
  const files = readdirSync(folder).map((name) => join(folder, name))
  const byAge = files.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
  for (const file of byAge.slice(KEPT_FILES_MAX)) rmSync(file, { force: true })
}

const digestOf = (bytes: Buffer): Buffer => createHash(DIGEST).update(bytes).digest()
