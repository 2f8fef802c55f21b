/** A value now, or a promise of it. Handlers stay synchronous as long as nothing has to be waited for. */
export type Answer<T> = T | Promise<T>

export function then<T, U>(answer: Answer<T>, map: (value: T) => Answer<U>): Answer<U> {
  return answer instanceof Promise ? answer.then(map) : map(answer)
}

export function all<T>(answers: readonly Answer<T>[]): Answer<T[]> {
  for (const answer of answers) {
    if (answer instanceof Promise) return Promise.all(answers)
  }
  return answers as T[]
}
