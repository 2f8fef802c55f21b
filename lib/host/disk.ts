/**
 * A disk as a log needs it: append, positional read, truncate, rename. Paths use `/` and are relative to the disk's root.
 *
 * Synchronous calls hand bytes to the operating system's page cache (what Kafka calls written); only `sync` makes them durable.
 * Failures throw a `DiskError`.
 */
export interface Disk {
  /** Opens a file for reading and appending. `create` makes it (and its parent folder) when it is not there. */
  open(path: string, options?: { create?: boolean }): DiskFile
  exists(path: string): boolean
  /** Names in a folder, sorted; empty when the folder does not exist. */
  list(folder: string): string[]
  makeFolder(path: string): void
  /** Removes a file, or a folder with everything in it. Does nothing when it is not there. */
  remove(path: string): void
  /** Atomic within one disk; replaces the target. */
  rename(from: string, to: string): void
  /** A whole small file; null when it is not there. */
  readFile(path: string): Buffer | null
  /** Replaces a small file atomically (temporary file, sync, rename). */
  writeFile(path: string, bytes: Buffer): void
  /** Total size in bytes of the volume and what is free on it, for DescribeLogDirs; -1 when unknown. */
  space(): { totalBytes: number; usableBytes: number }
}

export interface DiskFile {
  readonly path: string
  /** Bytes in the file, appends included. */
  readonly size: number
  /** When its content had last changed before it was opened, wall time in ms. Absent: it is new, or the disk does not say. */
  readonly modifiedMs?: number
  /**
   * Appends the pieces in order. Ownership of the memory passes to the file: a memory disk keeps it by reference, so
   * the caller never changes those bytes again.
   */
  append(pieces: readonly Buffer[]): void
  /** The same through the thread pool, for large or slow writes. One at a time per file, never beside `append`. */
  appendAsync(pieces: readonly Buffer[]): Promise<void>
  /**
   * Views of [position, position + length) without copying or I/O; null where the medium has to read. An empty range at the end is seen
   * by every medium that keeps appended memory, even if older bytes have to be read.
   */
  view(position: number, length: number): Buffer[] | null
  /** Reads up to `target.length` bytes; returns how many there were. */
  read(target: Buffer, position: number): number
  readAsync(target: Buffer, position: number): Promise<number>
  /** Overwrites bytes inside the file (index files; never the log itself). */
  write(bytes: Buffer, position: number): void
  truncate(size: number): void
  /** fdatasync in the thread pool. */
  sync(): Promise<void>
  close(): void
}

export class DiskError extends Error {
  override readonly name = 'DiskError'
  constructor(
    /** The operating system's code: ENOSPC, EIO, ENOENT ... */
    readonly code: string,
    readonly path: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}
