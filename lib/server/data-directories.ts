/**
 * Opens log directories: locks them, checks that they are this broker's and fit together, marks new ones. Nothing is changed in any of
 * them before all have been looked at.
 */
import { METADATA_FOLDER, MetadataLog, type MetadataLogPorts } from '../cluster/coordination/metadata-log.js'
import { DirectoryLock, DirectoryLockedError } from '../host/directory-lock.js'
import { type Disk, DiskError } from '../host/disk.js'
import { diskError } from '../host/disk-path.js'
import { NO_PRESSURE } from '../host/memory-budget.js'
import { NodeDisk } from '../host/node-disk.js'
import { isFolder, LogDir } from '../log/log-dir.js'
import {
  formatMetaProperties,
  META_PROPERTIES,
  type MetaProperties,
  parseMetaProperties,
} from '../log/meta-properties.js'
import type { BrokerConfig } from '../metadata/broker-config.js'
import { StartError } from './options.js'
import { dataDirectories, OPEN_SHARE, type Storage, type StoragePorts } from './storage.js'

interface DataDirectoriesOptions {
  readonly paths: readonly string[]
  /** `metadata.log.dir`: one of them or another. */
  readonly metadataPath: string
  /** Null: the directories say. */
  readonly clusterId: string | null
}

interface Found {
  readonly path: string
  readonly disk: Disk
  /** Null: a directory that was never used. */
  readonly meta: MetaProperties | null
}

const PARTITION_FOLDER = /^[a-zA-Z0-9._-]+-\d+$/

/** @throws StartError */
export async function openDataDirectories(
  options: DataDirectoriesOptions,
  config: BrokerConfig,
  ports: StoragePorts,
): Promise<Storage> {
  const { brokerId } = config
  const locks: DirectoryLock[] = []
  let lost = false
  let onLost: (message: string) => void = () => {}
  const release = (): void => {
    for (const lock of locks) lock.release()
  }
  try {
    const found: Found[] = []
    for (const path of new Set([options.metadataPath, ...options.paths])) {
      const disk = ports.disks?.get(path) ?? openDisk(path)
      if (disk instanceof NodeDisk) locks.push(await lock(path, disk, ports, (message) => onLost(message)))
      found.push({ path, disk, meta: readMeta(path, disk) })
    }
    const clusterId = agreedCluster(found, options.clusterId) ?? ports.random.topicId()
    checkOwner(found, brokerId)
    checkIds(found)
    // The metadata of a cluster of several lies with whatever coordinates them.
    const keepsMetadata = ports.coordination === null
    if (keepsMetadata) checkMetadataPlace(found)
    const opened = found.map(({ path, disk, meta }) => {
      const directoryId = meta?.directoryId || ports.random.topicId()
      const now = { clusterId, nodeId: brokerId, directoryId }
      if (meta === null || meta.directoryId === '') write(path, disk, formatMetaProperties(now))
      return new LogDir({ path, id: directoryId }, disk)
    })
    const metadataDirectory = opened[0]!
    const storage: Storage = {
      clusterId,
      directories: options.paths.map((path) => opened.find((one) => one.path === path)!),
      metadataDirectory: keepsMetadata ? metadataDirectory : null,
      journal: keepsMetadata
        ? openJournal(metadataDirectory, config, {
            ...ports,
            onBroken: ({ message }) => storage.onFatal?.(message),
          })
        : null,
      pressure: ports.memory?.pressure ?? NO_PRESSURE,
      logOptions: ports.memory === null ? {} : { openBytesMax: ports.memory.limitBytes / OPEN_SHARE },
      onFatal: null,
      get isLost() {
        return lost
      },
      async close() {
        await storage.journal?.close()
        release()
      },
    }
    onLost = (message) => {
      lost = true
      storage.onFatal?.(message)
    }
    return storage
  } catch (error) {
    release()
    throw error
  }
}

function openDisk(path: string): NodeDisk {
  try {
    return new NodeDisk({ root: path })
  } catch (error) {
    throw unusable(path, error)
  }
}

function openJournal(directory: LogDir, config: BrokerConfig, ports: Omit<MetadataLogPorts, 'disk'>): MetadataLog {
  const snapshotAfterBytes = config.number('metadata.log.max.record.bytes.between.snapshots')
  const snapshotAfterMs = config.number('metadata.log.max.snapshot.interval.ms')
  const options = { directory: directory.path, snapshotAfterBytes, snapshotAfterMs }
  return new MetadataLog(options, { ...ports, disk: directory.disk })
}

async function lock(
  path: string,
  disk: NodeDisk,
  { clock, logger }: StoragePorts,
  onLost: (message: string) => void,
): Promise<DirectoryLock> {
  try {
    return await DirectoryLock.acquire(disk.root, {
      clock,
      onWatch: (pid) =>
        logger.info(
          `${path} was in use by a process that cannot be seen from here (pid ${pid}): looking whether it lives.`,
        ),
      onLost: () => onLost(`Another process has taken ${path} over: it took this one for dead.`),
    })
  } catch (error) {
    if (error instanceof DirectoryLockedError)
      throw new StartError('ERR_ODRADEK_LOCKED', error.message, { cause: error })
    throw unusable(path, diskError('write to', path, error))
  }
}

