/** Requests that mean something to the broker under fire: its own topics and groups instead of random names, sound batches as records. */
import { encodeRequestFrame, type Message, sampleSchema, ZERO_UUID } from '../../../protocol/index.js'
import { mutated } from '../mutate.js'
import { badBatch, randomBatch } from '../random-batch.js'
import type { Dice } from '../target.js'

/** What attackers may touch; the well-behaved client has names of its own. */
export interface Prey {
  readonly topics: readonly string[]
  readonly topicIds: readonly string[]
  readonly groups: readonly string[]
}

/** One row of the API table. */
export interface ServedApi {
  readonly message: Message
  readonly minVersion: number
  readonly maxVersion: number
}

const UUID = /^[A-Za-z0-9_-]{22}$/

/** A request frame that is valid, except when `mutate` bends its body. */
export function aimedRequest(api: ServedApi, prey: Prey, dice: Dice, mutate: boolean): Buffer {
  const { message } = api
  const version = dice.between(api.minVersion, api.maxVersion)
  const value = sampleSchema(message.request, version, dice.rng)
  const aimed = aim(value, prey, dice, '') as Record<string, unknown>
  tame(message.name, aimed)
  const header = { correlationId: dice.below(1 << 30), clientId: dice.pick(['prey', null, '']) }
  let frame: Buffer
  try {
    frame = encodeRequestFrame(message, version, header, aimed as never)
  } catch {
    // A small number where the field wanted something else: the sample as it was.
    frame = encodeRequestFrame(message, version, header, value as never)
  }
  return mutate ? bent(frame, dice) : frame
}

/** Another body under the same header, and a size that fits. */
function bent(frame: Buffer, dice: Dice): Buffer {
  const head = Math.min(frame.length, 16)
  const body = Buffer.concat([frame.subarray(4, head), mutated(frame.subarray(head), dice)])
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

/** The same shape with values that hit something, most of the time. */
function aim(value: unknown, prey: Prey, dice: Dice, name: string): unknown {
  if (Array.isArray(value)) return value.map((element) => aim(element, prey, dice, name))
  if (Buffer.isBuffer(value)) {
    return name === 'records' && dice.chance(0.8) ? (dice.chance(0.6) ? randomBatch(dice) : badBatch(dice)) : value
  }
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inside]) => [key, aim(inside, prey, dice, key)]))
  }
  if (typeof value === 'string') return aimedText(value, prey, dice, name)
  // Partition 0, epoch -1, acks 1, a fetch of some bytes: small numbers are the ones that mean something.
  if (typeof value === 'number' && dice.chance(0.7)) return dice.pick([-1, 0, 0, 1, 1, 2, 10, 100])
  return value
}

function aimedText(value: string, prey: Prey, dice: Dice, name: string): string {
  if (UUID.test(value) && value !== ZERO_UUID) return dice.chance(0.8) ? dice.pick(prey.topicIds) : value
  if (!dice.chance(0.8)) return value
  if (/group/i.test(name)) return dice.pick(prey.groups)
  if (/topic|^name$|resourceName/i.test(name)) return dice.pick(prey.topics)
  if (/member/i.test(name)) return dice.pick(['', 'prey-1'])
  return value
}

/** Long waits would hold attackers, not the broker: they stay below a second. */
function tame(name: string, value: Record<string, unknown>): void {
  if (name === 'Fetch' && typeof value['maxWaitMs'] === 'number') value['maxWaitMs'] = Math.min(value['maxWaitMs'], 300)
  if (name === 'Produce' && typeof value['timeoutMs'] === 'number')
    value['timeoutMs'] = Math.min(value['timeoutMs'], 300)
  if (name === 'JoinGroup') {
    if (typeof value['sessionTimeoutMs'] === 'number' && value['sessionTimeoutMs'] < 100)
      value['sessionTimeoutMs'] = 6000
    if (typeof value['rebalanceTimeoutMs'] === 'number')
      value['rebalanceTimeoutMs'] = Math.min(500, value['rebalanceTimeoutMs'])
  }
}
