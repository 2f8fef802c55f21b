/**
 * The metadata log as znodes: batches, the head that says where they end, and snapshots that bound their number. Stateless apart
 * from the connection; `ZooKeeperCoordination` keeps the positions.
 */
import { buildBatch } from '../../../../protocol/batch/builder.js'
import { decodeBatch } from '../../../../protocol/batch/records.js'
import type { Logger } from '../../../host/logger.js'
import { CompressionCode, compress, decompress } from '../../../log/compression/index.js'
import type { MetadataRecord } from '../../../metadata/records.js'
import { decodeRecord, encodeRecord } from '../metadata-codec.js'
import type { ZooKeeperClient } from './client.js'
import type { Acl, Operation } from './operations.js'
import { ZooKeeperError } from './operations.js'
import {
  CONTROLLER_EPOCH,
  HEAD,
  headBytes,
  LOG,
  logPath,
  readHead,
  readSnapshotPointer,
  SNAPSHOT,
  SNAPSHOTS,
  snapshotBytes,
  snapshotFolder,
} from './znodes.js'

/** A server takes requests up to 1 MB (`jute.maxbuffer`), with some room for the paths. */
const NODE_BYTES_MAX = 960 * 1024
const NOTHING = Buffer.alloc(0)
const COMPRESS_ABOVE_BYTES = 32 * 1024
const SNAPSHOT_RECORDS_PER_PART = 4000
/** Deletions sent as one multi. */
const DELETED_AT_ONCE = 200

/** Connections that one append may break. */
const ATTEMPTS = 5

export interface Head {
  readonly nextOffset: number
  /** Of the node, for the next write. */
  readonly version: number
}

/** The right to append: the epoch, and the version of its node by which everyone with an older one is refused. */
export interface Fence {
  readonly epoch: number
  readonly version: number
}

interface Append {
  readonly batch: Buffer
  /** Where it goes. */
  readonly at: Head
  /** Records in it. */
  readonly count: number
  readonly fence: Fence
}

export class SharedLog {
  constructor(
    private readonly acl: readonly Acl[],
    private readonly nodeBytesMax: number = NODE_BYTES_MAX,
  ) {}

  /** Null when ZooKeeper would not take it: the batch has to be made of fewer changes. */
  encode(records: readonly MetadataRecord[], baseOffset: number): Buffer | null {
    const inputs = records.map((record) => ({ key: null, value: encodeRecord(record) }))
    const size = inputs.reduce((sum, { value }) => sum + value.length, 0)
    const compression = size > COMPRESS_ABOVE_BYTES ? CompressionCode.gzip : CompressionCode.none
    const batch = buildBatch(inputs, { baseOffset, baseTimestamp: 0, maxTimestamp: 0, compression, compress })
    return batch.length > this.nodeBytesMax ? null : batch
  }

  /** The records as few batches of which each fits into a node. @throws RangeError for a record that fits into none */
  private encodeParts(records: readonly MetadataRecord[], baseOffset: number): Buffer[] {
    const whole = records.length > SNAPSHOT_RECORDS_PER_PART ? null : this.encode(records, baseOffset)
    if (whole !== null) return [whole]
    if (records.length === 1) throw new RangeError(`a ${records[0]!.type} is larger than a ZooKeeper node`)
    const half = Math.ceil(records.length / 2)
    return [
      ...this.encodeParts(records.slice(0, half), baseOffset),
      ...this.encodeParts(records.slice(half), baseOffset + half),
    ]
  }

  /** @throws ProtocolError for a batch that is damaged, or that a newer version has written */
  decode(batch: Buffer): MetadataRecord[] {
    return decodeBatch(batch, decompress).map(({ value }) => decodeRecord(Buffer.from(value ?? NOTHING)))
  }

  async head(client: ZooKeeperClient, watch: (() => void) | null): Promise<Head> {
    const found = await client.get(HEAD, watch)
    if (found === null)
      throw new ZooKeeperError('NO_NODE', `The node ${HEAD} is gone: somebody has deleted the cluster's log.`)
    return { nextOffset: readHead(found.data), version: found.stat.version }
  }

  /** The batch that begins at `offset`; null when a snapshot has replaced it. */
  async batch(client: ZooKeeperClient, offset: number): Promise<Buffer | null> {
    return (await client.get(logPath(offset)))?.data ?? null
  }

  /**
   * Appends; asks the log itself when the connection breaks. False: every attempt breaks it and none is done, as when it is more than a server takes
   * at once (`jute.maxbuffer`). @throws ZooKeeperError CONNECTION_LOSS when nobody knows what became of it, or the connection goes on breaking
   */
  async write(client: () => ZooKeeperClient, change: Append, logger: Logger): Promise<boolean> {
    const operations = this.#operations(change)
    for (let attempt = 1; ; attempt++) {
      const present = client()
      try {
        await present.multi(operations)
        return true
      } catch (error) {
        const isLost = error instanceof ZooKeeperError && error.code === 'CONNECTION_LOSS' && present === client()
        const outcome = isLost ? await this.#outcome(present, change, logger) : 'unknown'
        if (outcome === 'written') return true
        if (outcome === 'unknown') throw error
        if (attempt < ATTEMPTS) continue
        if (change.batch.length > COMPRESS_ABOVE_BYTES) return false
        throw error
      }
    }
  }

