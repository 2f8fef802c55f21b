/**
 * Scenarios whose answers differ from Apache Kafka's on purpose, or not yet as they should, each with its reason. The
 * same entries stand in compat/FINDINGS.md at length. The runner fails when a scenario differs that is not listed here,
 * and also when a listed one does not differ any more.
 */
export interface KnownDifference {
  readonly scenario: string
  readonly reason: string
}

export const knownDifferences: readonly KnownDifference[] = []
