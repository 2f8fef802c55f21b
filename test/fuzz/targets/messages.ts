/**
 * Every message and stored record, in every version: a random value survives encoding and decoding; bytes that were tampered with
 * give a value or a `ProtocolError`, never anything else, and never much memory. What could be read can be written again.
 */
import { isDeepStrictEqual } from 'node:util'
import {
  messages as allMessages,
  ConsumerProtocolAssignmentSchema,
  ConsumerProtocolSubscriptionSchema,
  clusterMetadataRecords,
  consumerOffsetsRecords,
  decodeData,
  decodeRequestFrame,
  encodeData,
  encodeRequestFrame,
  explainRequestFrame,
  explainSchema,
  type Message,
  ProtocolError,
  remoteLogMetadataRecords,
  type Schema,
  sampleSchema,
  shareStateRecords,
  transactionStateRecords,
} from '../../../protocol/index.js'
import { checkMemory, memoryInUse } from '../memory.js'
import { mutated } from '../mutate.js'
import { type CaseTarget, check, Dice } from '../target.js'

const keyed = [...consumerOffsetsRecords, ...transactionStateRecords, ...shareStateRecords]
const schemas: readonly Schema[] = [
  ...allMessages.flatMap((message) => [message.request, message.response]),
  ...keyed.flatMap((record) => [record.key, record.value]),
  ...clusterMetadataRecords,
  ...remoteLogMetadataRecords,
  ConsumerProtocolSubscriptionSchema,
  ConsumerProtocolAssignmentSchema,
]

/** A whole request frame of a random API and version. */
export function randomRequest(dice: Dice): { message: Message; version: number; frame: Buffer } {
  const message = dice.pick(allMessages)
  const version = dice.between(message.versions.low, message.versions.high)
  const value = sampleSchema(message.request, version, dice.rng)
  const header = { correlationId: dice.below(1 << 30), clientId: dice.pick([null, '', 'client', 'é'.repeat(50)]) }
  return { message, version, frame: encodeRequestFrame(message, version, header, value as never) }
}

const MUTATIONS = 24

function schemaCase(dice: Dice): void {
  const schema = dice.pick(schemas)
  const version = dice.between(schema.versions.low, schema.versions.high)
  const name = `${schema.name} v${version}`
  const value = sampleSchema(schema, version, dice.rng)
  const bytes = encodeData(schema, version, value as never)
  const back = decodeData(schema, version, bytes)
  check(isDeepStrictEqual(back, value), () => `${name}: encoding and decoding changed the value`)
  check(encodeData(schema, version, back).equals(bytes), () => `${name}: encoding again gave other bytes`)
  for (let i = 0; i < MUTATIONS; i++) {
    const bad = i < 4 ? bytes.subarray(0, dice.below(bytes.length + 1)) : mutated(bytes, dice)
    const before = memoryInUse()
    badBytes(schema, version, name, bad)
    checkMemory(before, `decoding ${bad.length} bytes of ${name}`)
  }
}

function badBytes(schema: Schema, version: number, name: string, bytes: Buffer): void {
  let value: object
  try {
    value = decodeData(schema, version, bytes)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    const explained = explainSchema(schema, version, bytes)
    check(
      explained.error !== undefined || explained.trailingBytes > 0,
      () => `${name}: decode says ${error.code}, explain finds nothing wrong`,
    )
    return
  }
  // Compared as bytes: unknown tags may come in any order, and are written in theirs.
  const written = encodeData(schema, version, value as never)
  const again = encodeData(schema, version, decodeData(schema, version, written) as never)
  check(again.equals(written), () => `${name}: a value that was read did not survive being written`)
}

function frameCase(dice: Dice): void {
  const { frame } = randomRequest(dice)
  const body = frame.subarray(4)
  decodeRequestFrame(body)
  const bad = mutated(body, dice)
  const before = memoryInUse()
  for (const attempt of [() => decodeRequestFrame(bad), () => explainRequestFrame(bad)]) {
    try {
      attempt()
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
    }
  }
  checkMemory(before, `a request of ${bad.length} bytes`)
}

export const messages: CaseTarget = {
  name: 'messages',
  weight: 16,
  runCase(seed) {
    const dice = new Dice(seed)
    schemaCase(dice)
    frameCase(dice)
  },
}
