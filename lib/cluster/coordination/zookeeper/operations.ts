/**
 * ZooKeeper's requests and answers (org.apache.zookeeper.ZooDefs, KeeperException, proto/*): the part of the protocol that a
 * coordination engine needs. Paths here are absolute: the chroot has been put in front already.
 */
import { type JuteReader, JuteWriter } from './jute.js'

const OpCode = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  sync: 9,
  getChildren2: 12,
  check: 13,
  multi: 14,
  closeSession: -11,
  auth: 100,
} as const

/** Answers with these xids belong to no request of the caller. */
export const Xid = { NOTIFICATION: -1, PING: -2, AUTH: -4 } as const

/** KeeperException codes that somebody decides on; others are shown by number. */
const errorNames: ReadonlyMap<number, ZooKeeperErrorCode> = new Map([
  [-2, 'RUNTIME_INCONSISTENCY'],
  [-4, 'CONNECTION_LOSS'],
  [-101, 'NO_NODE'],
  [-102, 'NO_AUTH'],
  [-103, 'BAD_VERSION'],
  [-108, 'NO_CHILDREN_FOR_EPHEMERALS'],
  [-110, 'NODE_EXISTS'],
  [-111, 'NOT_EMPTY'],
  [-112, 'SESSION_EXPIRED'],
  [-114, 'INVALID_ACL'],
  [-115, 'AUTH_FAILED'],
  [-118, 'SESSION_MOVED'],
  [-125, 'QUOTA_EXCEEDED'],
])

export type ZooKeeperErrorCode =
  | 'RUNTIME_INCONSISTENCY'
  | 'CONNECTION_LOSS'
  | 'NO_NODE'
  | 'NO_AUTH'
  | 'BAD_VERSION'
  | 'NO_CHILDREN_FOR_EPHEMERALS'
  | 'NODE_EXISTS'
  | 'NOT_EMPTY'
  | 'SESSION_EXPIRED'
  | 'INVALID_ACL'
  | 'AUTH_FAILED'
  | 'SESSION_MOVED'
  | 'QUOTA_EXCEEDED'
  | 'CLOSED'
  | 'OTHER'

/**
 * What ZooKeeper refused, or what became of the connection. CONNECTION_LOSS: the request may have been done or not. SESSION_EXPIRED:
 * the session and its ephemeral nodes are gone. CLOSED: this client was closed.
 */
export class ZooKeeperError extends Error {
  override readonly name = 'ZooKeeperError'
  constructor(
    readonly code: ZooKeeperErrorCode,
    message: string,
    /** For a multi: which of its operations was refused. */
    readonly operation: number = -1,
  ) {
    super(message)
  }
}

export function refusal(error: number, what: string, operation = -1): ZooKeeperError {
  const code = errorNames.get(error) ?? 'OTHER'
  return new ZooKeeperError(
    code,
    `ZooKeeper refused to ${what}: ${code === 'OTHER' ? `error ${error}` : code}`,
    operation,
  )
}

/** A node's facts; zxids are transaction ids of the ensemble, which only rise. */
export interface Stat {
  readonly czxid: number
  readonly mzxid: number
  readonly version: number
  readonly cversion: number
  /** The session that the node dies with, 0n when it is persistent. */
  readonly ephemeralOwner: bigint
  readonly numChildren: number
}

export interface Acl {
  /** Bits: 1 read, 2 write, 4 create, 8 delete, 16 admin. */
  readonly perms: number
  readonly scheme: string
  readonly id: string
}

export const ALL_PERMISSIONS = 31
export const OPEN_ACL: readonly Acl[] = [{ perms: ALL_PERMISSIONS, scheme: 'world', id: 'anyone' }]
/** Only whoever is authenticated as the creator was. */
export const CREATOR_ACL: readonly Acl[] = [{ perms: ALL_PERMISSIONS, scheme: 'auth', id: '' }]

export type CreateMode = 'persistent' | 'ephemeral'

/** One operation of a multi. A version of -1 means any. */
export type Operation =
  | {
      readonly op: 'create'
      readonly path: string
      readonly data: Buffer
      readonly mode: CreateMode
      readonly acl: readonly Acl[]
    }
  | { readonly op: 'delete'; readonly path: string; readonly version: number }
  | { readonly op: 'set'; readonly path: string; readonly data: Buffer; readonly version: number }
  | { readonly op: 'check'; readonly path: string; readonly version: number }

/** A request on its way: its frame without the xid, and how to read the answer. */
export interface Request<T> {
  /** In words, for errors: "create /controller". */
  readonly what: string
  encode(xid: number): Buffer
  decode(reader: JuteReader): T
}

function request<T>(
  what: string,
  code: number,
  write: (writer: JuteWriter) => void,
  decode: (reader: JuteReader) => T,
): Request<T> {
  return {
    what,
    encode(xid) {
      const writer = new JuteWriter().int(xid).int(code)
      write(writer)
      return writer.frame()
    },
    decode,
  }
}

const FLAGS: Readonly<Record<CreateMode, number>> = { persistent: 0, ephemeral: 1 }

