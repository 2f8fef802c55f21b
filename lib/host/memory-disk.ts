import { Buffer } from 'node:buffer'
import { freemem, totalmem } from 'node:os'
import type { Disk, DiskFile } from './disk.js'
import { diskFault, pathParts } from './disk-path.js'
import { checkRange, checkTruncate, MemoryContent, type PieceKeeper } from './memory-file.js'

export interface MemoryDiskOptions {
  /** Appends beyond this fail with ENOSPC. Without it the memory of the machine is the limit. */
  capacityBytes?: number
}

export interface MemoryDiskPorts {
  /** Keeps account of the memory and moves bytes out of it. Without it everything stays in memory. */
  keeper?: PieceKeeper
}

type Folder = Map<string, Folder | MemoryContent>

/**
 * A disk whose bytes live in this process and are gone with it. Appended memory is kept by reference, `view` gives it
 * back without a copy. Everything is durable at once (there is nothing to lose but the process), so `sync` resolves.
 * With a keeper (spill.ts) the oldest bytes may move to files: `view` answers null for them, reads find them.
 */
export class MemoryDisk implements Disk {
  readonly #root: Folder = new Map()
  readonly #capacityBytes: number
  readonly #keeper: PieceKeeper | null
  #usedBytes = 0

  constructor(options: MemoryDiskOptions = {}, ports: MemoryDiskPorts = {}) {
    this.#capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY
    this.#keeper = ports.keeper ?? null
  }

