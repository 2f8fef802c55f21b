/** The logs that are being copied to another directory, in folders `<topic>-<partition>.<unique>-future` (KIP-113). */

import type { Logger } from '../host/logger.js'
import { removeDeleted } from './deleted-folder.js'
import { FutureDisk } from './future-disk.js'
import type { LogDir } from './log-dir.js'
import type { PartitionLog } from './partition-log.js'
import { settle } from './settle.js'

export const FUTURE_FOLDER = /^([a-zA-Z0-9._-]+)-(\d+)\.[0-9a-f]{32}-future$/

export interface FutureLog {
  readonly log: PartitionLog
  readonly directory: LogDir
  readonly disk: FutureDisk
}

/** A move that the last run did not finish. */
export interface InterruptedMove {
  readonly topic: string
  readonly partition: number
  readonly directory: LogDir
}

export class FutureLogs {
  /** Found at the start; who runs the moves begins them again. */
  readonly interrupted: InterruptedMove[] = []
  private readonly futures = new Map<string, FutureLog>()

  get(topic: string, partition: number): FutureLog | null {
    return this.futures.get(`${topic}-${partition}`) ?? null
  }

  *in(directory: LogDir): IterableIterator<FutureLog> {
    for (const future of this.futures.values()) if (future.directory === directory) yield future
  }

  /** `make` gets the disk that the log is to be written through. */
  begin(folder: string, unique: string, directory: LogDir, make: (disk: FutureDisk) => PartitionLog): PartitionLog {
    const disk = new FutureDisk(directory.disk, folder, `${folder}.${unique.replaceAll('-', '')}-future`)
    const log = make(disk)
    this.futures.set(folder, { log, directory, disk })
    return log
  }

  /** Takes it out: promoted, or on its way to be removed. */
  take(topic: string, partition: number): FutureLog | null {
    const future = this.get(topic, partition)
    this.futures.delete(`${topic}-${partition}`)
    return future
  }

  /** A copy that was not finished is begun anew: what it lacks is not known. Nothing is lost, the log itself is elsewhere. */
  sweep(directory: LogDir, name: string, logger: Logger): boolean {
    const match = FUTURE_FOLDER.exec(name)
    if (match === null) return false
    removeDeleted({ disk: directory.disk, logger }, name)
    this.interrupted.push({ topic: match[1]!, partition: Number(match[2]), directory })
    return true
  }

  /** Rejects with the first DiskError, after all are closed. */
  async close(): Promise<void> {
    const closing = [...this.futures.values()].map(({ log }) => log.close())
    this.futures.clear()
    await settle(closing)
  }
}
