import type { Buffer } from 'node:buffer'
import * as fs from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Disk, DiskFile } from './disk.js'
import { diskError, diskFault, pathParts } from './disk-path.js'
import { type FileOwner, NodeFile, syncFolder, syncFolderNow, writeAll } from './node-file.js'

export interface NodeDiskOptions {
  /** Folder that holds everything; made when it is not there. */
  root: string
  /**
   * Descriptors open at a time. A log has 3 files per segment and thousands of segments; files beyond this stay usable, their
   * descriptors are opened again when needed. Default: a quarter of what the process may open, as sockets need the rest.
   */
  openFilesMax?: number
}

/** A disk of the operating system. */
export class NodeDisk implements Disk, FileOwner {
  readonly root: string
  readonly #openFilesMax: number
  /** Files with a descriptor, the least recently used first. */
  readonly #recent = new Set<NodeFile>()
  /** Every file that is open in the sense of the port, so that a rename can tell them. */
  readonly #files = new Set<NodeFile>()
  /** Folders with names that have not been synced, and those being synced now. */
  readonly #changedFolders = new Set<string>()
  readonly #folderSyncs = new Map<string, Promise<void>>()

  constructor(options: NodeDiskOptions) {
    this.root = resolve(options.root)
    this.#openFilesMax = Math.max(1, options.openFilesMax ?? defaultOpenFiles())
    try {
      makeFolders(this.root)
    } catch (error) {
      throw diskError('make the folder', this.root, error)
    }
  }

  /** Descriptors that are open now. */
  get openDescriptors(): number {
    return this.#recent.size
  }

  open(path: string, options: { create?: boolean } = {}): DiskFile {
    const absolutePath = this.#absolute(path)
    try {
      const stat = fs.statSync(absolutePath, { throwIfNoEntry: false })
      if (stat?.isDirectory()) throw diskFault('EISDIR', 'open', path)
      const file = new NodeFile(path, absolutePath, stat, this)
      if (stat === undefined) {
        if (options.create !== true) throw diskFault('ENOENT', 'open', path)
        this.#opened(file, this.#create(absolutePath))
        this.#changedFolders.add(dirname(absolutePath))
      }
      this.#files.add(file)
      return file
    } catch (error) {
      throw diskError('open', path, error)
    }
  }