  open(path: string, options: { create?: boolean } = {}): DiskFile {
    const { folder, name } = this.#locate('open', path, options.create === true)
    let entry = folder?.get(name)
    if (entry instanceof Map || name === '') throw diskFault('EISDIR', 'open', path)
    if (entry === undefined) {
      if (folder === undefined || options.create !== true) throw diskFault('ENOENT', 'open', path)
      entry = new MemoryContent(this.#keeper)
      folder.set(name, entry)
    }
    return new MemoryFile(path, entry, this)
  }

  exists(path: string): boolean {
    return this.#find(path) !== undefined
  }

  list(folder: string): string[] {
    const entry = this.#find(folder)
    if (entry === undefined) return []
    if (!(entry instanceof Map)) throw diskFault('ENOTDIR', 'list', folder)
    return [...entry.keys()].sort()
  }

  makeFolder(path: string): void {
    this.#makeFolders('make the folder', path, pathParts(path))
  }

  remove(path: string): void {
    const { folder, name } = this.#locate('remove', path, false)
    const entry = folder?.get(name)
    if (folder === undefined || entry === undefined) return
    folder.delete(name)
    this.#release(entry)
  }

  rename(from: string, to: string): void {
    const source = this.#locate('rename', from, false)
    const entry = source.folder?.get(source.name)
    if (source.folder === undefined || entry === undefined) throw diskFault('ENOENT', `rename to ${to}`, from)
    const target = this.#locate('rename', to, false)
    if (target.folder === undefined || target.name === '') throw diskFault('ENOENT', `rename ${from} to`, to)
    const replaced = target.folder.get(target.name)
    if (replaced === entry) return
    if (entry instanceof Map && `${pathParts(to).join('/')}/`.startsWith(`${pathParts(from).join('/')}/`)) {
      throw diskFault('EINVAL', `move into itself (${to}) the folder`, from)
    }
    if (replaced instanceof Map) {
      if (!(entry instanceof Map)) throw diskFault('EISDIR', `rename ${from} to`, to)
      if (replaced.size > 0) throw diskFault('ENOTEMPTY', `rename ${from} to`, to)
    } else if (replaced !== undefined) {
      if (entry instanceof Map) throw diskFault('ENOTDIR', `rename ${from} to`, to)
      this.#release(replaced)
    }
    source.folder.delete(source.name)
    target.folder.set(target.name, entry)
  }

  readFile(path: string): Buffer | null {
    const entry = this.#find(path)
    if (entry === undefined) return null
    if (entry instanceof Map) throw diskFault('EISDIR', 'read', path)
    const bytes = Buffer.allocUnsafe(entry.size)
    entry.read(bytes, 0)
    return bytes
  }

  writeFile(path: string, bytes: Buffer): void {
    const { folder, name } = this.#locate('write', path, true)
    const replaced = folder?.get(name)
    if (folder === undefined || replaced instanceof Map || name === '') throw diskFault('EISDIR', 'write', path)
    this.reserve(path, bytes.length)
    if (replaced !== undefined) this.#release(replaced)
    const content = new MemoryContent(this.#keeper)
    // A copy: unlike `append`, this call does not take the memory over.
    content.append(Buffer.from(bytes))
    folder.set(name, content)
  }

  space(): { totalBytes: number; usableBytes: number } {
    if (this.#capacityBytes === Number.POSITIVE_INFINITY) return { totalBytes: totalmem(), usableBytes: freemem() }
    return { totalBytes: this.#capacityBytes, usableBytes: Math.max(0, this.#capacityBytes - this.#usedBytes) }
  }

  /** Takes room for an append, or fails with ENOSPC. For the files of this disk. */
  reserve(path: string, bytes: number): void {
    if (this.#usedBytes + bytes > this.#capacityBytes) throw diskFault('ENOSPC', 'append to', path)
    this.#usedBytes += bytes
  }

  /** Gives room back. For the files of this disk. */
  free(bytes: number): void {
    this.#usedBytes -= bytes
  }

  #release(entry: Folder | MemoryContent): void {
    if (entry instanceof Map) {
      for (const child of entry.values()) this.#release(child)
      return
    }
    this.#usedBytes -= entry.size
    entry.unlink()
  }

  #find(path: string): Folder | MemoryContent | undefined {
    let entry: Folder | MemoryContent | undefined = this.#root
    for (const part of pathParts(path)) {
      if (!(entry instanceof Map)) return undefined
      entry = entry.get(part)
    }
    return entry
  }

  /** The folder of a path and the last name in it; no folder when it does not exist. */
  #locate(verb: string, path: string, create: boolean): { folder: Folder | undefined; name: string } {
    const parts = pathParts(path)
    const name = parts.pop() ?? ''
    if (create) return { folder: this.#makeFolders(verb, path, parts), name }
    const folder = this.#find(parts.join('/'))
    return { folder: folder instanceof Map ? folder : undefined, name }
  }

  #makeFolders(verb: string, path: string, parts: readonly string[]): Folder {
    let folder = this.#root
    for (const part of parts) {
      let child = folder.get(part)
      if (child === undefined) {
        child = new Map()
        folder.set(part, child)
      } else if (!(child instanceof Map)) {
        throw diskFault('ENOTDIR', verb, path)
      }
      folder = child
    }
    return folder
  }
}

class MemoryFile implements DiskFile {
  #content: MemoryContent | null
  readonly #disk: MemoryDisk

  constructor(
    readonly path: string,
    content: MemoryContent,
    disk: MemoryDisk,
  ) {
    this.#content = content
    this.#disk = disk
    content.opened()
  }

  get size(): number {
    return this.#opened('look at').size
  }

  append(pieces: readonly Buffer[]): void {
    const content = this.#opened('append to')
    let total = 0
    for (const piece of pieces) total += piece.length
    if (!content.unlinked) this.#disk.reserve(this.path, total)
    for (const piece of pieces) content.append(piece)
  }

  async appendAsync(pieces: readonly Buffer[]): Promise<void> {
    this.append(pieces)
  }

  view(position: number, length: number): Buffer[] | null {
    return this.#opened('read').view(position, length)
  }

  read(target: Buffer, position: number): number {
    return this.#opened('read').read(target, position)
  }

  async readAsync(target: Buffer, position: number): Promise<number> {
    return this.#opened('read').readAsync(target, position)
  }

  write(bytes: Buffer, position: number): void {
    const content = this.#opened('write to')
    checkRange(this.path, content.size, position, bytes.length)
    content.write(bytes, position)
  }

  truncate(size: number): void {
    const content = this.#opened('truncate')
    checkTruncate(this.path, content.size, size)
    if (!content.unlinked) this.#disk.free(content.size - size)
    content.truncate(size)
  }

  async sync(): Promise<void> {
    this.#opened('sync')
  }

  close(): void {
    this.#content?.closed()
    this.#content = null
  }

  #opened(verb: string): MemoryContent {
    if (this.#content === null) throw diskFault('EBADF', verb, this.path)
    return this.#content
  }
}
