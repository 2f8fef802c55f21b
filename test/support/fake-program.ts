/** A process without a process: the command line runs in it and leaves its output and exit code. */
import type { Program } from '../../lib/host/program.js'

export interface FakeProgramOptions {
  readonly input?: AsyncIterable<Buffer> | readonly (string | Buffer)[]
  readonly outIsTerminal?: boolean
  readonly files?: Readonly<Record<string, string | Buffer>>
}

export class FakeProgram implements Program {
  readonly argv: readonly string[]
  readonly outIsTerminal: boolean
  readonly errIsTerminal = false
  readonly inIsTerminal = false
  stderr = ''
  /** The first one given; the process would be gone. */
  exitCode: number | null = null
  readonly #options: FakeProgramOptions
  readonly #stdout: Buffer[] = []
  readonly #stops: ((signal: string) => void)[] = []
  readonly #closes: (() => void)[] = []
  readonly #outputs: { text: string; done: () => void }[] = []

  constructor(argv: readonly string[], options: FakeProgramOptions = {}) {
    this.argv = argv
    this.outIsTerminal = options.outIsTerminal ?? false
    this.#options = options
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#stdout)
  }

  get stdout(): string {
    return this.bytes.toString('utf8')
  }

  /** Standard output as rows of tab-separated cells. */
  get rows(): string[][] {
    return this.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t'))
  }

  get json(): unknown {
    return JSON.parse(this.stdout)
  }

  out(data: string | Buffer): void {
    this.#stdout.push(typeof data === 'string' ? Buffer.from(data) : data)
    for (const waiter of this.#outputs) if (this.stdout.includes(waiter.text)) waiter.done()
  }

  err(text: string): void {
    this.stderr += text
  }

  input(): AsyncIterable<Buffer> {
    const { input = [] } = this.#options
    return Symbol.asyncIterator in input ? input : chunks(input)
  }

  onStop(listener: (signal: string) => void): void {
    this.#stops.push(listener)
  }

  onOutputClosed(listener: () => void): void {
    this.#closes.push(listener)
  }

  readText(path: string): string {
    return this.readBytes(path).toString('utf8')
  }

  readBytes(path: string): Buffer {
    const found = this.#options.files?.[path]
    if (found === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    return Buffer.from(found)
  }

  stay(): void {}

  exit(code: number): void {
    this.exitCode ??= code
  }

  /** As SIGINT does. */
  interrupt(): void {
    for (const listener of this.#stops.splice(0)) listener('SIGINT')
  }

  closeOutput(): void {
    for (const listener of this.#closes.splice(0)) listener()
  }

  /** Resolves when standard output has this text. */
  said(text: string): Promise<void> {
    if (this.stdout.includes(text)) return Promise.resolve()
    return new Promise((done) => this.#outputs.push({ text, done }))
  }
}

async function* chunks(pieces: readonly (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece)
}
