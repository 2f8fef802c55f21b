/**
 * A disk that fails as real ones do, by a seed.
 *
 * Fault model:
 * - **Crash** (`crash()`): every open file dies. Of the bytes that were not synced, each file keeps a random prefix (down
 *   to none); the last sectors of what it keeps may hold zeros or noise instead (a torn write). An overwrite that was not
 *   synced may be there, or the old bytes may. Synced bytes are always there, unharmed.
 * - **Names** (create, rename, remove, writeFile) survive a crash: journalling file systems order them, and `writeFile`
 *   syncs. A rename may not be undone by a crash.
 * - **EIO**: any append, read, write, truncate or sync may fail once. A failed append leaves the file as long as it was.
 *   A failed sync promises nothing, and the bytes that it was about are lost at the next crash even if a later sync
 *   succeeds (fsyncgate: Linux forgets the dirty pages after reporting the error once).
 * - **ENOSPC**: appends beyond `spaceBytes` fail, as a whole, until something is removed or truncated.
 * - **Short reads**: a read may return less than there is, never nothing.
 *
 * Not in the model: bit rot in synced bytes, lost or misdirected writes below the file system, lying drives.
 */
import { Buffer } from 'node:buffer'
import type { Disk, DiskFile } from '../host/disk.js'
import { diskFault } from '../host/disk-path.js'
import { Dice } from './dice.js'

export interface DiskFaultPlan {
  seed: number
  /** Chances from 0 to 1, each 0 by default. */
  errorChance?: number
  syncErrorChance?: number
  shortReadChance?: number
  /** That the end of what survives a crash is zeros or noise. */
  tornChance?: number
  /** Bytes that all files together may have. */
  spaceBytes?: number
  /** False: never shows bytes without a read, as an operating system's disk; a log on it then works as on a real one. Default true. */
  views?: boolean
}

/** What a crash may take from a file: the state that a sync has made safe, and what has changed since. */
interface Fragile {
  syncedBytes: number
  /** Bytes that were there before overwrites that have not been synced, the youngest last. */
  overwritten: { position: number; before: Buffer }[]
  /** Position from which on a failed sync has lost the bytes for good. */
  lostFrom: number
}

export type DiskOperation = 'append' | 'read' | 'write' | 'truncate' | 'sync'

const verbs: Readonly<Record<DiskOperation, string>> = {
  append: 'append to',
  read: 'read',
  write: 'write to',
  truncate: 'truncate',
  sync: 'sync',
}

const SECTOR_BYTES = 512

export class FaultyDisk implements Disk {
  readonly #inner: Disk
  readonly #plan: Required<DiskFaultPlan>
  readonly #dice: Dice
  /** By path; it moves along with a rename. */
  readonly #fragile = new Map<string, Fragile>()
  readonly #files = new Set<FaultyFile>()
  #failNext: { operation: DiskOperation; code: string } | null = null
  #armed = true

