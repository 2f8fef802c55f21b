import { ApiVersions, Fetch, Heartbeat, Metadata } from '../../../../protocol/index.js'
import type { Connection } from '../connection.js'
import { type Scene, scenario } from '../scenario.js'

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** A frame with a request header v1 and any body. */
function frame(apiKey: number, apiVersion: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(10)
  header.writeInt16BE(apiKey, 0)
  header.writeInt16BE(apiVersion, 2)
  header.writeInt32BE(7, 4)
  header.writeInt16BE(-1, 8)
  return Buffer.concat([int32(header.length + body.length), header, body])
}

const apiVersions0 = () => frame(18, 0)

async function sends(c: Scene, what: string, bytes: Buffer): Promise<Connection> {
  const connection = await c.connect()
  connection.write(bytes)
  c.noteOutcome(what, await connection.next())
  return connection
}

const bad: readonly (readonly [string, Buffer])[] = [
  ['frame length 0', int32(0)],
  ['frame length -1', int32(-1)],
  ['frame length just above the limit', int32(104857601)],
  ['frame length of two billion', int32(2_000_000_000)],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
  ['a TLS hello', Buffer.from('160301020001000001fc0303', 'hex')],
  ['an unknown API key', frame(999, 0)],
  ['a negative API key', frame(-1, 0)],
  ['Vote, which is for controllers', frame(52, 0, Buffer.alloc(20))],
  ['Envelope, which is for controllers', frame(58, 0, Buffer.alloc(20))],
  ['BrokerRegistration, which is for controllers', frame(62, 0, Buffer.alloc(20))],
  ['LeaderAndIsr, which was removed', frame(4, 0, Buffer.alloc(20))],
  ['StopReplica, which was removed', frame(5, 0, Buffer.alloc(20))],
  ['UpdateMetadata, which was removed', frame(6, 0, Buffer.alloc(20))],
  ['ControlledShutdown, which was removed', frame(7, 0, Buffer.alloc(20))],
  ['Metadata in a version that is too high', frame(3, 99, Buffer.alloc(20))],
  ['Metadata in a negative version', frame(3, -1, Buffer.alloc(20))],
  ['Fetch v3, which was removed', frame(1, 3, Buffer.alloc(40))],
  ['Produce v2, which was removed', frame(0, 2, Buffer.alloc(40))],
  ['OffsetCommit v1, which was removed', frame(8, 1, Buffer.alloc(40))],
  ['Metadata with a truncated body', frame(3, 1, Buffer.from([0, 0]))],
  ['Metadata without a body', frame(3, 1)],
  ['Metadata with an array of two billion', frame(3, 1, int32(2_000_000_000))],
  ['Metadata with an array longer than the frame', frame(3, 1, int32(5))],
  ['Metadata with a null name', frame(3, 1, Buffer.concat([int32(1), Buffer.from([0xff, 0xff])]))],
  [
    'Heartbeat with a null group',
    frame(12, 0, Buffer.concat([Buffer.from([0xff, 0xff]), int32(1), Buffer.from([0, 0])])),
  ],
  ['a header that is cut short', Buffer.concat([int32(6), Buffer.alloc(6)])],
  ['a client id longer than the frame', Buffer.concat([int32(10), Buffer.from('00120000000000077fff', 'hex')])],
]
for (const [what, bytes] of bad) scenario(`connection: ${what}`, async (c) => void (await sends(c, what, bytes)))

scenario('connection: an array length of -2 is null where null is allowed', async (c) => {
  await sends(c, 'Metadata v1', frame(3, 1, int32(-2)))
})

scenario('connection: bytes after the body are ignored', async (c) => {
  await sends(c, 'Heartbeat with a tail', frame(12, 0, Buffer.from('000161000000010001620bad0bad', 'hex')))
})

scenario('connection: unknown tagged fields are ignored', async (c) => {
  const header = Buffer.from('000c0004000000070000' + '0105026869', 'hex')
  const body = Buffer.from('0261' + '00000001' + '0262' + '00' + '02' + '0a0161' + '0b00', 'hex')
  await sends(c, 'Heartbeat v4', Buffer.concat([int32(header.length + body.length), header, body]))
})

scenario('connection: requests before a bad one are answered, then it closes', async (c) => {
  const connection = await c.connect()
  connection.write(Buffer.concat([apiVersions0(), apiVersions0(), frame(999, 0), apiVersions0()]))
  for (let i = 0; i < 3; i++) c.note(`outcome ${i}`, 'closed' in (await connection.next()) ? 'closed' : 'answer')
})

scenario('connection: pipelined answers come in order', async (c) => {
  const connection = await c.connect()
  connection.write(
    Buffer.concat([
      connection.frameOf(Metadata, 5, { topics: [] }),
      connection.frameOf(Heartbeat, 2, { groupId: 'g', generationId: 1, memberId: 'm' }),
      connection.frameOf(Metadata, 1, { topics: [] }),
      connection.frameOf(ApiVersions, 0, {}),
    ]),
  )
  for (let i = 0; i < 4; i++) {
    const outcome = await connection.next()
    c.note(`answer ${i}`, 'closed' in outcome ? 'closed' : outcome.frame.readInt32BE(0))
  }
})

scenario('connection: a waiting fetch holds back what comes after it', async (c) => {
  const { name } = await c.setUpTopic()
  const connection = await c.connect()
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }]
  const fetch = { maxWaitMs: 300, minBytes: 1, maxBytes: 1000, topics: [{ topic: name, partitions }] }
  connection.write(Buffer.concat([connection.frameOf(Fetch, 4, fetch), connection.frameOf(ApiVersions, 0, {})]))
  for (let i = 0; i < 2; i++) {
    const outcome = await connection.next()
    c.note(`answer ${i}`, 'closed' in outcome ? 'closed' : outcome.frame.readInt32BE(0))
  }
})

scenario('connection: a half-closed client still gets its answer, then the end', async (c) => {
  const connection = await c.connect()
  connection.write(connection.frameOf(Metadata, 1, { topics: [] }))
  connection.halfClose()
  for (let i = 0; i < 2; i++) c.note(`outcome ${i}`, 'closed' in (await connection.next()) ? 'closed' : 'answer')
})

scenario('connection: a request byte by byte', async (c) => {
  const connection = await c.connect()
  for (const byte of connection.frameOf(Metadata, 1, { topics: [] })) connection.write(Buffer.from([byte]))
  c.note('outcome', 'closed' in (await connection.next()) ? 'closed' : 'answer')
})

const clientIds: readonly (readonly [string, string | null])[] = [
  ['null', null],
  ['empty', ''],
  ['with umlauts', 'äöü €'],
  ['of 20000 characters', 'x'.repeat(20_000)],
]
for (const [what, clientId] of clientIds) {
  for (const version of [1, 9]) {
    scenario(`connection: a client id ${what}, Metadata v${version}`, async (c) => {
      const connection = await c.connect()
      connection.write(connection.frameOf(Metadata, version, { topics: [] }, clientId))
      c.note('outcome', 'closed' in (await connection.next()) ? 'closed' : 'answer')
    })
  }
}
