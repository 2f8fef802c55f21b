/** Ten thousand connections that come and go: silent ones, half-said ones, ones that ask and ones that are cut off. */
import { connect } from 'node:net'
import { Broker } from '../../../lib/embed/broker.js'
import { ApiVersions, encodeRequestFrame } from '../../../protocol/index.js'
import { RawClient } from '../../support/raw-client.js'
import { settledMemory } from '../memory.js'
import { check, Dice, type SessionTarget } from '../target.js'

const CONNECTIONS = 10_000
const AT_A_TIME = 100
/** A kilobyte and a half for each would be a leak. */
const GROWTH_BYTES_MAX = 16 * 1024 * 1024
const CLOSES_WITHIN_MS = 10_000

const question = encodeRequestFrame(
  ApiVersions,
  3,
  { correlationId: 1, clientId: 'passer-by' },
  { clientSoftwareName: 'fuzz', clientSoftwareVersion: '1' },
)

function passBy(port: number, dice: Dice): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    const late = setTimeout(() => {
      socket.destroy()
      reject(new Error(`a connection did not close within ${CLOSES_WITHIN_MS} ms`))
    }, CLOSES_WITHIN_MS)
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // Cut off by ourselves or by the broker: what is tested. Anything else, like a refused connection, is not.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error)
    })
    socket.on('close', () => {
      clearTimeout(late)
      resolve()
    })
    socket.on('connect', () => {
      switch (dice.below(5)) {
        case 0:
          return socket.destroy()
        case 1:
          return socket.resetAndDestroy()
        case 2:
          socket.resume()
          return socket.end(question.subarray(0, dice.below(question.length)))
        case 3:
          socket.once('data', () => socket.end())
          return socket.write(question)
        default:
          socket.write(question)
          return socket.destroy()
      }
    })
  })
}

export const connects: SessionTarget = {
  name: 'ten thousand connections',
  weight: 6,
  async runSession(seed, _time, progress) {
    const broker = await Broker.create()
    const dice = new Dice(seed)
    let done = 0
    const run = async (upTo: number): Promise<void> => {
      while (done < upTo) {
        done++
        await passBy(broker.port, dice)
        progress.tick()
      }
    }
    const crowd = (upTo: number) => Promise.all(Array.from({ length: AT_A_TIME }, () => run(upTo)))
    await crowd(CONNECTIONS / 10)
    const before = await settledMemory()
    await crowd(CONNECTIONS)
    const client = await RawClient.connect(broker.bootstrapServers)
    const { errorCode } = await client.send(ApiVersions, 3, { clientSoftwareName: 'fuzz', clientSoftwareVersion: '1' })
    check(errorCode === 0, () => `ApiVersions answered ${errorCode} after ${done} connections`)
    client.close()
    const grown = (await settledMemory()) - before
    check(grown < GROWTH_BYTES_MAX, () => `memory has grown by ${(grown / 1e6).toFixed(1)} MB over ${done} connections`)
    await broker.close()
    return done
  },
}
