/**
 * `max.connections.per.ip.overrides`: a list of `address:connections`. Kafka resolves host names here; we compare the text, so an
 * address has to be written as the log shows it.
 */
const NAME = 'max.connections.per.ip.overrides'

/** Entries that say nothing are left out: see `connectionOverridesProblem`. */
export function connectionOverrides(text: string): ReadonlyMap<string, number> {
  return new Map(entriesOf(text).flatMap((entry) => (isGood(entry) ? [[entry.address, entry.most] as const] : [])))
}

/** A sentence when the config of this name has an entry that is not `address:connections`; null otherwise. */
export function connectionOverridesProblem(name: string, text: string): string | null {
  if (name !== NAME) return null
  const bad = entriesOf(text).find((entry) => !isGood(entry))
  return bad === undefined
    ? null
    : `${NAME} has the entry '${bad.text}'; it must be address:connections, as in 10.0.0.1:50.`
}

interface Entry {
  readonly text: string
  readonly address: string
  readonly most: number
}

/** The last colon divides, since IPv6 addresses have colons of their own. */
function entriesOf(text: string): Entry[] {
  const parts = text.split(',').map((part) => part.trim())
  return parts
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.lastIndexOf(':')
      const count = part.slice(at + 1).trim()
      return {
        text: part,
        address: at < 0 ? '' : part.slice(0, at).trim(),
        most: /^\d+$/.test(count) ? Number(count) : Number.NaN,
      }
    })
}

function isGood({ address, most }: Entry): boolean {
  return address !== '' && !Number.isNaN(most)
}
