/** What a partition's folder is called while it goes, or when nobody knows it. */
const FILE_NAME_MAX = 255
export const DELETED_FOLDER = /\.[0-9a-f]{32}-delete$/

/** Kafka's name for a log that is no partition any more: `<topic>-<partition>.<unique>-delete`, cut to what file systems take. */
export function setAsideFolder(folder: string, uuid: string, why: 'delete' | 'stray'): string {
  const suffix = `.${uuid.replaceAll('-', '')}-${why}`
  const slash = folder.lastIndexOf('/') + 1
  return folder.slice(0, slash) + folder.slice(slash, slash + FILE_NAME_MAX - suffix.length) + suffix
}
