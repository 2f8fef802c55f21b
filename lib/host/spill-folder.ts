/**
 * The temporary folder of a broker whose records have outgrown its memory: `odradek-<pid>-<host>-<random>`, for its owner's eyes only,
 * made when it is needed, removed when it is closed or the process ends. What a killed process left is removed by the next start.
 */
import * as fs from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Clock, Timer } from './clock.js'
import { diskError } from './disk-path.js'
import type { Logger } from './logger.js'
import { NodeDisk } from './node-disk.js'
import type { SpillTarget } from './spill.js'

/** Descriptors that one folder keeps open: a test's process has others to open. */
const OPEN_FILES_MAX = 128
/** File system types that are memory (statfs(2)): moving records there frees nothing. */
const MEMORY_FILE_SYSTEMS = new Set([0x01021994, 0x858458f6])
const ON_DISK_FOLDER = '/var/tmp'
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Host names differ between containers that share a temporary folder and not their process ids. */
const host = (): string =>
  hostname()
    .replaceAll(/[^A-Za-z0-9.]/g, '_')
    .slice(0, 64)
const FOLDER = /^odradek-(\d+)-(.*)-[A-Za-z0-9]{6}$/

/** Systems remove what nobody has touched in a temporary folder for three days (macOS), seven or ten. */
const TOUCH_MS = 12 * 60 * 60 * 1000

/** What a sweep that finds nothing does. `fs.promises` has the same, but loading it costs every start 2 ms. */
const readdir = promisify(fs.readdir)

/** Folders of this process. */
const live = new Set<string>()

/** @throws DiskError */
export function openSpillFolder(
  ports: { logger: Logger; clock: Clock },
  parent = defaultParent(ports.logger),
): SpillTarget {
  let root: string
  try {
    // 0700 by mkdtemp.
    root = fs.mkdtempSync(join(parent, `odradek-${process.pid}-${host()}-`))
  } catch (error) {
    throw diskError('make a folder for records in', parent, error)
  }
  if (live.size === 0) watchEnd()
  live.add(root)
  const touching = touchNowAndThen(root, ports)
  return {
    disk: new NodeDisk({ root, openFilesMax: OPEN_FILES_MAX }),
    name: root,
    async close() {
      touching.cancel()
      await fs.promises.rm(root, { recursive: true, force: true })
      live.delete(root)
      if (live.size === 0) unwatchEnd()
    },
  }
}

/** Records may wait in there for longer than others keep temporary files. */
function touchNowAndThen(root: string, ports: { logger: Logger; clock: Clock }): Timer {
  let timer: Timer
  const wait = (): void => {
    timer = ports.clock.setTimer(TOUCH_MS, () => {
      wait()
      void touch(root, ports.logger)
    })
  }
  wait()
  return { cancel: () => timer.cancel() }
}

async function touch(root: string, logger: Logger): Promise<void> {
  const now = new Date(Date.now())
  for (const name of [...(await namesIn(root, logger)), '.']) {
    await fs.promises.utimes(join(root, name), now, now).catch((error: NodeJS.ErrnoException) => {
      // A file may have been removed meanwhile.
      if (error.code !== 'ENOENT') logger.debug(`${join(root, name)} cannot be touched: ${String(error)}`)
    })
  }
}

/** The system's temporary folder; where that is memory and nobody has chosen it (TMPDIR), one on disk. */
function defaultParent(logger: Logger): string {
  const folder = tmpdir()
  if (!isMemory(folder)) return folder
  if (process.env['TMPDIR'] === undefined && fs.existsSync(ON_DISK_FOLDER) && !isMemory(ON_DISK_FOLDER)) {
    return ON_DISK_FOLDER
  }
  logger.warn(`${folder} lies in memory: set TMPDIR to a folder on a disk, or moving records there frees nothing.`)
  return folder
}

function isMemory(folder: string): boolean {
  try {
    return MEMORY_FILE_SYSTEMS.has(fs.statfsSync(folder).type)
  } catch {
    // A system that cannot say (Windows) has no such thing.
    return false
  }
}

/** Removes what processes of this host that are gone have left. Resolves with how many folders went. */
export async function sweepSpillFolders(ports: { logger: Logger }, parents = sweptParents()): Promise<number> {
  let swept = 0
  for (const parent of parents) {
    for (const name of await namesIn(parent, ports.logger)) {
      const [, pid, owner] = FOLDER.exec(name) ?? []
      if (pid === undefined || owner !== host()) continue
      const folder = join(parent, name)
      try {
        if (!(await isLeftover(folder, Number(pid)))) continue
        await fs.promises.rm(folder, { recursive: true, force: true })
        swept += 1
        ports.logger.info(`Removed ${folder}, left behind by a broker that was killed.`)
      } catch (error) {
        ports.logger.debug(`${folder} cannot be removed: ${String(error)}`)
      }
    }
  }
  return swept
}

function sweptParents(): string[] {
  return [...new Set([tmpdir(), ...(fs.existsSync(ON_DISK_FOLDER) ? [ON_DISK_FOLDER] : [])])]
}

async function namesIn(parent: string, logger: Logger): Promise<string[]> {
  try {
    return await readdir(parent)
  } catch (error) {
    logger.debug(`${parent} cannot be searched for leftovers: ${String(error)}`)
    return []
  }
}

async function isLeftover(folder: string, pid: number): Promise<boolean> {
  const stat = await fs.promises.lstat(folder)
  if (!stat.isDirectory() || (process.getuid !== undefined && stat.uid !== process.getuid())) return false
  // Our own process id on an older folder: in a container every broker is process 1.
  if (pid === process.pid) return stat.mtimeMs < Date.now() - process.uptime() * 1000 - 1000
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

function watchEnd(): void {
  process.on('exit', removeAll)
  // In front of others: one that listens `once` must still be counted.
  for (const signal of SIGNALS) process.prependListener(signal, onSignal)
}

function unwatchEnd(): void {
  process.off('exit', removeAll)
  for (const signal of SIGNALS) process.off(signal, onSignal)
}

function removeAll(): void {
  for (const root of live) fs.rmSync(root, { recursive: true, force: true })
  live.clear()
}

/** Nobody else listens: the signal would have ended the process, and still does. Else whoever listens decides. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return
  removeAll()
  unwatchEnd()
  process.kill(process.pid, signal)
}
