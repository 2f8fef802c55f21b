/** The rules for topic names (Kafka's Topic class). */
const LONGEST = 249
const legal = /^[a-zA-Z0-9._-]+$/

export const CONSUMER_OFFSETS = '__consumer_offsets'
export const TRANSACTION_STATE = '__transaction_state'
export const SHARE_GROUP_STATE = '__share_group_state'
/** The name of KRaft's own log; nobody may create it. */
export const CLUSTER_METADATA = '__cluster_metadata'

/** Why the name cannot be a topic's, as a sentence; null when it can. */
export function topicNameProblem(name: string): string | null {
  if (name === '') return 'A topic needs a name; this one is empty.'
  if (name === '.' || name === '..') return `A topic cannot be called '${name}'.`
  if (name.length > LONGEST) return `The topic name has ${name.length} characters; at most ${LONGEST} are allowed.`
  if (!legal.test(name)) {
    return `The topic name '${name}' has a character other than ASCII letters, digits, '.', '_' and '-'.`
  }
  return null
}

/** Metric names turn dots into underscores, so two topics that differ in nothing else collide. */
export function collisionKey(name: string): string {
  return name.includes('.') ? name.replaceAll('.', '_') : name
}

export function mayCollide(name: string): boolean {
  return name.includes('.') || name.includes('_')
}

export function isInternalTopic(name: string): boolean {
  return name === CONSUMER_OFFSETS || name === TRANSACTION_STATE || name === SHARE_GROUP_STATE
}
