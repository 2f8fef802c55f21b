import type { Plain } from './normalise.js'
import type { Entry } from './scenario.js'

/** Where two answers differ: a path like `topics[0].errorCode`, and both values. */
export interface Difference {
  readonly asked: string
  readonly path: string
  readonly reference: string
  readonly ours: string
}

/** Compares two transcripts, line by line and field by field. */
export function differences(reference: readonly Entry[], ours: readonly Entry[]): Difference[] {
  const found: Difference[] = []
  for (let i = 0; i < Math.max(reference.length, ours.length); i++) {
    const [theirs, mine] = [reference[i], ours[i]]
    const asked = `${i + 1}. ${theirs?.asked ?? mine?.asked}`
    if (theirs?.asked !== mine?.asked) {
      found.push({ asked, path: '', reference: theirs?.asked ?? 'nothing', ours: mine?.asked ?? 'nothing' })
      continue
    }
    walk(theirs!.answer, mine!.answer, '', (path, a, b) => found.push({ asked, path, reference: a, ours: b }))
  }
  return found
}

function walk(a: Plain, b: Plain, path: string, report: (path: string, a: string, b: string) => void): void {
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length !== b.length) report(`${path}.length`, String(a.length), String(b.length))
    for (let i = 0; i < Math.min(a.length, b.length); i++) walk(a[i]!, b[i]!, `${path}[${i}]`, report)
    return
  }
  if (isStruct(a) && isStruct(b)) {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      walk(a[key] ?? null, b[key] ?? null, path === '' ? key : `${path}.${key}`, report)
    }
    return
  }
  if (JSON.stringify(a) !== JSON.stringify(b)) report(path, short(a), short(b))
}

function isStruct(value: Plain): value is { [key: string]: Plain } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function short(value: Plain): string {
  const text = JSON.stringify(value)
  return text.length > 160 ? `${text.slice(0, 160)}...` : text
}
