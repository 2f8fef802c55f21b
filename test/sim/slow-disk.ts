/**
 * A disk that takes time, over a memory disk: what a real file does that a memory file does not. Asynchronous calls end after virtual
 * time, `view` has nothing, appended bytes are copied, a synchronous write may stall its caller. Stands below FaultyDisk, which
 * counts bytes as synced only when this one is through.
 */

import type { Clock } from '../../lib/host/clock.js'
import type { Disk, DiskFile } from '../../lib/host/disk.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import type { Chance } from './world.js'

export interface SlowDiskOptions {
  syncMs: readonly [number, number]
  asyncMs: readonly [number, number]
  /** Chance that a synchronous write stalls. */
  stallChance: number
}

export class SlowDisk implements Disk {
  readonly raw = new MemoryDisk()
  /** Milliseconds by which writes have held up their host since last asked. */
  stalledMs = 0
  /** Syncs that have ended, for the report. */
  syncs = 0

  constructor(
    readonly options: SlowDiskOptions,
    readonly ports: { clock: Clock; chance: Chance },
  ) {}

  open(path: string, options: { create?: boolean } = {}): DiskFile {
    return new SlowFile(this.raw.open(path, options), this)
  }
  exists(path: string): boolean {
    return this.raw.exists(path)
  }
  list(folder: string): string[] {
    return this.raw.list(folder)
  }
  makeFolder(path: string): void {
    this.raw.makeFolder(path)
  }
  remove(path: string): void {
    this.raw.remove(path)
  }
  rename(from: string, to: string): void {
    this.raw.rename(from, to)
  }
  readFile(path: string): Buffer | null {
    return this.raw.readFile(path)
  }
  writeFile(path: string, bytes: Buffer): void {
    this.raw.writeFile(path, bytes)
  }
  /** Numbers of the machine have no place in a run that is to be repeated. */
  space(): { totalBytes: number; usableBytes: number } {
    return { totalBytes: 2 ** 40, usableBytes: 2 ** 39 }
  }

  /** For the files of this disk. */
  wait([low, high]: readonly [number, number]): Promise<void> {
    const ms = this.ports.chance.between(low, high)
    return new Promise((resolve) => this.ports.clock.setTimer(ms, resolve))
  }

  /** For the files of this disk. */
  mayStall(): void {
    if (this.ports.chance.happens(this.options.stallChance)) this.stalledMs += this.ports.chance.between(3, 40)
  }
}

class SlowFile implements DiskFile {
  readonly #inner: DiskFile
  readonly #disk: SlowDisk

  constructor(inner: DiskFile, disk: SlowDisk) {
    this.#inner = inner
    this.#disk = disk
  }

  get path(): string {
    return this.#inner.path
  }
  get size(): number {
    return this.#inner.size
  }
  append(pieces: readonly Buffer[]): void {
    this.#disk.mayStall()
    this.#inner.append(pieces.map((piece) => Buffer.from(piece)))
  }
  async appendAsync(pieces: readonly Buffer[]): Promise<void> {
    await this.#disk.wait(this.#disk.options.asyncMs)
    this.#inner.append(pieces.map((piece) => Buffer.from(piece)))
  }
  view(): null {
    return null
  }
  read(target: Buffer, position: number): number {
    return this.#inner.read(target, position)
  }
  async readAsync(target: Buffer, position: number): Promise<number> {
    await this.#disk.wait(this.#disk.options.asyncMs)
    return this.#inner.read(target, position)
  }
  write(bytes: Buffer, position: number): void {
    this.#inner.write(bytes, position)
  }
  truncate(size: number): void {
    this.#inner.truncate(size)
  }
  async sync(): Promise<void> {
    await this.#disk.wait(this.#disk.options.syncMs)
    this.#disk.syncs++
  }
  close(): void {
    this.#inner.close()
  }
}
