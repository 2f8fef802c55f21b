import type { Disk } from '../host/disk.js'
import type { Logger } from '../host/logger.js'
import type { Random } from '../host/random.js'

/** What a partition's folder is called while it goes, or when nobody knows it. */
const FILE_NAME_MAX = 255
export const DELETED_FOLDER = /\.[0-9a-f]{32}-delete$/

/** Kafka's name for a log that is no partition any more: `<topic>-<partition>.<unique>-delete`, cut to what file systems take. */
export function setAsideFolder(folder: string, uuid: string, why: 'delete' | 'stray'): string {
  const suffix = `.${uuid.replaceAll('-', '')}-${why}`
  const slash = folder.lastIndexOf('/') + 1
  return folder.slice(0, slash) + folder.slice(slash, slash + FILE_NAME_MAX - suffix.length) + suffix
}

interface Ports {
  readonly disk: Disk
  readonly random: Random
  readonly logger: Logger
}

/** What cannot be removed is in nobody's way, and tried again at the next start. */
export function removeDeleted({ disk, logger }: Pick<Ports, 'disk' | 'logger'>, folder: string): void {
  try {
    disk.remove(folder)
  } catch (error) {
    logger.error(`The folder ${folder} of a deleted log cannot be removed: ${String(error)}`)
  }
}

/**
 * Renamed at once, unless `inPlace`: half a log must not stay behind a crash, nor be in the way when the topic is made again. Returns what removes
 * it, to be called when no write is under way. What cannot be renamed is removed now if one is (`isWriting`): by its end the name may be another log's.
 */
export function setAsideDeleted(
  { disk, random, logger }: Ports,
  folder: string,
  inPlace: boolean,
  isWriting: boolean,
): () => void {
  const remove = (name: string): void => removeDeleted({ disk, logger }, name)
  try {
    if (!disk.exists(folder)) return () => {}
    if (inPlace) return () => remove(folder)
    const name = setAsideFolder(folder, random.uuid(), 'delete')
    disk.rename(folder, name)
    return () => remove(name)
  } catch (error) {
    logger.warn(`The folder ${folder} cannot be renamed: ${String(error)}`)
    if (!isWriting) return () => remove(folder)
    remove(folder)
    return () => {}
  }
}
