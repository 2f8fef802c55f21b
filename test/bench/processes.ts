/** Processor time and memory of other processes, from /proc. */
import { readdirSync, readFileSync } from 'node:fs'

/** USER_HZ of Linux. */
const TICKS_PER_SECOND = 100

/** User and system time in seconds; 0 where there is no /proc. */
export function cpuSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name may contain spaces: fields are counted from its closing parenthesis.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  } catch {
    return 0
  }
}

/** Resident memory in MB; NaN where there is no /proc. */
export function residentMegabytes(pid: number): number {
  try {
    const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return Number(match?.[1]) / 1024
  } catch {
    return Number.NaN
  }
}

/** The process whose program ends in `program` and whose command line contains `text`. */
export function findProcess(program: string, text: string): number {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const [first = '', ...rest] = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0')
      if (first.endsWith(program) && rest.some((argument) => argument.includes(text))) return Number(name)
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new Error(`no process ${program} with ${text}`)
}
