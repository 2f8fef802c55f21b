import type { Buffer } from 'node:buffer'
import * as fs from 'node:fs'
import type { DiskFile } from './disk.js'
import { diskError, diskFault } from './disk-path.js'
import { checkRange, checkTruncate } from './memory-file.js'

/** What a file needs of its disk: descriptors are few, files are many. */
export interface FileOwner {
  /** An open descriptor, opened now if need be. Stays open at least until control returns to the event loop. */
  descriptor(file: NodeFile): number
  /** Holds the descriptor over an asynchronous call. */
  pin(file: NodeFile): number
  unpin(file: NodeFile): void
  closed(file: NodeFile): void
  /** Makes the names of the file and of the folders above it durable. */
  syncNames(absolutePath: string): Promise<void>
}

/** A file of a `NodeDisk`. Knows its size, writes at explicit positions: a failed append is overwritten by the next. */
export class NodeFile implements DiskFile {
  /** The disk changes both when the file is renamed. */
  path: string
  absolutePath: string
  /** Kept by the disk: the descriptor (-1 = none) and the asynchronous calls that use it. */
  descriptor = -1
  pins = 0
  #size: number
  #open = true
  #appending = false
  readonly modifiedMs?: number
  readonly #owner: FileOwner

  /** `found`: what the system says of a file that is there. */
  constructor(
    path: string,
    absolutePath: string,
    found: { size: number; mtimeMs: number } | undefined,
    owner: FileOwner,
  ) {
    this.path = path
    this.absolutePath = absolutePath
    this.#size = found?.size ?? 0
    if (found !== undefined) this.modifiedMs = Math.floor(found.mtimeMs)
    this.#owner = owner
  }

  get size(): number {
    return this.#size
  }

