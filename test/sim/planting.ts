/** How tests put faults into the product. */
import { type RunOptions, runSeed } from './run.js'

/** The sentence of the first seed that fails. */
export async function firstFailure(seeds: number, options: Omit<RunOptions, 'seed'> = {}): Promise<string> {
  for (let seed = 1; seed <= seeds; seed++) {
    const { failure } = await runSeed({ seed, ...options })
    if (failure !== null) return failure.sentence
  }
  return `nothing was found in ${seeds} seeds`
}

/** Replaces a method while `work` runs. */
export async function patched<T extends object>(
  prototype: T,
  name: string,
  patch: (original: never) => (this: never, ...args: never[]) => unknown,
  work: () => Promise<void>,
): Promise<void> {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name)!
  const original = (descriptor.value ?? descriptor.get) as (...args: never[]) => unknown
  const replaced = patch(original as never)
  const next =
    descriptor.get === undefined
      ? { ...descriptor, value: replaced }
      : { ...descriptor, get: replaced as () => unknown }
  Object.defineProperty(prototype, name, next)
  try {
    await work()
  } finally {
    Object.defineProperty(prototype, name, descriptor)
  }
}
