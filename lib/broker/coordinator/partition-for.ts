/**
 * Which partition of an internal topic is responsible for a group id or transactional id: abs(String.hashCode()) % count over
 * UTF-16 units, where the absolute value of the smallest int is 0 (Kafka's Utils.abs).
 */
export function partitionFor(id: string, partitionCount: number): number {
  let hash = 0
  for (let i = 0; i < id.length; i++) hash = (Math.imul(hash, 31) + id.charCodeAt(i)) | 0
  const positive = hash === -0x80000000 ? 0 : Math.abs(hash)
  return positive % partitionCount
}