  /** What one append does, all or nothing: 0 the fence, 1 the batch, 2 the head. */
  #operations({ batch, at, count, fence }: Append): Operation[] {
    return [
      { op: 'check', path: CONTROLLER_EPOCH, version: fence.version },
      { op: 'create', path: logPath(at.nextOffset), data: batch, mode: 'persistent', acl: this.acl },
      { op: 'set', path: HEAD, data: headBytes(at.nextOffset + count), version: at.version },
    ]
  }

  /** The connection broke during an append. After a sync nothing of the old connection can still arrive: the log tells. */
  async #outcome(
    client: ZooKeeperClient,
    { at, batch }: Append,
    logger: Logger,
  ): Promise<'written' | 'not written' | 'unknown'> {
    try {
      await client.sync(HEAD)
      const head = await this.head(client, null)
      if (head.nextOffset === at.nextOffset) return 'not written'
      const there = await this.batch(client, at.nextOffset)
      return there?.equals(batch) === true && head.version === at.version + 1 ? 'written' : 'unknown'
    } catch (error) {
      logger.warn(`It is not known whether the last change reached ZooKeeper: ${String(error)}`)
      return 'unknown'
    }
  }

  /** The newest snapshot; null when there is none. Reads again when a newer one replaced it meanwhile. */
  async snapshot(client: ZooKeeperClient): Promise<{ records: MetadataRecord[]; offset: number } | null> {
    for (;;) {
      const found = await client.get(SNAPSHOT)
      if (found === null) return null
      const pointer = readSnapshotPointer(found.data)
      const folder = snapshotFolder(pointer)
      const read = await Promise.all(
        Array.from({ length: pointer.parts }, (_, part) => client.get(`${folder}/${part}`)),
      )
      if (read.some((part) => part === null)) continue
      return { offset: pointer.offset, records: read.flatMap((part) => this.decode(part!.data)) }
    }
  }

  /**
   * Writes a snapshot of everything up to `offset` and removes what it replaces: all older batches and all snapshots but the last
   * two, so that who is reading one can finish. @throws ZooKeeperError BAD_VERSION when the lease is lost
   */
  async compact(
    client: ZooKeeperClient,
    { records, offset }: { readonly records: readonly MetadataRecord[]; readonly offset: number },
    lease: Fence,
  ): Promise<void> {
    const parts = this.encodeParts(records, 0)
    const pointer = { offset, epoch: lease.epoch, parts: parts.length }
    const folder = snapshotFolder(pointer)
    const create = (path: string, data: Buffer) => client.create(path, { data, mode: 'persistent', acl: this.acl })
    await ignoring('NODE_EXISTS', create(folder, Buffer.alloc(0)))
    for (const [part, bytes] of parts.entries()) await ignoring('NODE_EXISTS', create(`${folder}/${part}`, bytes))
    const fence: Operation = { op: 'check', path: CONTROLLER_EPOCH, version: lease.version }
    const data = snapshotBytes(pointer)
    const exists = (await client.exists(SNAPSHOT)) !== null
    await client.multi([
      fence,
      exists
        ? { op: 'set', path: SNAPSHOT, data, version: -1 }
        : { op: 'create', path: SNAPSHOT, data, mode: 'persistent', acl: this.acl },
    ])
    await this.#removeBatches(client, offset, fence)
    await this.#removeSnapshots(client, fence)
  }

  async #removeBatches(client: ZooKeeperClient, offset: number, fence: Operation): Promise<void> {
    const names = (await client.children(LOG)) ?? []
    const old = names.filter((name) => Number(name) <= offset)
    for (let at = 0; at < old.length; at += DELETED_AT_ONCE) {
      const some = old.slice(at, at + DELETED_AT_ONCE)
      await client.multi([
        fence,
        ...some.map((name): Operation => ({ op: 'delete', path: `${LOG}/${name}`, version: -1 })),
      ])
    }
  }

  async #removeSnapshots(client: ZooKeeperClient, fence: Operation): Promise<void> {
    const names = (await client.children(SNAPSHOTS)) ?? []
    for (const name of names.slice(0, -2)) {
      const folder = `${SNAPSHOTS}/${name}`
      const parts = (await client.children(folder)) ?? []
      const paths = [...parts.map((part) => `${folder}/${part}`), folder]
      await client.multi([fence, ...paths.map((path): Operation => ({ op: 'delete', path, version: -1 }))])
    }
  }
}

export async function ignoring(code: ZooKeeperError['code'], action: Promise<void>): Promise<void> {
  try {
    await action
  } catch (error) {
    if (!(error instanceof ZooKeeperError) || error.code !== code) throw error
  }
}
