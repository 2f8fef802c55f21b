import { DiskError } from './disk.js'

/**
 * The parts of a path relative to the disk's root. Refuses whatever could leave the root: topic names and config values
 * end up in paths, and a check that one caller forgets must not become a file outside.
 */
export function pathParts(path: string): string[] {
  if (path.includes('\0') || path.startsWith('/') || path.includes('\\')) throw outside(path)
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw outside(path)
  return parts
}

function outside(path: string): DiskError {
  return new DiskError(
    'EACCES',
    path,
    `The path ${JSON.stringify(path)} leaves the disk's folder: use a relative one without '..'.`,
  )
}

const meanings: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free some space or lower retention',
  EDQUOT: 'the disk quota is used up; free some space or raise it',
  EIO: 'the device reports an input/output error; check the disk',
  ENOENT: 'there is no such file or folder',
  EEXIST: 'a file of this name is there',
  EACCES: 'permission is denied; check the owner and mode of the folder',
  EPERM: 'the operation is not permitted; check the owner and mode of the folder',
  EROFS: 'the file system is read-only',
  EMFILE: 'this process has too many open files; raise its limit (ulimit -n)',
  ENFILE: 'the system has too many open files',
  EISDIR: 'it is a folder, a file is wanted',
  ENOTDIR: 'a part of the path is a file, a folder is wanted',
  ENOTEMPTY: 'the folder is not empty',
  EBADF: 'the file has been closed',
}

/** A `DiskError` that says what failed, where, and what it means. `verb` as in "cannot append to". */
export function diskError(verb: string, path: string, cause: unknown): DiskError {
  if (cause instanceof DiskError) return cause
  const code = codeOf(cause)
  const meaning = meanings[code] ?? (cause instanceof Error ? cause.message : String(cause))
  return new DiskError(code, path, `Cannot ${verb} ${path === '' ? 'the root folder' : path}: ${meaning} (${code}).`, {
    cause,
  })
}

/** The same for a failure that is ours and not the operating system's. */
export function diskFault(code: string, verb: string, path: string): DiskError {
  return new DiskError(code, path, `Cannot ${verb} ${path}: ${meanings[code] ?? 'it failed'} (${code}).`)
}

function codeOf(cause: unknown): string {
  if (typeof cause === 'object' && cause !== null && 'code' in cause && typeof cause.code === 'string')
    return cause.code
  return 'UNKNOWN'
}
