/**
 * One process at a time for a directory, without native code: Node has no flock. `.lock` names its owner and a generation; who finds it
 * left behind claims the next generation with a file that only one can make (`.lock.<generation>`), and then puts its own `.lock` in
 * place. What is left behind by a crash in between is just another owner that is gone.
 *
 * Whether an owner lives is known for sure only on the same boot of the same machine and in the same pid namespace, by pid and start
 * time (a pid alone may be another process by now). Everywhere else (another container, another machine, a system without /proc) its
 * heartbeat decides: it touches `.lock` once a second, and who wants the directory watches for some seconds.
 */
import { randomUUID } from 'node:crypto'
import * as fs from 'node:fs'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import type { Clock, Timer } from './clock.js'

const LOCK = '.lock'
const CLAIM = /^\.lock\.(\d+)$/
const BEAT_MS = 1000
/** Missed beats of a busy process must not look like death. */
const WATCH_MS = 5000
const ATTEMPTS = 10

/** Somebody else uses the directory. */
export class DirectoryLockedError extends Error {
  override readonly name = 'DirectoryLockedError'
  constructor(
    readonly directory: string,
    readonly pid: number,
  ) {
    super(
      pid === process.pid
        ? `${directory} is in use already by this process: another broker of it has it, or it is named twice.`
        : `${directory} is in use by another process (pid ${pid}): stop that one, or name another directory.`,
    )
  }
}

interface Owner {
  readonly generation: number
  /** 0: the lock is free. */
  readonly pid: number
  /** What tells this process from all others that have had its pid; '' when the system cannot say. */
  readonly started: string
  /** Where its pid means something. */
  readonly place: string
}

const NOBODY: Owner = { generation: 0, pid: 0, started: '', place: '' }

export interface DirectoryLockPorts {
  readonly clock: Clock
  /** Waiting for the heartbeat of an owner that may have gone. */
  readonly onWatch?: (pid: number) => void
  /** Somebody took the directory while we had it: this process was taken for dead. It must stop writing at once. */
  readonly onLost?: () => void
}

export class DirectoryLock {
  private timer: Timer | null = null

  private constructor(
    private readonly directory: string,
    private readonly owner: Owner,
    private readonly ports: DirectoryLockPorts,
  ) {
    this.beat()
  }

  /** Takes the directory, which exists. @throws DirectoryLockedError, or the operating system's error */
  static async acquire(directory: string, ports: DirectoryLockPorts): Promise<DirectoryLock> {
    const foreign = systemLockOn(join(directory, LOCK))
    if (foreign !== null) throw new DirectoryLockedError(directory, foreign)
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const last = lastOwner(directory)
      if (last.pid !== 0 && (await lives(directory, last, ports))) throw new DirectoryLockedError(directory, last.pid)
      const mine = { generation: last.generation + 1, pid: process.pid, ...identity(process.pid) }
      if (claim(directory, mine)) return new DirectoryLock(directory, mine, ports)
    }
    // Ten others were faster, one after the other.
    throw new DirectoryLockedError(directory, lastOwner(directory).pid)
  }

  /** Gives the directory back. Idempotent. */
  release(): void {
    if (this.timer === null) return
    this.timer.cancel()
    this.timer = null
    // The generation stays: it must never go back, or a slow starter could win a claim that is over.
    if (this.isOurs()) replaceLock(this.directory, { ...NOBODY, generation: this.owner.generation })
  }

  private beat(): void {
    this.timer = this.ports.clock.setTimer(BEAT_MS, () => {
      if (!this.isOurs()) {
        this.timer = null
        this.ports.onLost?.()
        return
      }
      this.beat()
      try {
        const now = new Date()
        fs.utimesSync(join(this.directory, LOCK), now, now)
      } catch {
        // A medium that fails is noticed by whoever writes to it; the lock has nothing to add.
      }
    })
  }

  private isOurs(): boolean {
    try {
      return readOwner(join(this.directory, LOCK)).generation === this.owner.generation
    } catch {
      // Unreadable is not taken: the medium has failed.
      return true
    }
  }
}

/**
 * The pid of a process that holds the operating system's lock on a file, null when nobody does or nobody can say: Apache Kafka marks a directory
 * that it uses like that, and not by what its `.lock` says. Node cannot ask the system, but Linux shows it.
 */
function systemLockOn(path: string): number | null {
  const stat = fs.statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return null
  let locks: string
  try {
    locks = fs.readFileSync('/proc/locks', 'latin1')
  } catch {
    return null
  }
  for (const line of locks.split('\n')) {
    // 7: POSIX  ADVISORY  WRITE 17628 fe:00:10420293 0 EOF. One that waits for it has an arrow before its type.
    const match = /^\d+: (?:POSIX|FLOCK|OFDLCK) +\w+ +WRITE +(-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) /.exec(line)
    if (match === null || Number(match[4]) !== stat.ino) continue
    if (deviceNumber(Number.parseInt(match[2]!, 16), Number.parseInt(match[3]!, 16)) === stat.dev)
      return Number(match[1])
  }
  return null
}

