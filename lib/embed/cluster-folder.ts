/**
 * The folder of a cluster whose brokers run in one process: `broker-<id>` for each of them, and `metadata` with what they agree on. Belongs to one
 * cluster and to one process at a time; who does not fit is refused before anything is changed.
 */
import { METADATA_FOLDER, MetadataLog } from '../cluster/coordination/metadata-log.js'
import type { Clock } from '../host/clock.js'
import { DirectoryLock, DirectoryLockedError } from '../host/directory-lock.js'
import type { Disk } from '../host/disk.js'
import type { Logger } from '../host/logger.js'
import { NodeDisk } from '../host/node-disk.js'
import { META_PROPERTIES, type MetaProperties, parseMetaProperties } from '../log/meta-properties.js'
import { StartError } from '../server/options.js'

/** `metadata.log.max.record.bytes.between.snapshots`: Kafka's default. */
const SNAPSHOT_AFTER_BYTES = 20 * 1024 * 1024
/** `metadata.log.max.snapshot.interval.ms`: Kafka's default. */
const SNAPSHOT_AFTER_MS = 3_600_000
const METADATA = 'metadata'
const BROKER_FOLDER = /^broker-(\d+)$/

export const brokerFolder = (brokerId: number): string => `broker-${brokerId}`

export interface ClusterFolderOptions {
  readonly dataDir: string
  readonly brokerIds: readonly number[]
}

export interface ClusterFolderPorts {
  readonly clock: Clock
  readonly logger: Logger
  /** Nothing can be agreed on any more: the cluster must stop. */
  onFatal(reason: string): void
}

export interface ClusterFolder {
  /** Null: nobody has kept anything there. */
  readonly clusterId: string | null
  readonly journal: MetadataLog
  close(): Promise<void>
}

/** @throws StartError */
export async function openClusterFolder(
  { dataDir, brokerIds }: ClusterFolderOptions,
  { clock, logger, onFatal }: ClusterFolderPorts,
): Promise<ClusterFolder> {
  // The brokers' folders would be in the root of the file system.
  if (dataDir === '') throw refusal('dataDir is empty: name a directory, or leave it out to keep everything in memory.')
  // The brokers name theirs in log.dirs, which is a list.
  if (dataDir.includes(',') || dataDir !== dataDir.trim()) {
    throw refusal(
      `${JSON.stringify(dataDir)} has a comma, or a blank at an end: log.dirs cannot say it. Name another directory.`,
    )
  }
  try {
    const clusterId = whose(dataDir, brokerIds, new NodeDisk({ root: dataDir }))
    const directory = `${dataDir}/${METADATA}`
    const disk = new NodeDisk({ root: directory })
    // Each broker locks its own folder; two processes with different brokers would meet here only.
    const lock = await DirectoryLock.acquire(disk.root, {
      clock,
      onLost: () => onFatal(`Another process has taken ${directory} over: it took this one for dead.`),
    })
    const journal = new MetadataLog(
      { directory, snapshotAfterBytes: SNAPSHOT_AFTER_BYTES, snapshotAfterMs: SNAPSHOT_AFTER_MS },
      { disk, clock, logger, onBroken: ({ message }) => onFatal(message) },
    )
    return {
      clusterId,
      journal,
      async close() {
        await journal.close()
        lock.release()
      },
    }
  } catch (error) {
    if (error instanceof StartError) throw error
    if (error instanceof DirectoryLockedError)
      throw new StartError('ERR_ODRADEK_LOCKED', error.message, { cause: error })
    throw refusal(`The data directory ${dataDir} cannot be used: ${(error as Error).message}`)
  }
}

/** The id of the cluster that the folder belongs to, null when it is new. Only looks. @throws StartError */
function whose(dataDir: string, brokerIds: readonly number[], disk: Disk): string | null {
  if (disk.exists(META_PROPERTIES) || disk.exists(METADATA_FOLDER)) {
    throw refusal(
      `${dataDir} is the directory of a single broker: start that one without --brokers and --broker-ids, or name another directory.`,
    )
  }
  const found = disk.list('').flatMap((name) => ownerOf(dataDir, name, disk) ?? [])
  const [first] = found
  const hasMetadata = disk.list(`${METADATA}/${METADATA_FOLDER}`).length > 0
  if (first === undefined) {
    if (!hasMetadata) return null
    throw refusal(
      `${dataDir} has the metadata of a cluster, but none of its brokers' folders (${brokerFolder(brokerIds[0]!)} ...). Put them back, or name another directory.`,
    )
  }
  const { clusterId } = first.meta
  const foreign = found.find(({ meta }) => meta.clusterId !== clusterId)
  if (foreign !== undefined) {
    throw refusal(
      `${dataDir}/${first.name} belongs to the cluster ${clusterId} and ${dataDir}/${foreign.name} to the cluster ${foreign.meta.clusterId}: name directories of one cluster.`,
    )
  }
  const misplaced = found.find(({ name, meta }) => name !== brokerFolder(meta.nodeId))
  if (misplaced !== undefined) {
    throw refusal(
      `${dataDir}/${misplaced.name} belongs to broker ${misplaced.meta.nodeId}: give it that broker's name.`,
    )
  }
  const known = found.map(({ meta }) => meta.nodeId).sort((one, other) => one - other)
  if (!brokerIds.some((id) => known.includes(id))) {
    throw refusal(
      `${dataDir} belongs to the brokers ${known.join(', ')}, and these are ${brokerIds.join(', ')}: start with --broker-ids ${known.join(',')}, or name another directory.`,
    )
  }
  if (!hasMetadata) {
    throw refusal(
      `${dataDir} has brokers, but the cluster's metadata (${METADATA}/${METADATA_FOLDER}) is gone. Put it back, or name another directory.`,
    )
  }
  return clusterId
}

/** Null: no broker's folder, or one that was never used. */
function ownerOf(dataDir: string, name: string, disk: Disk): { name: string; meta: MetaProperties } | null {
  if (!BROKER_FOLDER.test(name)) return null
  const path = `${name}/${META_PROPERTIES}`
  const text = disk.readFile(path)?.toString('utf8')
  if (text === undefined) return null
  const meta = parseMetaProperties(text)
  if ('problem' in meta) {
    throw refusal(`${dataDir}/${path} ${meta.problem}. Name another directory or put the file right.`)
  }
  return { name, meta }
}

function refusal(message: string): StartError {
  return new StartError('ERR_ODRADEK_DATA_DIR', message)
}