  constructor(plan: DiskFaultPlan, ports: { disk: Disk }) {
    this.#inner = ports.disk
    this.#plan = {
      errorChance: 0,
      syncErrorChance: 0,
      shortReadChance: 0,
      tornChance: 0,
      spaceBytes: Number.POSITIVE_INFINITY,
      views: true,
      ...plan,
    }
    this.#dice = new Dice(plan.seed)
  }

  /** Without faults (but still with crashes) until armed again: for setting up a scene. */
  set armed(on: boolean) {
    this.#armed = on
  }

  /** The next operation of this name (append, read, write, truncate, sync) fails with this code. */
  failNext(operation: DiskOperation, code: string): void {
    this.#failNext = { operation, code }
  }

  /** The power goes. Every open file is dead; what has not been synced is lost in part. The disk itself may be used again. */
  crash(): void {
    for (const file of [...this.#files]) file.die()
    this.#files.clear()
    for (const [path, fragile] of this.#fragile) if (this.#inner.exists(path)) this.#lose(path, fragile)
    this.#fragile.clear()
  }

  open(path: string, options: { create?: boolean } = {}): DiskFile {
    const inner = this.#inner.open(path, options)
    const key = plain(path)
    let fragile = this.#fragile.get(key)
    if (fragile === undefined) {
      fragile = { syncedBytes: inner.size, overwritten: [], lostFrom: Number.POSITIVE_INFINITY }
      this.#fragile.set(key, fragile)
    }
    const file = new FaultyFile(inner, fragile, this)
    this.#files.add(file)
    return file
  }

  exists(path: string): boolean {
    return this.#inner.exists(path)
  }

  list(folder: string): string[] {
    return this.#inner.list(folder)
  }

  makeFolder(path: string): void {
    this.#inner.makeFolder(path)
  }

  remove(path: string): void {
    this.#inner.remove(path)
    for (const key of this.#keysAt(path)) this.#fragile.delete(key)
  }

  rename(from: string, to: string): void {
    this.#inner.rename(from, to)
    for (const key of this.#keysAt(to)) this.#fragile.delete(key)
    for (const key of this.#keysAt(from)) {
      this.#fragile.set(plain(to) + key.slice(plain(from).length), this.#fragile.get(key)!)
      this.#fragile.delete(key)
    }
  }

  readFile(path: string): Buffer | null {
    this.mayFail('read', path)
    return this.#inner.readFile(path)
  }

  writeFile(path: string, bytes: Buffer): void {
    this.mayFail('write', path)
    this.#checkSpace(path, bytes.length)
    this.#inner.writeFile(path, bytes)
    this.#fragile.delete(plain(path))
  }

  space(): { totalBytes: number; usableBytes: number } {
    return this.#inner.space()
  }

  /** For the files of this disk. */
  get views(): boolean {
    return this.#plan.views
  }

  /** For the files of this disk: throws when the dice say so. */
  mayFail(operation: DiskOperation, path: string): void {
    if (!this.#armed) return
    if (this.#failNext?.operation === operation) {
      const { code } = this.#failNext
      this.#failNext = null
      throw diskFault(code, verbs[operation], path)
    }
    const chance = operation === 'sync' ? this.#plan.syncErrorChance : this.#plan.errorChance
    if (this.#dice.happens(chance)) throw diskFault('EIO', verbs[operation], path)
  }

  /** For the files of this disk. */
  beforeAppend(file: FaultyFile, bytes: number): void {
    this.mayFail('append', file.path)
    this.#checkSpace(file.path, bytes)
  }

  /** For the files of this disk: how much of a read is answered. */
  readLength(length: number): number {
    if (length > 1 && this.#armed && this.#dice.happens(this.#plan.shortReadChance))
      return this.#dice.between(1, length - 1)
    return length
  }

  /** For the files of this disk. */
  closed(file: FaultyFile): void {
    this.#files.delete(file)
  }

  #checkSpace(path: string, bytes: number): void {
    if (!this.#armed || this.#plan.spaceBytes === Number.POSITIVE_INFINITY) return
    if (this.#usedBytes('') + bytes > this.#plan.spaceBytes) throw diskFault('ENOSPC', 'append to', path)
  }

  #usedBytes(folder: string): number {
    let sum = 0
    for (const name of this.#inner.list(folder)) {
      const path = folder === '' ? name : `${folder}/${name}`
      sum += this.#sizeOf(path) ?? this.#usedBytes(path)
    }
    return sum
  }

  /** Null for a folder. */
  #sizeOf(path: string): number | null {
    try {
      const file = this.#inner.open(path)
      const { size } = file
      file.close()
      return size
    } catch (error) {
      if ((error as { code?: string }).code === 'EISDIR') return null
      throw error
    }
  }

  #keysAt(path: string): string[] {
    const key = plain(path)
    if (this.#fragile.has(key)) return [key]
    return [...this.#fragile.keys()].filter((one) => one === key || one.startsWith(`${key}/`))
  }

  #lose(path: string, fragile: Fragile): void {
    const file = this.#inner.open(path)
    const safe = Math.min(fragile.syncedBytes, fragile.lostFrom, file.size)
    for (const { position, before } of fragile.overwritten.reverse()) {
      if (this.#dice.happens(0.5) && position + before.length <= file.size) file.write(before, position)
    }
    const most = Math.min(file.size, Math.max(safe, fragile.lostFrom))
    const keep = this.#dice.between(safe, most)
    file.truncate(keep)
    if (keep > safe && this.#dice.happens(this.#plan.tornChance)) {
      const torn = this.#dice.between(1, Math.min(keep - safe, 4 * SECTOR_BYTES))
      file.write(this.#dice.happens(0.5) ? Buffer.alloc(torn) : this.#dice.bytes(torn), keep - torn)
    }
    file.close()
  }
}

class FaultyFile implements DiskFile {
  readonly #inner: DiskFile
  readonly #fragile: Fragile
  readonly #disk: FaultyDisk
  #dead = false

  constructor(inner: DiskFile, fragile: Fragile, disk: FaultyDisk) {
    this.#inner = inner
    this.#fragile = fragile
    this.#disk = disk
  }

  get path(): string {
    return this.#inner.path
  }

  get size(): number {
    return this.#inner.size
  }

  append(pieces: readonly Buffer[]): void {
    this.#alive('append to')
    this.#disk.beforeAppend(this, lengthOf(pieces))
    this.#inner.append(pieces)
  }

  async appendAsync(pieces: readonly Buffer[]): Promise<void> {
    this.#alive('append to')
    this.#disk.beforeAppend(this, lengthOf(pieces))
    await this.#inner.appendAsync(pieces)
  }

  view(position: number, length: number): Buffer[] | null {
    this.#alive('read')
    return this.#disk.views ? this.#inner.view(position, length) : null
  }

  read(target: Buffer, position: number): number {
    this.#alive('read')
    this.#disk.mayFail('read', this.path)
    return this.#inner.read(target.subarray(0, this.#disk.readLength(target.length)), position)
  }

  async readAsync(target: Buffer, position: number): Promise<number> {
    this.#alive('read')
    this.#disk.mayFail('read', this.path)
    return this.#inner.readAsync(target.subarray(0, this.#disk.readLength(target.length)), position)
  }

  write(bytes: Buffer, position: number): void {
    this.#alive('write to')
    this.#disk.mayFail('write', this.path)
    const before = Buffer.alloc(Math.max(0, Math.min(bytes.length, this.size - position)))
    this.#inner.read(before, position)
    this.#inner.write(bytes, position)
    this.#fragile.overwritten.push({ position, before })
  }

  truncate(size: number): void {
    this.#alive('truncate')
    this.#disk.mayFail('truncate', this.path)
    this.#inner.truncate(size)
    this.#fragile.syncedBytes = Math.min(this.#fragile.syncedBytes, size)
    if (this.#fragile.lostFrom >= size) this.#fragile.lostFrom = Number.POSITIVE_INFINITY
  }

  async sync(): Promise<void> {
    this.#alive('sync')
    // What is appended while the sync runs is not part of it.
    const size = this.size
    const overwrites = this.#fragile.overwritten.length
    try {
      this.#disk.mayFail('sync', this.path)
    } catch (error) {
      if (size > this.#fragile.syncedBytes) {
        this.#fragile.lostFrom = Math.min(this.#fragile.lostFrom, this.#fragile.syncedBytes)
      }
      throw error
    }
    await this.#inner.sync()
    if (this.#dead) return
    this.#fragile.syncedBytes = Math.max(this.#fragile.syncedBytes, Math.min(size, this.size))
    this.#fragile.overwritten.splice(0, overwrites)
  }

  close(): void {
    this.#disk.closed(this)
    this.#inner.close()
  }

  /** The power has gone. */
  die(): void {
    this.#dead = true
    this.#inner.close()
  }

  #alive(verb: string): void {
    if (this.#dead) throw diskFault('EBADF', verb, this.path)
  }
}

function lengthOf(pieces: readonly Buffer[]): number {
  let total = 0
  for (const piece of pieces) total += piece.length
  return total
}

function plain(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}
