/** `partition.metadata` in a log's folder: which topic it belongs to, by id, since a name may be given again (KIP-516). */
export const PARTITION_METADATA = 'partition.metadata'

/** The topic id; null when the file says none that can be read. */
export function parsePartitionMetadata(text: string): string | null {
  const match = /^version:\s*0\s*\ntopic_id:\s*([\w-]{22})\s*$/.exec(text)
  return match?.[1] ?? null
}

export function formatPartitionMetadata(topicId: string): string {
  return `version: 0\ntopic_id: ${topicId}`
}