  exists(path: string): boolean {
    return fs.existsSync(this.#absolute(path))
  }

  list(folder: string): string[] {
    try {
      return fs.readdirSync(this.#absolute(folder)).sort()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw diskError('list', folder, error)
    }
  }

  makeFolder(path: string): void {
    try {
      this.#makeFolder(this.#absolute(path))
    } catch (error) {
      throw diskError('make the folder', path, error)
    }
  }

  remove(path: string): void {
    const absolutePath = this.#absolute(path)
    try {
      fs.rmSync(absolutePath, { recursive: true, force: true })
      this.#changedFolders.add(dirname(absolutePath))
    } catch (error) {
      throw diskError('remove', path, error)
    }
  }

  rename(from: string, to: string): void {
    const source = this.#absolute(from)
    const target = this.#absolute(to)
    try {
      fs.renameSync(source, target)
    } catch (error) {
      throw diskError(`rename to ${to} the file`, from, error)
    }
    this.#changedFolders.add(dirname(source)).add(dirname(target))
    for (const file of this.#files) {
      if (file.absolutePath === source) {
        file.absolutePath = target
        file.path = to
      } else if (file.absolutePath.startsWith(`${source}/`)) {
        file.absolutePath = target + file.absolutePath.slice(source.length)
        file.path = to + file.path.slice(from.length)
      }
    }
  }

  readFile(path: string): Buffer | null {
    try {
      return fs.readFileSync(this.#absolute(path))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw diskError('read', path, error)
    }
  }

  writeFile(path: string, bytes: Buffer): void {
    const absolutePath = this.#absolute(path)
    const temporary = `${absolutePath}.tmp`
    try {
      this.#makeFolder(dirname(absolutePath))
      const descriptor = fs.openSync(temporary, 'w', 0o644)
      try {
        writeAll(descriptor, [bytes], 0)
        fs.fsyncSync(descriptor)
      } finally {
        fs.closeSync(descriptor)
      }
      fs.renameSync(temporary, absolutePath)
      syncFolderNow(dirname(absolutePath))
    } catch (error) {
      removeQuietly(temporary)
      throw diskError('write', path, error)
    }
  }

  space(): { totalBytes: number; usableBytes: number } {
    try {
      const stat = fs.statfsSync(this.root)
      return { totalBytes: stat.blocks * stat.bsize, usableBytes: stat.bavail * stat.bsize }
    } catch {
      // Some systems cannot say; -1 is Kafka's word for it.
      return { totalBytes: -1, usableBytes: -1 }
    }
  }

  /** For the files of this disk. */
  descriptor(file: NodeFile): number {
    if (file.descriptor !== -1) {
      // Moves it to the young end.
      this.#recent.delete(file)
      this.#recent.add(file)
      return file.descriptor
    }
    return this.#opened(file, fs.openSync(file.absolutePath, fs.constants.O_RDWR))
  }

  /** For the files of this disk. */
  pin(file: NodeFile): number {
    const descriptor = this.descriptor(file)
    file.pins += 1
    return descriptor
  }

  /** For the files of this disk. */
  unpin(file: NodeFile): void {
    file.pins -= 1
    if (file.pins > 0) return
    if (!this.#files.has(file)) this.#closeDescriptor(file)
    if (this.#recent.size > this.#openFilesMax) this.#closeOldest()
  }

  /** For the files of this disk. */
  closed(file: NodeFile): void {
    this.#files.delete(file)
    if (file.pins === 0) this.#closeDescriptor(file)
  }

  /** For the files of this disk. */
  async syncNames(absolutePath: string): Promise<void> {
    const waits: Promise<void>[] = []
    for (let folder = dirname(absolutePath); folder.length >= this.root.length; folder = dirname(folder)) {
      if (this.#changedFolders.delete(folder)) this.#syncFolder(folder)
      const running = this.#folderSyncs.get(folder)
      if (running !== undefined) waits.push(running)
      if (folder === this.root) break
    }
    if (waits.length > 0) await Promise.all(waits)
  }

  /** Whoever needs a folder's names while they are being synced waits for that run, and fails with it. */
  #syncFolder(folder: string): void {
    const run = (this.#folderSyncs.get(folder) ?? Promise.resolve()).then(() => syncFolder(folder))
    const tracked = run.then(
      () => {
        if (this.#folderSyncs.get(folder) === tracked) this.#folderSyncs.delete(folder)
      },
      (error: unknown) => {
        this.#changedFolders.add(folder)
        if (this.#folderSyncs.get(folder) === tracked) this.#folderSyncs.delete(folder)
        throw error
      },
    )
    this.#folderSyncs.set(folder, tracked)
  }

  #opened(file: NodeFile, descriptor: number): number {
    file.descriptor = descriptor
    this.#recent.add(file)
    if (this.#recent.size > this.#openFilesMax) this.#closeOldest(file)
    return descriptor
  }

  #closeOldest(except?: NodeFile): void {
    for (const file of this.#recent) {
      if (file.pins > 0 || file === except) continue
      this.#closeDescriptor(file)
      if (this.#recent.size <= this.#openFilesMax) return
    }
  }

  #closeDescriptor(file: NodeFile): void {
    if (file.descriptor === -1) return
    this.#recent.delete(file)
    const descriptor = file.descriptor
    file.descriptor = -1
    fs.closeSync(descriptor)
  }

  /** Most files are made in folders that are there: no call is spent on those. */
  #create(absolutePath: string): number {
    const flags = fs.constants.O_CREAT | fs.constants.O_RDWR
    try {
      return fs.openSync(absolutePath, flags, 0o644)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      this.#makeFolder(dirname(absolutePath))
      return fs.openSync(absolutePath, flags, 0o644)
    }
  }

  #makeFolder(absolutePath: string): void {
    const first = makeFolders(absolutePath)
    if (first === undefined) return
    for (let folder = dirname(absolutePath); folder.length >= dirname(first).length; folder = dirname(folder)) {
      this.#changedFolders.add(folder)
      if (folder === dirname(folder)) break
    }
  }

  #absolute(path: string): string {
    return join(this.root, ...pathParts(path))
  }
}

/** After a failure, which is the one to tell: a device that fails may not let the half be removed either. */
function removeQuietly(absolutePath: string): void {
  try {
    fs.rmSync(absolutePath, { force: true })
  } catch {
    // The next write of that file replaces it.
  }
}

/**
 * The first folder that had to be made. Node's own way to make the folders above too asks for ever where the system says ENOENT though the folder
 * above is there: in /proc, and where automounts live.
 */
function makeFolders(path: string): string | undefined {
  try {
    return makeOneFolder(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error
  }
  const above = makeFolders(dirname(path))
  const made = makeOneFolder(path)
  return above ?? made
}

/** Undefined: it is there. */
function makeOneFolder(path: string): string | undefined {
  try {
    fs.mkdirSync(path)
    return path
  } catch (error) {
    if (fs.statSync(path, { throwIfNoEntry: false })?.isDirectory()) return undefined
    throw error
  }
}

const OPEN_FILES_MIN = 512
const OPEN_FILES_MAX = 8192

/** From `ulimit -n`, where it can be read (Linux); where not, what every system allows. */
function defaultOpenFiles(): number {
  let limits = ''
  try {
    limits = fs.readFileSync('/proc/self/limits', 'latin1')
  } catch {
    return OPEN_FILES_MIN
  }
  const soft = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 0)
  return Math.max(OPEN_FILES_MIN, Math.min(OPEN_FILES_MAX, Math.floor(soft / 4)))
}