function readMeta(path: string, disk: Disk): MetaProperties | null {
  let text: string | undefined
  try {
    text = disk.readFile(META_PROPERTIES)?.toString('utf8')
    if (text === undefined) {
      const partition = partitionIn(disk)
      if (partition === undefined) return null
      if (disk.exists(`${partition}/${META_PROPERTIES}`)) {
        throw refusal(
          `${path} is the folder of several brokers (${partition} ...): start them with --brokers or --broker-ids, or name another directory.`,
        )
      }
      throw refusal(
        `${path} has partitions (${partition}) but no ${META_PROPERTIES}, which says whose they are. Put that file back, or name another directory.`,
      )
    }
  } catch (error) {
    throw unusable(path, error)
  }
  const meta = parseMetaProperties(text)
  if ('problem' in meta)
    throw refusal(`${path}/${META_PROPERTIES} ${meta.problem}. Name another directory or put the file right.`)
  return meta
}

const partitionIn = (disk: Disk): string | undefined =>
  disk.list('').find((name) => PARTITION_FOLDER.test(name) && isFolder(disk, name))

/** The cluster that the directories of these broker configs belong to; null when they are new or kept nowhere. @throws StartError */
export function clusterOf(values: Readonly<Record<string, string>>): string | null {
  const found = dataDirectories(values).map((path) => {
    const disk = openDisk(path)
    return { path, disk, meta: readMeta(path, disk) }
  })
  return agreedCluster(found, null)
}

/** The cluster that all directories and the options agree on; null when nobody names one. */
function agreedCluster(found: readonly Found[], wanted: string | null): string | null {
  const named = found.filter((one) => one.meta !== null)
  const [first] = named
  if (first === undefined) return wanted
  const { clusterId } = first.meta!
  const other = named.find((one) => one.meta!.clusterId !== clusterId)
  if (other !== undefined) {
    throw refusal(
      `${first.path} belongs to the cluster ${clusterId} and ${other.path} to the cluster ${other.meta!.clusterId}: name directories of one cluster.`,
    )
  }
  if (wanted !== null && wanted !== clusterId) {
    throw refusal(`${first.path} belongs to the cluster ${clusterId}, not to ${wanted}.`)
  }
  return clusterId
}

function checkOwner(found: readonly Found[], brokerId: number): void {
  const foreign = found.find(({ meta }) => meta !== null && meta.nodeId !== brokerId)
  if (foreign === undefined) return
  const { nodeId } = foreign.meta!
  throw refusal(
    `${foreign.path} belongs to broker ${nodeId}, and this is broker ${brokerId}: start with --id ${nodeId} (node.id=${nodeId}), or name another directory.`,
  )
}

/** One that was copied has the id of the other: where a replica lies would not be known, and of each partition that both have one log would be set aside. */
function checkIds(found: readonly Found[]): void {
  const paths = new Map<string, string>()
  for (const { path, meta } of found) {
    if (meta === null || meta.directoryId === '') continue
    const other = paths.get(meta.directoryId)
    if (other !== undefined) {
      throw refusal(
        `${other} and ${path} have the same directory.id ${meta.directoryId}, one is a copy of the other: name only one, or take that line out of a ${META_PROPERTIES}.`,
      )
    }
    paths.set(meta.directoryId, path)
  }
}

/** The metadata is in its directory, the first of all, or nowhere: without it every partition would be a stranger. */
function checkMetadataPlace(found: readonly Found[]): void {
  const [first, ...others] = found
  if (first!.disk.exists(METADATA_FOLDER)) return
  const elsewhere = others.find(({ disk }) => disk.exists(METADATA_FOLDER))
  if (elsewhere !== undefined) {
    throw refusal(`The cluster's metadata is in ${elsewhere.path}: name that directory first (or as metadata.log.dir).`)
  }
  const orphan = found.find(({ disk }) => partitionIn(disk) !== undefined)
  if (orphan === undefined) return
  throw refusal(
    `${orphan.path} has partitions, but the cluster's metadata (${METADATA_FOLDER}) is gone. Put it back, or name another directory.`,
  )
}

function write(path: string, disk: Disk, text: string): void {
  try {
    disk.writeFile(META_PROPERTIES, Buffer.from(text))
  } catch (error) {
    throw unusable(path, error)
  }
}

function unusable(path: string, error: unknown): StartError {
  if (error instanceof StartError) return error
  const message = error instanceof DiskError || error instanceof Error ? error.message : String(error)
  return new StartError('ERR_ODRADEK_DATA_DIR', `The data directory ${path} cannot be used: ${message}`, {
    cause: error,
  })
}

function refusal(message: string): StartError {
  return new StartError('ERR_ODRADEK_DATA_DIR', message)
}
