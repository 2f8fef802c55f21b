import { totalmem } from 'node:os'

/** Memory this process may have: the container's limit where there is one, else the machine's. */
export function machineMemoryBytes(): number {
  const limit = process.constrainedMemory?.() ?? 0
  const total = totalmem()
  // Without a limit Node gives 0, or a number above any machine's memory.
  return limit > 0 && limit < total ? limit : total
}
