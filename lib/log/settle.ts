/** Waits for all, then fails with the first failure: nobody is left running behind the caller's back. */
export async function settle(promises: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(promises)) {
    if (outcome.status === 'rejected') throw outcome.reason
  }
}
