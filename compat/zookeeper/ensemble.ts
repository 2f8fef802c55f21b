/**
 * A real Apache ZooKeeper ensemble of 1, 3 or 5 servers on free loopback ports, whose servers can be killed, frozen and started again.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onPath, runOrThrow } from '../commands.js'
import { freePorts } from '../free-ports.js'
import { cacheFolder, projectRoot } from '../project-root.js'

/** The version named in pom.xml. */
const zooKeeperVersion = '3.9.4'
const START_TIMEOUT_MS = 60_000
const POLL_MS = 50

/** One clear sentence why ZooKeeper cannot run here, or null when it can. */
export function zooKeeperUnavailable(): string | null {
  if (process.platform === 'win32') return 'the ZooKeeper launcher needs POSIX signals'
  if (!onPath('java')) return 'Apache ZooKeeper needs Java on PATH and there is none'
  if (!existsSync(marker()) && !onPath('mvn'))
    return 'Apache ZooKeeper is fetched with Maven (mvn) and there is none on PATH'
  return null
}

const jarFolder = () => cacheFolder(`zookeeper-${zooKeeperVersion}`)
const marker = () => join(jarFolder(), 'complete')

async function zooKeeperJars(): Promise<string> {
  const folder = jarFolder()
  if (existsSync(marker())) return folder
  const pom = join(projectRoot, 'compat', 'zookeeper', 'pom.xml')
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`]
  await runOrThrow('mvn', ['-q', '-B', '-f', pom, ...goal], { timeoutMs: 600_000 })
  writeFileSync(marker(), '')
  return folder
}

/** The servers must die with us, however we die: when the pipe that only we hold open ends, whatever names the folder is killed. */
const guardScript = 'folder=$1; cat >/dev/null; pkill -9 -f "$folder/[0-9]+/zoo.cfg"; rm -rf "$folder"'

interface Server {
  readonly id: number
  readonly clientPort: number
  readonly tlsPort: number
  readonly folder: string
  process: ChildProcess | null
}

export interface EnsembleOptions {
  readonly servers?: number
  /** ZooKeeper's unit of time; a session lasts between 2 and 20 of them. */
  readonly tickTimeMs?: number
  /** PEM files: then clients connect by TLS (to `tlsAddresses`), too. */
  readonly tls?: { readonly keyAndCertificate: string; readonly authorities: string }
}

export class Ensemble {
  readonly #guard: ChildProcess

  private constructor(
    private readonly jars: string,
    private readonly folder: string,
    private readonly servers: Server[],
  ) {
    this.#guard = spawn('/bin/sh', ['-c', guardScript, 'guard', folder], { stdio: ['pipe', 'ignore', 'ignore'] })
  }

  /** Resolves when every server serves. */
  static async start({ servers: count = 3, tickTimeMs = 500, tls }: EnsembleOptions = {}): Promise<Ensemble> {
    const jars = await zooKeeperJars()
    const folder = mkdtempSync(join(tmpdir(), 'odradek-zookeeper-'))
    const ports = await freePorts(4 * count)
    const servers = Array.from({ length: count }, (_, index): Server => {
      const id = index + 1
      return {
        id,
        clientPort: ports[index]!,
        tlsPort: ports[3 * count + index]!,
        folder: join(folder, String(id)),
        process: null,
      }
    })
    const members = servers.map(
      ({ id }, index) => `server.${id}=127.0.0.1:${ports[count + index]}:${ports[2 * count + index]}`,
    )
    for (const server of servers)
      writeConfig(server, [...(count > 1 ? members : []), ...tlsLines(server, tls)], tickTimeMs)
    const ensemble = new Ensemble(jars, folder, servers)
    try {
      await Promise.all(servers.map(({ id }) => ensemble.startServer(id)))
    } catch (error) {
      await ensemble.stop()
      throw error
    }
    return ensemble
  }

  get addresses(): { host: string; port: number }[] {
    return this.servers.map(({ clientPort }) => ({ host: '127.0.0.1', port: clientPort }))
  }

  /** By TLS; only with the option. */
  get tlsAddresses(): { host: string; port: number }[] {
    return this.servers.map(({ tlsPort }) => ({ host: '127.0.0.1', port: tlsPort }))
  }

  /** `host:port,...`, as `--zookeeper` takes it. */
  get connectString(): string {
    return this.addresses.map(({ host, port }) => `${host}:${port}`).join(',')
  }

  get ids(): number[] {
    return this.servers.map(({ id }) => id)
  }

  /** Starts a server that was killed; resolves when it serves (it needs a quorum for that). */
  async startServer(id: number): Promise<void> {
    const server = this.#server(id)
    const classPath = join(this.jars, '*')
    const jvm = [
      '-Xmx128m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
    ]
    const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
    server.process = spawn('java', [...jvm, '-cp', classPath, main, join(server.folder, 'zoo.cfg')], {
      stdio: 'ignore',
    })
    await this.#until(
      async () => ['leader', 'follower', 'standalone'].includes(await this.role(id)),
      `server ${id} to serve`,
    )
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(id: number): Promise<void> {
    const server = this.#server(id)
    const child = server.process
    server.process = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  /** SIGSTOP: the server's connections stay open and nothing answers. */
  freeze(id: number): void {
    this.#server(id).process?.kill('SIGSTOP')
  }

  thaw(id: number): void {
    this.#server(id).process?.kill('SIGCONT')
  }

  /** 'leader', 'follower', 'standalone', or '' when it serves nobody. */
  async role(id: number): Promise<string> {
    const answer = await fourLetters(this.#server(id).clientPort, 'srvr').catch(() => '')
    return /^Mode: (\w+)/m.exec(answer)?.[1] ?? ''
  }

  /** The id of the server that leads now. */
  async leader(): Promise<number> {
    let found = 0
    await this.#until(async () => {
      for (const { id } of this.servers) if ((await this.role(id)) === 'leader') found = id
      return found !== 0
    }, 'a leader')
    return found
  }

  /** Kills all servers and removes their data. */
  async stop(): Promise<void> {
    await Promise.all(this.servers.map(({ id }) => this.kill(id)))
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
    this.#guard.stdin?.destroy()
  }

  #server(id: number): Server {
    const server = this.servers.find((one) => one.id === id)
    if (server === undefined) throw new Error(`there is no ZooKeeper server ${id}`)
    return server
  }

  async #until(condition: () => Promise<boolean>, what: string): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS
    while (!(await condition())) {
      if (Date.now() > deadline) throw new Error(`waited ${START_TIMEOUT_MS} ms for ${what} in vain`)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }
}

function tlsLines(server: Server, tls: EnsembleOptions['tls']): string[] {
  if (tls === undefined) return []
  mkdirSync(server.folder, { recursive: true })
  const keys = join(server.folder, 'server.pem')
  const authorities = join(server.folder, 'ca.pem')
  writeFileSync(keys, tls.keyAndCertificate)
  writeFileSync(authorities, tls.authorities)
  return [
    `secureClientPort=${server.tlsPort}`,
    'secureClientPortAddress=127.0.0.1',
    'serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
    'ssl.clientAuth=none',
    `ssl.keyStore.location=${keys}`,
    'ssl.keyStore.type=PEM',
    `ssl.trustStore.location=${authorities}`,
    'ssl.trustStore.type=PEM',
  ]
}

function writeConfig(server: Server, members: readonly string[], tickTimeMs: number): void {
  mkdirSync(server.folder, { recursive: true })
  writeFileSync(join(server.folder, 'myid'), String(server.id))
  const lines = [
    `tickTime=${tickTimeMs}`,
    'initLimit=20',
    'syncLimit=10',
    `dataDir=${server.folder}`,
    `clientPort=${server.clientPort}`,
    'clientPortAddress=127.0.0.1',
    'admin.enableServer=false',
    '4lw.commands.whitelist=*',
    ...members,
  ]
  writeFileSync(join(server.folder, 'zoo.cfg'), `${lines.join('\n')}\n`)
}

function fourLetters(port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    let answer = ''
    socket.setTimeout(1000, () => socket.destroy(new Error('no answer')))
    socket.on('data', (data) => {
      answer += data
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
    socket.on('connect', () => socket.write(word))
  })
}
