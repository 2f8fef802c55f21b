/** `replica.selector.class` (KIP-392). Kafka loads any class of that name and does not start without it; here there is the one that Kafka has. */
const NAME = 'replica.selector.class'

export const RACK_AWARE_SELECTOR = 'org.apache.kafka.common.replica.RackAwareReplicaSelector'

/** A sentence when the config of this name asks for a selector that is not there; null otherwise. */
export function replicaSelectorProblem(name: string, text: string): string | null {
  const selector = text.trim()
  if (name !== NAME || selector === '' || selector === RACK_AWARE_SELECTOR) return null
  return `${NAME} is '${selector}'; the only one there is here is ${RACK_AWARE_SELECTOR}.`
}