  append(pieces: readonly Buffer[]): void {
    this.#check('append to')
    if (this.#appending) throw new Error(`an appendAsync to ${this.path} is under way; appends go one after the other`)
    try {
      this.#size = writeAll(this.#owner.descriptor(this), pieces, this.#size)
    } catch (error) {
      this.#dropTornAppend()
      throw diskError('append to', this.path, error)
    }
  }

  async appendAsync(pieces: readonly Buffer[]): Promise<void> {
    this.#check('append to')
    if (this.#appending) throw new Error(`an appendAsync to ${this.path} is under way; appends go one after the other`)
    this.#appending = true
    try {
      const descriptor = this.#owner.pin(this)
      try {
        this.#size = await writeAllAsync(descriptor, pieces, this.#size)
      } catch (error) {
        this.#dropTornAppend()
        throw error
      } finally {
        this.#owner.unpin(this)
      }
    } catch (error) {
      throw diskError('append to', this.path, error)
    } finally {
      this.#appending = false
    }
  }

  view(): null {
    return null
  }

  read(target: Buffer, position: number): number {
    this.#check('read')
    try {
      const descriptor = this.#owner.descriptor(this)
      const wanted = Math.min(target.length, this.#size - position)
      let done = 0
      while (done < wanted) {
        const count = fs.readSync(descriptor, target, done, wanted - done, position + done)
        if (count === 0) break
        done += count
      }
      return done
    } catch (error) {
      throw diskError('read', this.path, error)
    }
  }

  async readAsync(target: Buffer, position: number): Promise<number> {
    this.#check('read')
    try {
      const descriptor = this.#owner.pin(this)
      try {
        const wanted = Math.min(target.length, this.#size - position)
        let done = 0
        while (done < wanted) {
          const count = await readOnce(descriptor, target, done, wanted - done, position + done)
          if (count === 0) break
          done += count
        }
        return done
      } finally {
        this.#owner.unpin(this)
      }
    } catch (error) {
      throw diskError('read', this.path, error)
    }
  }

  write(bytes: Buffer, position: number): void {
    this.#check('write to')
    checkRange(this.path, this.#size, position, bytes.length)
    try {
      writeAll(this.#owner.descriptor(this), [bytes], position)
    } catch (error) {
      throw diskError('write to', this.path, error)
    }
  }

  truncate(size: number): void {
    this.#check('truncate')
    checkTruncate(this.path, this.#size, size)
    try {
      fs.ftruncateSync(this.#owner.descriptor(this), size)
      this.#size = size
    } catch (error) {
      throw diskError('truncate', this.path, error)
    }
  }

  /** fdatasync, and fsync of the folders above when names in them are new: a synced file must also be found again. */
  async sync(): Promise<void> {
    this.#check('sync')
    try {
      const descriptor = this.#owner.pin(this)
      try {
        await new Promise<void>((resolve, reject) => {
          fs.fdatasync(descriptor, (error) => (error === null ? resolve() : reject(error)))
        })
      } finally {
        this.#owner.unpin(this)
      }
      await this.#owner.syncNames(this.absolutePath)
    } catch (error) {
      throw diskError('sync', this.path, error)
    }
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#owner.closed(this)
  }

  #check(verb: string): void {
    if (!this.#open) throw diskFault('EBADF', verb, this.path)
  }

  /** After a failed append: takes the half that was written off again. */
  #dropTornAppend(): void {
    try {
      fs.ftruncateSync(this.#owner.descriptor(this), this.#size)
    } catch {
      // The first error is the one to tell. `size` has not moved: the next append overwrites the torn bytes, and after
      // a crash recovery finds by their checksum that they are no batch.
    }
  }
}

/** Writes everything (a system call may take less than it was given); returns the position after it. */
export function writeAll(descriptor: number, pieces: readonly Buffer[], position: number): number {
  let rest = withoutEmpty(pieces)
  while (rest.length > 0) {
    const count =
      rest.length === 1
        ? fs.writeSync(descriptor, rest[0]!, 0, rest[0]!.length, position)
        : fs.writevSync(descriptor, rest, position)
    position += count
    rest = after(rest, count)
  }
  return position
}

async function writeAllAsync(descriptor: number, pieces: readonly Buffer[], position: number): Promise<number> {
  let rest = withoutEmpty(pieces)
  while (rest.length > 0) {
    const current = rest
    const count = await new Promise<number>((resolve, reject) => {
      fs.writev(descriptor, current, position, (error, written) => (error === null ? resolve(written) : reject(error)))
    })
    position += count
    rest = after(rest, count)
  }
  return position
}

function readOnce(
  descriptor: number,
  target: Buffer,
  offset: number,
  length: number,
  position: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(descriptor, target, offset, length, position, (error, count) =>
      error === null ? resolve(count) : reject(error),
    )
  })
}

/** A write of nothing returns 0, which would look like a disk that takes nothing, for ever. */
function withoutEmpty(pieces: readonly Buffer[]): Buffer[] {
  return pieces.filter((piece) => piece.length > 0)
}

/** What is left of the pieces after `count` bytes of them have been written. */
export function after(pieces: Buffer[], count: number): Buffer[] {
  let index = 0
  while (index < pieces.length && count >= pieces[index]!.length) {
    count -= pieces[index]!.length
    index += 1
  }
  if (index === 0 && count === 0) return pieces
  const rest = pieces.slice(index)
  if (count > 0) rest[0] = rest[0]!.subarray(count)
  return rest
}

/** Makes the names in a folder durable. Not every system can (Windows, some network disks): then names are as safe as it makes them. */
export async function syncFolder(absolutePath: string): Promise<void> {
  const descriptor = await new Promise<number>((resolve, reject) => {
    fs.open(absolutePath, 'r', (error, opened) => (error === null ? resolve(opened) : reject(error)))
  }).catch((error: NodeJS.ErrnoException) => {
    // ENOENT: the folder has been removed or renamed meanwhile, its names with it.
    if (error.code === 'EISDIR' || error.code === 'EPERM' || error.code === 'EACCES' || error.code === 'ENOENT')
      return -1
    throw error
  })
  if (descriptor === -1) return
  await new Promise<void>((resolve, reject) => {
    fs.fsync(descriptor, (error) => {
      fs.close(descriptor, () => (error === null || cannotSyncFolder(error) ? resolve() : reject(error)))
    })
  })
}

export function syncFolderNow(absolutePath: string): void {
  if (process.platform === 'win32') return
  const descriptor = fs.openSync(absolutePath, 'r')
  try {
    fs.fsyncSync(descriptor)
  } catch (error) {
    if (!cannotSyncFolder(error as NodeJS.ErrnoException)) throw error
  } finally {
    fs.closeSync(descriptor)
  }
}

function cannotSyncFolder(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EINVAL' || error.code === 'EPERM' || error.code === 'EISDIR' || error.code === 'ENOTSUP'
}
