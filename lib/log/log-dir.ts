/** One log directory: a disk, its name, and whether it can still be used. */
import { type Disk, DiskError } from '../host/disk.js'
import { META_PROPERTIES } from './meta-properties.js'
import { formatPartitionMetadata, PARTITION_METADATA, parsePartitionMetadata } from './partition-metadata.js'

/** What a process lacks today and may have tomorrow: space, descriptors. */
const SHORTAGES: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE'])

export const isShortage = (error: unknown): boolean => error instanceof DiskError && SHORTAGES.has(error.code)

export interface LogDirOptions {
  /** As configured and as DescribeLogDirs shows it. */
  readonly path: string
  /** `directory.id` of its meta.properties; absent for one that ends with the process. */
  readonly id?: string
}

export class LogDir {
  readonly path: string
  /** Null for a directory that ends with the process: nothing is written there for a next start. */
  readonly id: string | null
  /** Why it cannot be used any more; null while it can. */
  failure: unknown = null
  /** No new log is to be put here (KIP-1066). */
  isCordoned = false

  constructor(
    options: LogDirOptions,
    readonly disk: Disk,
  ) {
    this.path = options.path
    this.id = options.id ?? null
  }

  get isDurable(): boolean {
    return this.id !== null
  }

  /**
   * Whether an error of one of its logs is the directory's own. A full disk is not (free some space and start again), nor is a process
   * out of descriptors, nor one file that somebody removed.
   */
  isToBlame(error: unknown): boolean {
    if (!(error instanceof DiskError) || isShortage(error) || error.code === 'EBADF') return false
    return error.code !== 'ENOENT' || !this.isThere()
  }

  private isThere(): boolean {
    try {
      return this.disk.exists(META_PROPERTIES)
    } catch {
      return false
    }
  }

  /** Notes whose log a folder is, for the next start. @throws DiskError */
  claim(folder: string, topicId: string): void {
    if (!this.isDurable) return
    this.disk.makeFolder(folder)
    const file = this.disk.open(`${folder}/${PARTITION_METADATA}`, { create: true })
    try {
      if (file.size > 0) file.truncate(0)
      file.append([Buffer.from(formatPartitionMetadata(topicId))])
    } finally {
      file.close()
    }
  }

  /** The topic id a folder belongs to; null when nobody noted it, or a crash took the note. @throws DiskError, Error */
  claimOf(folder: string): string | null {
    const bytes = this.disk.readFile(`${folder}/${PARTITION_METADATA}`)
    return bytes === null ? null : parsePartitionMetadata(bytes.toString('utf8'))
  }
}

/** Of a name in a log directory: a file may be called as a partition is (core-1234). */
export function isFolder(disk: Disk, name: string): boolean {
  try {
    disk.open(name).close()
    return false
  } catch (error) {
    if (error instanceof DiskError && (error.code === 'EISDIR' || error.code === 'ENOENT'))
      return error.code === 'EISDIR'
    throw error
  }
}
