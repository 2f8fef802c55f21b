import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { eachLine } from '../commands.js'
import { projectRoot } from '../project-root.js'

type Event = { joined: number[] } | { received: string; partition: number; offset: string }

/**
 * A consumer in a process of its own, which SIGKILL ends: the only honest crash, and what kafkajs cannot resist. Where it is to be `kept`, another
 * process takes over for one that ended by itself, as an orchestrator would have it.
 */
export class MemberProcess {
  /** Values by `partition:offset`. */
  readonly received = new Map<string, string>()
  partitions: number[] = []
  #child: ChildProcess
  #isOver = false

  constructor(
    private readonly bootstrapServers: string,
    private readonly topic: string,
    private readonly groupId: string,
    private readonly isKept = false,
  ) {
    this.#child = this.#start()
  }

  #start(): ChildProcess {
    const file = join(projectRoot, 'build', 'compat', 'kafkajs', 'member-program.js')
    const args = [file, this.bootstrapServers, this.topic, this.groupId]
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    eachLine(child.stdout, (line) => this.#read(JSON.parse(line)))
    child.once('exit', () => {
      if (this.isKept && !this.#isOver) this.#child = this.#start()
    })
    return child
  }

  #read(event: Event): void {
    if ('joined' in event) this.partitions = event.joined
    else this.received.set(`${event.partition}:${event.offset}`, event.received)
  }

  async crash(): Promise<void> {
    this.#isOver = true
    if (this.#child.signalCode !== null || this.#child.exitCode !== null) return
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await gone
  }
}