export function writeOperation(writer: JuteWriter, operation: Operation): void {
  switch (operation.op) {
    case 'create':
      writer
        .string(operation.path)
        .buffer(operation.data)
        .vector(operation.acl, ({ perms, scheme, id }) => writer.int(perms).string(scheme).string(id))
        .int(FLAGS[operation.mode])
      break
    case 'delete':
    case 'check':
      writer.string(operation.path).int(operation.version)
      break
    case 'set':
      writer.string(operation.path).buffer(operation.data).int(operation.version)
      break
  }
}

const codeOf = { create: OpCode.create, delete: OpCode.delete, set: OpCode.setData, check: OpCode.check } as const

/** The answer is the path that was made, a Stat after `set`, null after the others. */
export function single(operation: Operation): Request<string | Stat | null> {
  const what = `${operation.op} ${operation.path}`
  return request(
    what,
    codeOf[operation.op],
    (writer) => writeOperation(writer, operation),
    (reader) => (operation.op === 'create' ? reader.string() : operation.op === 'set' ? readStat(reader) : null),
  )
}

/** All or nothing. @throws (in decode) ZooKeeperError with the index of the operation that was refused */
export function multi(operations: readonly Operation[]): Request<null> {
  const what = operations.map(({ op, path }) => `${op} ${path}`).join(' + ')
  return request(
    what,
    OpCode.multi,
    (writer) => {
      for (const operation of operations) {
        writer.int(codeOf[operation.op]).bool(false).int(-1)
        writeOperation(writer, operation)
      }
      writer.int(-1).bool(true).int(-1)
    },
    (reader) => readMulti(reader, operations),
  )
}

/** The first real refusal counts: what came before it was rolled back (error 0), what follows was never tried (-2). */
function readMulti(reader: JuteReader, operations: readonly Operation[]): null {
  for (let index = 0; ; index++) {
    const type = reader.int()
    const done = reader.bool()
    reader.int()
    if (done) return null
    if (type === -1) {
      const error = reader.int()
      const operation = operations[index]
      if (error !== 0 && error !== -2 && operation !== undefined) {
        throw refusal(error, `${operation.op} ${operation.path}`, index)
      }
    } else if (type === OpCode.create) reader.string()
    else if (type === OpCode.setData) readStat(reader)
  }
}

export function exists(path: string, watch: boolean): Request<Stat> {
  return request(`look for ${path}`, OpCode.exists, (writer) => writer.string(path).bool(watch), readStat)
}

export function getData(path: string, watch: boolean): Request<{ data: Buffer; stat: Stat }> {
  return request(
    `read ${path}`,
    OpCode.getData,
    (writer) => writer.string(path).bool(watch),
    (reader) => ({ data: reader.buffer() ?? Buffer.alloc(0), stat: readStat(reader) }),
  )
}

export function getChildren(path: string, watch: boolean): Request<{ children: string[]; stat: Stat }> {
  return request(
    `list ${path}`,
    OpCode.getChildren2,
    (writer) => writer.string(path).bool(watch),
    (reader) => ({ children: reader.vector(() => reader.string()), stat: readStat(reader) }),
  )
}

/** Brings the server that we talk to up to date with its leader. */
export function sync(path: string): Request<string> {
  return request(
    `sync ${path}`,
    OpCode.sync,
    (writer) => writer.string(path),
    (reader) => reader.string(),
  )
}

export function closeSession(): Request<null> {
  return request(
    'close the session',
    OpCode.closeSession,
    () => {},
    () => null,
  )
}

export function authFrame(scheme: string, credentials: string): Buffer {
  return new JuteWriter().int(Xid.AUTH).int(OpCode.auth).int(0).string(scheme).buffer(Buffer.from(credentials)).frame()
}

export const pingFrame: Buffer = new JuteWriter().int(Xid.PING).int(11).frame()

export interface Session {
  readonly id: bigint
  readonly password: Buffer
  readonly timeoutMs: number
}

const NO_PASSWORD = Buffer.alloc(16)

export function connectFrame(session: Session | null, timeoutMs: number, lastZxid: number): Buffer {
  return new JuteWriter()
    .int(0)
    .long(BigInt(lastZxid))
    .int(timeoutMs)
    .long(session?.id ?? 0n)
    .buffer(session?.password ?? NO_PASSWORD)
    .bool(false)
    .frame()
}

/** Null when the session that was asked for is no more. */
export function readConnected(reader: JuteReader): Session | null {
  reader.int()
  const timeoutMs = reader.int()
  const id = reader.long()
  const password = reader.buffer() ?? NO_PASSWORD
  return timeoutMs <= 0 || id === 0n ? null : { id, password, timeoutMs }
}

/** What the paths under a watch hear of; the kind of change does not matter to who reads again anyway. */
export function readNotification(reader: JuteReader): { type: number; path: string } {
  const type = reader.int()
  reader.int()
  return { type, path: reader.string() }
}

function readStat(reader: JuteReader): Stat {
  const czxid = reader.safeLong()
  const mzxid = reader.safeLong()
  reader.long()
  reader.long()
  const version = reader.int()
  const cversion = reader.int()
  reader.int()
  const ephemeralOwner = reader.long()
  reader.int()
  const numChildren = reader.int()
  reader.long()
  return { czxid, mzxid, version, cversion, ephemeralOwner, numChildren }
}
