import { spawn, spawnSync } from 'node:child_process'

/** What a finished program left behind. `code` is null when a signal ended it. */
export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Written to the program's standard input, which is then closed. */
  readonly input?: string
  /** After this the program is killed and `code` is null. */
  readonly timeoutMs?: number
}

/** True when the program can be started from PATH. */
export function onPath(program: string): boolean {
  return spawnSync('/bin/sh', ['-c', `command -v "${program}"`], { stdio: 'ignore' }).status === 0
}

/** Runs a program to its end and collects what it wrote. A program that cannot be started rejects. */
export function run(program: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 120_000,
      killSignal: 'SIGKILL',
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
    // A program that ends without reading its input closes the pipe first; its exit code is what matters then.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
  })
}

/** As `run`, but a program that does not exit with 0 is an error that shows the end of its output. */
export async function runOrThrow(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const result = await run(program, args, options)
  if (result.code === 0) return result
  const tail = `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-30).join('\n')
  throw new Error(`${program} ${args.slice(0, 4).join(' ')} ended with ${result.code ?? 'a signal'}:\n${tail}`)
}

/** Calls back for every line of a stream. */
export function eachLine(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(line)
  })
}
