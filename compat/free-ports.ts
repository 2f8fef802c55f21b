import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'

/**
 * Below those that systems give to outgoing connections (Linux from 32768 on, others from 49152): a port from there is taken by some client's
 * connection while the server that is to have it is down.
 */
const LOWEST = 15_000
const HIGHEST = 32_000
const TRIES_PER_PORT = 100

/** Ports nobody listens on. They are all held until the last one is known, so that no two are the same. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = new Map<number, Server>()
  for (let tries = 0; servers.size < count; tries++) {
    if (tries > count * TRIES_PER_PORT) throw new Error(`no ${count} ports are free between ${LOWEST} and ${HIGHEST}`)
    const port = randomInt(LOWEST, HIGHEST)
    const server = servers.has(port) ? null : await listen(port)
    if (server !== null) servers.set(port, server)
  }
  await Promise.all([...servers.values()].map((server) => new Promise((resolve) => server.close(resolve))))
  return [...servers.keys()]
}

/** Null when somebody has the port. */
function listen(port: number): Promise<Server | null> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(null) : reject(error),
    )
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
