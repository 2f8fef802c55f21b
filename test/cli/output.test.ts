import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { Output } from '../../lib/cli/output.js'
import { VERSION } from '../../lib/cli/version.js'

function speaker(outIsTerminal: boolean, json?: boolean): { output: Output; out(): string; err(): string } {
  let out = ''
  let err = ''
  const host = {
    outIsTerminal,
    out: (text: string | Buffer) => void (out += text.toString()),
    err: (text: string) => void (err += text),
  }
  return { output: new Output(host, { json }), out: () => out, err: () => err }
}

const rows = [
  ['orders', 12, null],
  ['a', 3n, true],
] as const

describe('cli/output', () => {
  it('aligns columns under headings on a terminal', () => {
    const { output, out } = speaker(true)
    output.table(['topic', 'n', 'x'], rows, null)
    expect(out()).to.equal('TOPIC   N   X\norders  12  -\na       3   true\n')
  })

  it('writes tab-separated columns without headings into a pipe', () => {
    const { output, out } = speaker(false)
    output.table(['topic', 'n', 'x'], rows, null)
    expect(out()).to.equal('orders\t12\t-\na\t3\ttrue\n')
  })

  it('keeps columns whole and terminals calm, whatever a cell has', () => {
    const { output, out } = speaker(false)
    output.table(['x', 'y'], [['a\tb\n\u001b[31m', 1]], null)
    expect(out()).to.equal('a\\tb\\n\\u001b[31m\t1\n')
  })

  it('writes one document with --json and no sentences', () => {
    const { output, out } = speaker(true, true)
    output.table(['topic'], [['a']], [{ name: 'a' }])
    output.done('Done.')
    expect(out()).to.equal('[{"name":"a"}]\n')
  })

  it('keeps notes away from the data', () => {
    const { output, out, err } = speaker(false)
    output.note('half way')
    expect([out(), err()]).to.deep.equal(['', 'half way\n'])
  })

  it("knows the package's version", () => {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
    expect(VERSION).to.equal(version)
  })
})
