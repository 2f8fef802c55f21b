import type { Disk, DiskFile } from '../host/disk.js'

/**
 * The disk of a log that is still under another folder name: whoever writes the log uses its real name all along. `promote` makes the
 * names one, files that are open included.
 */
export class FutureDisk implements Disk {
  private promoted = false

  constructor(
    private readonly disk: Disk,
    /** The log's name, and the folder that stands for it until then. */
    private readonly folder: string,
    readonly standIn: string,
  ) {}

  /** @throws DiskError; nothing has changed then */
  promote(): void {
    this.disk.rename(this.standIn, this.folder)
    this.promoted = true
  }

  open(path: string, options?: { create?: boolean }): DiskFile {
    return this.disk.open(this.real(path), options)
  }

  exists(path: string): boolean {
    return this.disk.exists(this.real(path))
  }

  list(folder: string): string[] {
    return this.disk.list(this.real(folder))
  }

  makeFolder(path: string): void {
    this.disk.makeFolder(this.real(path))
  }

  remove(path: string): void {
    this.disk.remove(this.real(path))
  }

  rename(from: string, to: string): void {
    this.disk.rename(this.real(from), this.real(to))
  }

  readFile(path: string): Buffer | null {
    return this.disk.readFile(this.real(path))
  }

  writeFile(path: string, bytes: Buffer): void {
    this.disk.writeFile(this.real(path), bytes)
  }

  space(): { totalBytes: number; usableBytes: number } {
    return this.disk.space()
  }

  private real(path: string): string {
    const { folder } = this
    if (this.promoted || !path.startsWith(folder)) return path
    const rest = path.slice(folder.length)
    return rest === '' || rest.startsWith('/') ? this.standIn + rest : path
  }
}
