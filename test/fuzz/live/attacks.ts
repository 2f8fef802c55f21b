/** What strangers do to a broker. Each attack holds its connection for a short while at most and leaves nothing behind on purpose. */
import { connect, type Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import type { Broker } from '../../../lib/embed/broker.js'
import { chunksOf } from '../mutate.js'
import type { Dice } from '../target.js'
import { aimedRequest, type Prey, type ServedApi } from './prey.js'

export interface Battlefield {
  readonly broker: Broker
  readonly prey: Prey
  readonly apis: readonly ServedApi[]
}

/** A connection whose answers are read and thrown away, unless `slow`: then they are never read. */
interface Line {
  write(bytes: Buffer): void
  /** Resolves when answers came, or the broker has closed, or after so long. */
  answered(timeoutMs: number): Promise<void>
  /** Closes in one of the ways there are. */
  leave(how: 'end' | 'destroy' | 'reset'): void
  readonly closed: Promise<void>
}

function tcpLine(port: number, reads: boolean): Line {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  if (!reads) socket.pause()
  return lineOf(socket, reads, (how) => {
    if (how === 'end') socket.end()
    else if (how === 'reset') socket.resetAndDestroy()
    else socket.destroy()
  })
}

function duplexLine(broker: Broker, reads: boolean): Line {
  const [ours, theirs] = duplexPair()
  broker.handle(theirs)
  // The ends of this pair do not hear of each other's death by themselves, as those of a socket do.
  ours.once('close', () => theirs.destroy())
  return lineOf(ours as unknown as Socket, reads, (how) => {
    if (how === 'end') ours.end()
    else ours.destroy()
  })
}

function lineOf(stream: Socket, reads: boolean, leave: Line['leave']): Line {
  let got = 0
  let wake: (() => void) | null = null
  stream.on('error', () => {})
  if (reads) {
    stream.on('data', (chunk: Buffer) => {
      got += chunk.length
      wake?.()
    })
  }
  const closed = new Promise<void>((resolve) => {
    stream.once('close', () => {
      wake?.()
      resolve()
    })
    // The broker's half is enough of a close: ours follows.
    stream.once('end', () => stream.end())
  })
  return {
    closed,
    write(bytes) {
      if (!stream.destroyed && stream.writable) stream.write(bytes)
    },
    async answered(timeoutMs) {
      const before = got
      if (stream.destroyed) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
        if (got !== before) wake()
      })
      wake = null
    },
    leave,
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

type Attack = (field: Battlefield, line: Line, dice: Dice) => Promise<void> | void

const noise: Attack = (_field, line, dice) => line.write(dice.bytes(dice.between(1, 400)))

/** Announces more than it sends, or nonsense. */
const wrongLength: Attack = (_field, line, dice) => {
  const size = Buffer.alloc(4)
  size.writeInt32BE(dice.pick([0, -1, -2147483648, 2147483647, 104857601, 104857600, 50_000_000, 3]))
  line.write(Buffer.concat([size, Buffer.alloc(dice.below(3000), dice.bytes(3))]))
}

const halfFrame: Attack = (field, line, dice) => {
  const frame = aimedRequest(dice.pick(field.apis), field.prey, dice, false)
  line.write(frame.subarray(0, dice.below(frame.length)))
}

/** A frame in crumbs. */
const slowWriter: Attack = async (field, line, dice) => {
  const frame = aimedRequest(dice.pick(field.apis), field.prey, dice, dice.chance(0.3))
  const chunks = chunksOf(frame, dice)
  for (const [index, chunk] of chunks.entries()) {
    if (chunk.length > 0) line.write(chunk)
    if (index % Math.ceil(chunks.length / 10) === 0) await pause(2)
  }
  await line.answered(50)
}

/** One after the other, waiting for each answer. */
const requests =
  (mutate: boolean): Attack =>
  async (field, line, dice) => {
    for (let left = dice.between(1, 8); left > 0; left--) {
      line.write(aimedRequest(dice.pick(field.apis), field.prey, dice, mutate))
      await line.answered(60)
    }
  }

/** Many at once, in one write, and gone before the first answer. */
const pipelineAndVanish: Attack = (field, line, dice) => {
  const frames = Array.from({ length: dice.between(2, 40) }, () =>
    aimedRequest(dice.pick(field.apis), field.prey, dice, dice.chance(0.2)),
  )
  line.write(Buffer.concat(frames))
}

const ATTACKS: readonly { name: string; attack: Attack; weight: number; deaf?: true }[] = [
  { name: 'noise', attack: noise, weight: 2 },
  { name: 'wrong length', attack: wrongLength, weight: 3 },
  { name: 'half a frame', attack: halfFrame, weight: 3 },
  { name: 'slow writer', attack: slowWriter, weight: 2 },
  { name: 'requests', attack: requests(false), weight: 8 },
  { name: 'mutated requests', attack: requests(true), weight: 10 },
  { name: 'pipeline and vanish', attack: pipelineAndVanish, weight: 3 },
  { name: 'pipeline and never read', attack: pipelineAndVanish, weight: 2, deaf: true },
]
const WEIGHTED = ATTACKS.flatMap((entry) => Array.from({ length: entry.weight }, () => entry))

/** One attack from a seed, over TCP or through `Broker.handle`. Resolves when its connection is gone on this side. */
export async function attackOnce(field: Battlefield, dice: Dice): Promise<void> {
  const { attack, deaf } = dice.pick(WEIGHTED)
  const line = dice.chance(0.8) ? tcpLine(field.broker.port, deaf !== true) : duplexLine(field.broker, deaf !== true)
  await attack(field, line, dice)
  if (dice.chance(0.5)) await line.answered(dice.below(20))
  const how = dice.pick(['end', 'destroy', 'destroy', 'reset'] as const)
  line.leave(how)
  // A half close waits for the broker's answers, which may be long in coming.
  const over = await Promise.race([line.closed.then(() => true), pause(1500).then(() => false)])
  if (!over) {
    line.leave('destroy')
    await line.closed
  }
}
