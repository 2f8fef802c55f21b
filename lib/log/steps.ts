/**
 * Long work cut into steps, so that whoever has time runs it at once and whoever shares the loop rests in between. A step that yields
 * null could be followed by a rest; one that yields a promise goes on with what that resolves to.
 */

// biome-ignore lint/suspicious/noExplicitAny: what is sent back is what the yielded promise held, null after null.
export type Steps<T> = Generator<Promise<unknown> | null, T, any>

/** Runs all steps at once. Only for work that waits for nothing. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next(null)
    if (step.done === true) return step.value
    if (step.value !== null) throw new Error('these steps wait for another thread and cannot be run at once')
  }
}

/** Runs the steps with a rest wherever `rest` wants one (it answers null to go on): at once when there is nothing to wait for. */
export function walkThrough<T>(steps: Steps<T>, rest: () => Promise<void> | null): T | Promise<T> {
  for (;;) {
    const step = steps.next(null)
    if (step.done === true) return step.value
    const wait = step.value ?? rest()
    if (wait !== null) return goOn(steps, wait, rest)
  }
}

async function goOn<T>(steps: Steps<T>, first: Promise<unknown>, rest: () => Promise<void> | null): Promise<T> {
  let wait: Promise<unknown> | null = first
  for (;;) {
    const step: IteratorResult<Promise<unknown> | null, T> = await settle(steps, wait)
    if (step.done === true) return step.value
    wait = step.value ?? rest()
  }
}

/** The next step, with what `wait` came to: an error is thrown where it was yielded. */
async function settle<T>(
  steps: Steps<T>,
  wait: Promise<unknown> | null,
): Promise<IteratorResult<Promise<unknown> | null, T>> {
  if (wait === null) return steps.next(null)
  let outcome: unknown
  try {
    outcome = await wait
  } catch (error) {
    return steps.throw(error)
  }
  return steps.next(outcome)
}

/** In this turn when `value` is there, later when it comes. */
export function after<T>(value: T | Promise<T>, next: (value: T) => void | Promise<void>): void | Promise<void> {
  return value instanceof Promise ? value.then(next) : next(value)
}
