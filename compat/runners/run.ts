/**
 * Packs the project as npm would publish it, installs the package into copies of the sample projects beside this file, and runs their
 * tests as a user does: `node build/compat/runners/run.js [jest|vitest|mocha|node-test|types]`; the last line reads `N passed, N failed`. A sample fails when its tests do, when its
 * runner complains of something left open, and when its process does not end by itself.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { cacheFolder, projectRoot } from '../project-root.js'

export const samples = ['jest', 'vitest', 'mocha', 'node-test', 'types'] as const
export type Sample = (typeof samples)[number]

export interface Outcome {
  /** `left out`: the registry could not be reached. */
  readonly result: 'passed' | 'failed' | 'left out'
  /** Why, with the output of what failed. */
  readonly detail: string
}

/** The tests of a sample take a few seconds; an installation on a slow machine takes longer. */
const TEST_TIMEOUT_MS = 60_000
const INSTALL_TIMEOUT_MS = 240_000

/** What runners say when a test leaves something behind. */
const COMPLAINTS =
  /open handle|did not exit|failed to exit gracefully|hanging|close timed out|log after tests are done|asynchronous activity after|MaxListenersExceeded|UnhandledPromiseRejection/i
const OFFLINE = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENOTCACHED|ENETUNREACH/

export async function runSample(name: Sample): Promise<Outcome> {
  const folder = prepare(name, await packed())
  const flags = ['--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline', '--loglevel=error']
  const installed = await npm(['install', ...flags], folder, INSTALL_TIMEOUT_MS)
  if (installed.code !== 0) {
    return { result: OFFLINE.test(installed.output) ? 'left out' : 'failed', detail: installed.output }
  }
  const { code, output } = await npm(['test', '--silent'], folder, TEST_TIMEOUT_MS)
  if (code === null) return { result: 'failed', detail: `${output}\nThe process has not ended by itself.` }
  const complaint = COMPLAINTS.exec(output)
  if (complaint !== null) return { result: 'failed', detail: `${output}\nThe runner complains: ${complaint[0]}` }
  return { result: code === 0 ? 'passed' : 'failed', detail: output }
}

let tarball: Promise<string> | undefined

/** The package in `.cache/runners`; its name tells its contents, or npm would take an older one for the same. */
function packed(): Promise<string> {
  tarball ??= (async () => {
    const folder = cacheFolder('runners')
    for (const old of readdirSync(folder).filter((name) => name.endsWith('.tgz'))) rmSync(join(folder, old))
    // Without scripts: prepack would build again what is running here.
    const flags = ['--ignore-scripts', '--json', '--loglevel=error', '--pack-destination', folder]
    const { code, output } = await npm(['pack', ...flags], projectRoot, INSTALL_TIMEOUT_MS)
    if (code !== 0) throw new Error(`npm pack failed: ${output}`)
    const [made] = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
    const digest = createHash('sha256')
      .update(readFileSync(join(folder, made!)))
      .digest('hex')
    const path = join(folder, `odradek-${digest.slice(0, 16)}.tgz`)
    renameSync(join(folder, made!), path)
    return path
  })()
  return tarball
}

/** A fresh copy of the sample that takes the package from the file; what npm had installed there stays. */
function prepare(name: Sample, path: string): string {
  const folder = join(cacheFolder('runners'), name)
  mkdirSync(folder, { recursive: true })
  for (const entry of readdirSync(folder))
    if (entry !== 'node_modules') rmSync(join(folder, entry), { recursive: true })
  const source = join(projectRoot, 'compat/runners', name)
  const skip = join(source, 'node_modules')
  cpSync(source, folder, { recursive: true, filter: (from) => from !== skip })
  const manifest = join(folder, 'package.json')
  const contents = JSON.parse(readFileSync(manifest, 'utf8')) as { devDependencies: Record<string, string> }
  if (contents.devDependencies['odradek'] === undefined) throw new Error(`${name} does not depend on odradek`)
  contents.devDependencies['odradek'] = pathToFileURL(path).href
  writeFileSync(manifest, JSON.stringify(contents, null, 2))
  if (!existsSync(join(folder, 'README.md'))) throw new Error(`${name} has no README.md`)
  return folder
}

/** Runs npm in a process group of its own, so that what it started can be ended with it. `code` is null after the timeout. */
function npm(args: string[], cwd: string, timeoutMs: number): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    // Without the settings of an npm that runs us.
    const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^npm_(?!config_)/i.test(key)))
    const child = spawn('npm', args, {
      cwd,
      env: { ...env, CI: '1' },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let late = false
    const timer = setTimeout(() => {
      late = true
      process.kill(-child.pid!, 'SIGKILL')
    }, timeoutMs)
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code: late ? null : code, output })
    })
  })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const wanted = process.argv.slice(2)
  const counts = { passed: 0, failed: 0, 'left out': 0 }
  for (const name of samples.filter((sample) => wanted.length === 0 || wanted.includes(sample))) {
    const { result, detail } = await runSample(name)
    counts[result] += 1
    process.stdout.write(`${name}: ${result}\n${result === 'passed' && wanted.length === 0 ? '' : `${detail}\n`}`)
  }
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`)
  process.exitCode = counts.failed === 0 && counts.passed + counts['left out'] > 0 ? 0 : 1
}
