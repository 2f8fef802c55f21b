/** The `leader-epoch-checkpoint` of a partition's folder: written when a sync makes the log below it durable, not at every change. */
import type { Disk } from '../host/disk.js'
import { epochCheckpoint, readEpochCheckpoint } from './checkpoints.js'
import type { EpochEntry, LeaderEpochs } from './leader-epochs.js'

const EPOCH_FILE = 'leader-epoch-checkpoint'

export class EpochFile {
  private savedChanges = 0
  private gone = false

  constructor(
    private readonly disk: Disk,
    private readonly folder: string,
    private readonly epochs: LeaderEpochs,
  ) {}

  get path(): string {
    return `${this.folder}/${EPOCH_FILE}`
  }

  /** Null when there is no file. @throws CheckpointError, DiskError */
  read(): EpochEntry[] | null {
    return readEpochCheckpoint(this.disk, this.path)
  }

  /** The file says what the epochs are now. */
  noteSaved(): void {
    this.savedChanges = this.epochs.changes
  }

  /** The folder may be another log's from now on. */
  abandon(): void {
    this.gone = true
  }

  /** Replaces the file, durably, unless it says the same already. One call at a time. @throws DiskError */
  async save(): Promise<void> {
    const { changes } = this.epochs
    if (this.gone || changes === this.savedChanges) return
    const temporary = `${this.path}.tmp`
    const file = this.disk.open(temporary, { create: true })
    try {
      file.truncate(0)
      file.append([epochCheckpoint(this.epochs.entries)])
      await file.sync()
    } finally {
      file.close()
    }
    if (this.gone) return
    this.disk.rename(temporary, this.path)
    this.savedChanges = changes
  }
}
