/** What Kafka checks of the times of logs beyond the single value's bounds, for brokers (KafkaConfig.validateValues). Topics have bounds of their own. */

/** Most specific first: only the first that is set counts. */
const RETENTION = ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours']
const ROLL = 'log.roll.ms'
const JITTER = 'log.roll.jitter.ms'

/** A sentence when the config of this name would delete or roll everything at once; null otherwise. `text` is a number. */
export function logTimeProblem(name: string, text: string, isSet: (name: string) => boolean): string | null {
  const value = Number(text)
  const at = RETENTION.indexOf(name)
  if (at >= 0 && value === 0 && !RETENTION.slice(0, at).some(isSet)) {
    return `${name} is 0; it must be at least 1, or -1 for no limit.`
  }
  if (name === ROLL && value < 1) return `${name} is ${value}; it must be at least 1.`
  if (name === JITTER && value < 0) return `${name} is ${value}; it must be at least 0.`
  return null
}
