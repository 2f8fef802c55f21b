/** `partition.metadata` in a log's folder: which topic it belongs to, by id, since a name may be given again (KIP-516). */
import type { Disk } from '../host/disk.js'
import { syncFile } from './segment-indexes.js'

export const PARTITION_METADATA = 'partition.metadata'

/** The topic id; null when the file says none that can be read. @throws an Error when a later program has written it */
export function parsePartitionMetadata(text: string): string | null {
  const later = /^version:\s*([1-9]\d{0,8})\s*\n/.exec(text)?.[1]
  if (later !== undefined)
    throw new Error(`its ${PARTITION_METADATA} has version ${later}, this program knows version 0`)
  const match = /^version:\s*0\s*\ntopic_id:\s*([\w-]{22})\s*$/.exec(text)
  return match?.[1] ?? null
}

export function formatPartitionMetadata(topicId: string): string {
  return `version: 0\ntopic_id: ${topicId}`
}

/** The first sync of a log comes with this: records that are safe must not be taken for another topic's. @throws DiskError */
export function syncPartitionMetadata(disk: Disk, folder: string): Promise<void> {
  return syncFile(disk, `${folder}/${PARTITION_METADATA}`)
}
