/**
 * Which topics a group of the 'consumer' protocol type reads: the coordinator looks into the members' metadata for the sake of offset
 * expiry and OffsetDelete alone. Version 0 of the subscription is a prefix of every later version, so it is all we parse.
 */
import type { ClassicGroup } from './group.js'

export const CONSUMER_PROTOCOL_TYPE = 'consumer'

/** Null: not known. */
export function subscribedTopicsOf(group: ClassicGroup): ReadonlySet<string> | null {
  if (group.protocolType !== CONSUMER_PROTOCOL_TYPE) return null
  const topics = new Set<string>()
  if (group.members.size === 0) return topics
  if (group.protocolName === null) return null
  for (const member of group.members.values()) {
    if (!readTopics(member.metadata(group.protocolName), topics)) return null
  }
  return topics
}

/** int16 version, int32 count, then strings with an int16 length. False when the bytes say something else. */
function readTopics(metadata: Buffer, into: Set<string>): boolean {
  if (metadata.length < 6 || metadata.readInt16BE(0) < 0) return false
  const count = metadata.readInt32BE(2)
  let position = 6
  for (let i = 0; i < count; i++) {
    if (position + 2 > metadata.length) return false
    const length = metadata.readInt16BE(position)
    position += 2
    if (length < 0 || position + length > metadata.length) return false
    into.add(metadata.toString('utf8', position, position + length))
    position += length
  }
  return count >= 0
}