/** As glibc's makedev puts major and minor together, for devices of the usual sizes. */
const deviceNumber = (major: number, minor: number): number => (minor & 0xff) + major * 0x100 + (minor >>> 8) * 0x100000

/** The owner that counts: of the highest claim, else of the lock. */
function lastOwner(directory: string): Owner {
  let last = readOwner(join(directory, LOCK))
  for (const name of fs.readdirSync(directory)) {
    const generation = Number(CLAIM.exec(name)?.[1] ?? 0)
    if (generation > last.generation) last = { ...readOwner(join(directory, name)), generation }
  }
  return last
}

/** False when another has been faster. */
function claim(directory: string, mine: Owner): boolean {
  if (!makeClaim(directory, mine)) return false
  // The claim may have been won and given up before: then the lock is of this generation already.
  const won = readOwner(join(directory, LOCK)).generation < mine.generation
  if (won) replaceLock(directory, mine)
  for (const name of fs.readdirSync(directory)) {
    const generation = Number(CLAIM.exec(name)?.[1] ?? Number.NaN)
    if (generation <= mine.generation) fs.rmSync(join(directory, name), { force: true })
  }
  return won
}

/** A link comes into being with all of its content, for one of several that try. */
function makeClaim(directory: string, mine: Owner): boolean {
  const claimed = join(directory, `${LOCK}.${mine.generation}`)
  const temporary = writeTemporary(directory, mine)
  try {
    fs.linkSync(temporary, claimed)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error
  } finally {
    fs.rmSync(temporary, { force: true })
  }
  // A file system without links: the content comes a moment after the name, which only makes others wait and look again.
  try {
    fs.writeFileSync(claimed, JSON.stringify(mine), { flag: 'wx', mode: 0o644 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function replaceLock(directory: string, owner: Owner): void {
  fs.renameSync(writeTemporary(directory, owner), join(directory, LOCK))
}

function writeTemporary(directory: string, owner: Owner): string {
  const temporary = join(directory, `${LOCK}-${randomUUID()}.tmp`)
  fs.writeFileSync(temporary, `${JSON.stringify(owner)}\n`, { mode: 0o644 })
  return temporary
}

/** Nobody when there is no file; Kafka's own is empty. */
function readOwner(path: string): Owner {
  let text: string
  try {
    text = fs.readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NOBODY
    throw error
  }
  try {
    const { generation, pid, started, place } = JSON.parse(text) as Partial<Owner>
    if (typeof generation === 'number' && typeof pid === 'number') {
      return { generation, pid, started: String(started ?? ''), place: String(place ?? '') }
    }
  } catch {
    // Below: a claim that is being written, or was when the machine went down. Its age tells.
  }
  return text === '' && !CLAIM.test(basename(path)) ? NOBODY : { ...NOBODY, pid: -1 }
}

async function lives(directory: string, owner: Owner, ports: DirectoryLockPorts): Promise<boolean> {
  if (owner.started !== '' && owner.place === identity(owner.pid).place) {
    return identity(owner.pid).started === owner.started
  }
  if (owner.place.startsWith(`${hostname()}/`) && owner.started === '' && !isRunning(owner.pid)) return false
  ports.onWatch?.(owner.pid)
  const before = lastTouched(directory)
  await new Promise<void>((resolve) => ports.clock.setTimer(WATCH_MS, resolve))
  return lastTouched(directory) !== before
}

function lastTouched(directory: string): string {
  const touched = (name: string): string => {
    const stat = fs.statSync(join(directory, name), { throwIfNoEntry: false })
    return `${name}:${stat?.mtimeMs ?? 0}`
  }
  const names = fs.readdirSync(directory).filter((name) => name === LOCK || CLAIM.test(name))
  return names.map(touched).join()
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** When the process with this pid was started, and the boot and pid namespace in which we see it so. */
function identity(pid: number): { started: string; place: string } {
  try {
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const namespace = fs.readlinkSync('/proc/self/ns/pid')
    return { started: startOf(pid), place: `${hostname()}/${boot}/${namespace}` }
  } catch {
    return { started: '', place: `${hostname()}/` }
  }
}

/** Clock ticks from boot to the start of the process: field 22 of its stat, behind a name that may contain anything. '' when it is gone. */
function startOf(pid: number): string {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state = '', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A dead process stays visible until its parent has looked.
    return state === 'Z' || state === 'X' ? '' : (fields[18] ?? '')
  } catch {
    return ''
  }
}
