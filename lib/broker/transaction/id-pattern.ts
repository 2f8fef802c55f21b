/**
 * Patterns over transactional ids (KIP-1152) as Kafka has them: RE2, whose matching takes linear time. A pattern of JavaScript's own engine
 * could hold the whole broker up.
 */
import { createRequire } from 'node:module'
import type * as Re2 from 're2js'

/** Whether a whole id fits; null when the pattern is none. */
export function idPattern(pattern: string): ((transactionalId: string) => boolean) | null {
  // Loaded when the first pattern comes: most brokers never see one. Node remembers it.
  const library = createRequire(import.meta.url)('re2js') as typeof Re2
  try {
    const compiled = library.RE2JS.compile(pattern)
    return (transactionalId) => compiled.matches(transactionalId)
  } catch (error) {
    if (error instanceof Error && error.name.startsWith('RE2JS')) return null
    throw error
  }
}
