/** What a word count over visible records must have written: for every word 1, 2, 3 ... up to how often it is there, each once, in order. */
import { Verdict } from './checker.js'
import { parseIdentity } from './events.js'
import type { FinalPartition } from './final-state.js'

/** The words of a record: its writer without the incarnation, and its number modulo 16. WordCount.java splits in the same way. */
export function wordsOf(identity: string): string[] {
  const parsed = parseIdentity(identity)
  if (parsed === null) return []
  return [parsed.writer.split('#')[0]!, `n${parsed.n % 16}`]
}

export function checkWordCount(partitions: readonly FinalPartition[], from: string, to: string): Verdict {
  const expected = new Map<string, number>()
  for (const { records } of partitions.filter(({ topic }) => topic === from)) {
    for (const { identity } of records.filter(({ visible }) => visible)) {
      for (const word of wordsOf(identity)) expected.set(word, (expected.get(word) ?? 0) + 1)
    }
  }
  const verdict = new Verdict()
  const counted = new Map<string, number>()
  for (const { partition, records } of partitions.filter(({ topic }) => topic === to)) {
    for (const { key, value, visible, offset } of records) {
      if (!visible || key === null) continue
      const next = (counted.get(key) ?? 0) + 1
      const what = () => `${to}-${partition} offset ${offset}: "${key}" counts ${value}, and ${next} was to come`
      verdict.holds('word counts', value === String(next), what)
      counted.set(key, Number(value))
    }
  }
  for (const [word, times] of expected) {
    const got = counted.get(word) ?? 0
    const what = () => `${to}: "${word}" was counted ${got} times and is there ${times} times`
    verdict.holds('word counts', got === times, what)
  }
  return verdict
}
