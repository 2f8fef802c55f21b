/** What Kafka checks of a broker's settings as a whole, and of a change while the broker runs. */

/** The text in force under a name; null: none, so that the default counts. */
export type Settings = (name: string) => string | null

/** Pools of threads, which Kafka resizes step by step (DynamicThreadPool and others). */
const THREADS: ReadonlySet<string> = new Set([
  'background.threads',
  'log.cleaner.threads',
  'num.io.threads',
  'num.network.threads',
  'num.recovery.threads.per.data.dir',
  'num.replica.fetchers',
  'remote.log.manager.copier.thread.pool.size',
  'remote.log.manager.expiration.thread.pool.size',
  'remote.log.manager.follower.thread.pool.size',
  'remote.log.reader.threads',
])
/** 0 is a way to start a broker, but not one to get it back. */
const ABOVE_ZERO: ReadonlySet<string> = new Set(['max.connection.creation.rate', 'max.connections'])
/** Sockets are opened once: another value would be shown and not be true. */
const AT_THE_START: ReadonlySet<string> = new Set(['listener.security.protocol.map', 'listeners'])
const MEBIBYTE = 1024 * 1024

/** A sentence when a running broker may not go from one to the other; null otherwise. `names`: what may have changed. `logDirs`: see `settingsProblem`. */
export function changeProblem(
  before: Settings,
  after: Settings,
  names: Iterable<string>,
  logDirs: readonly string[] | null,
): string | null {
  for (const name of names) {
    if (before(name) === after(name)) continue
    if (AT_THE_START.has(name)) return `${name} cannot be changed while the broker runs; set it at the start.`
    const [old, wanted] = [Number(before(name)), Number(after(name))]
    if (THREADS.has(name)) {
      const [least, most] = [Math.max(1, Math.trunc(old / 2)), old * 2]
      if (wanted < least || wanted > most) return `${name} is ${old}; it can become ${least} to ${most}, not ${wanted}.`
    }
    if (ABOVE_ZERO.has(name) && wanted <= 0) return `${name} would be ${wanted}: nobody could connect.`
  }
  // Nothing is refused for what was wrong before.
  return settingsProblem(before, logDirs) === null ? settingsProblem(after, logDirs) : null
}

/**
 * A sentence when the settings of a broker do not go together (KafkaConfig.validateValues); null otherwise. `logDirs`: the broker's, null where they
 * are not known.
 */
export function settingsProblem(settings: Settings, logDirs: readonly string[] | null): string | null {
  const buffer = Number(settings('log.cleaner.dedupe.buffer.size'))
  const cleaners = Number(settings('log.cleaner.threads'))
  if (cleaners > 0 && Math.trunc(buffer / cleaners) <= MEBIBYTE) {
    return `log.cleaner.dedupe.buffer.size is ${buffer}; it must be more than ${MEBIBYTE} for each of the ${cleaners} log.cleaner.threads.`
  }
  if (
    Number(settings('max.connections.per.ip')) === 0 &&
    (settings('max.connections.per.ip.overrides') ?? '').trim() === ''
  ) {
    return 'max.connections.per.ip is 0 and max.connections.per.ip.overrides empty: nobody could connect.'
  }
  return cordonedProblem(settings('cordoned.log.dirs') ?? '', logDirs)
}

/** KIP-1066: `*` alone, or log directories of the broker. */
function cordonedProblem(text: string, logDirs: readonly string[] | null): string | null {
  const cordoned = text.split(',').map((path) => path.trim())
  if (text.trim() === '' || (cordoned.length === 1 && cordoned[0] === '*')) return null
  if (cordoned.includes('*')) return 'cordoned.log.dirs is * and more; * stands for all directories already.'
  const stranger = logDirs === null ? undefined : cordoned.find((path) => !logDirs.includes(path))
  return stranger === undefined ? null : `cordoned.log.dirs names ${stranger}, which is none of the broker's log.dirs.`
}
