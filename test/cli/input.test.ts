import { expect } from 'chai'
import fc from 'fast-check'
import { splitLines, until } from '../../lib/cli/lines.js'
import { settings } from '../../lib/cli/start-broker.js'
import { address, bootstrapList, keyValue, resetTarget, separator } from '../../lib/cli/values.js'

describe('cli lines', () => {
  async function* of(...pieces: (string | Buffer)[]): AsyncGenerator<Buffer> {
    for (const piece of pieces) yield Buffer.from(piece)
  }
  const lines = async (input: AsyncIterable<Buffer>, max?: number): Promise<Buffer[]> => {
    const all: Buffer[] = []
    for await (const some of splitLines(input, max)) all.push(...some)
    return all
  }

  it('takes LF, CRLF, empty lines and a last line without an end', async () => {
    expect((await lines(of('a\r\n\nb\rc\n', 'd'))).map(String)).to.deep.equal(['a', '', 'b\rc', 'd'])
    expect(await lines(of(''))).to.deep.equal([])
    expect((await lines(of('\n'))).map(String)).to.deep.equal([''])
  })

  it('gives the same lines however the bytes are cut', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ max: 20 })), async (pieces) => {
        const whole = Buffer.concat(pieces)
        expect(await lines(of(...pieces.map((piece) => Buffer.from(piece))))).to.deep.equal(await lines(of(whole)))
      }),
    ))

  it('refuses a line without end', async () => {
    const endless = lines(of('ok\n', 'aaaa', 'aaaa'), 6)
    expect(await endless.catch((error: Error) => error.message)).to.match(/^Line 2 is longer than 6 bytes/)
  })

  it('stops waiting for input when interrupted', async () => {
    async function* typing(): AsyncGenerator<string> {
      yield 'one'
      await new Promise(() => {})
    }
    let interrupt = (): void => {}
    const interrupted = new Promise<void>((resolve) => {
      interrupt = resolve
    })
    const seen: string[] = []
    for await (const piece of until(typing(), interrupted)) {
      seen.push(piece)
      interrupt()
    }
    expect(seen).to.deep.equal(['one'])
  })
})

describe('cli values', () => {
  const refusal = (parse: () => unknown): string => {
    try {
      return `took it: ${JSON.stringify(parse())}`
    } catch (error) {
      return (error as Error).message
    }
  }

  it('addresses', () => {
    expect(address('h:0')).to.deep.equal({ host: 'h', port: 0 })
    expect(address('[::1]:9092')).to.deep.equal({ host: '::1', port: 9092 })
    expect(address(':9092')).to.deep.equal({ host: '', port: 9092 })
    for (const wrong of ['', 'h', 'h:', ':x', 'h:65536', '::1:9092', 'a b:1', 'h:1,h:2', 'http://h:1', 'h:-1'])
      expect(
        refusal(() => address(wrong)),
        wrong,
      ).to.match(/^It must be HOST:PORT/)
  })

  it('bootstrap lists', () => {
    expect(bootstrapList('a:1, b:2')).to.deep.equal(['a:1', 'b:2'])
    for (const wrong of ['a:1,', 'a:0', ':9092', '0.0.0.0:9092', 'a:1;b:2'])
      expect(
        refusal(() => bootstrapList(wrong)),
        wrong,
      ).to.match(/^It must be/)
  })

  it('pairs', () => {
    expect(keyValue('a=b=c', { z: '' })).to.deep.equal({ z: '', a: 'b=c' })
    for (const wrong of ['', 'a', '=b'])
      expect(
        refusal(() => keyValue(wrong)),
        wrong,
      ).to.equal('It must be key=value.')
  })

  it('positions', () => {
    expect(resetTarget('earliest')).to.equal('earliest')
    expect(resetTarget('17')).to.deep.equal({ offset: '17' })
    expect(resetTarget('1760000000000')).to.deep.equal({ timeMs: 1_760_000_000_000 })
    expect(resetTarget('2026-01-31T12:00:00Z')).to.deep.equal({ timeMs: Date.UTC(2026, 0, 31, 12) })
    for (const wrong of ['', 'lates', '-1', '1.5', 'May 2026', '2026-13-01'])
      expect(
        refusal(() => resetTarget(wrong)),
        wrong,
      ).to.match(/^It must be earliest, latest/)
  })

  it('separators', () => {
    expect(separator('\\t')).to.equal('\t')
    expect(refusal(() => separator(''))).to.equal('It must not be empty.')
  })
})

describe('cli start settings', () => {
  const of = (flags: Partial<Parameters<typeof settings>[0]>, file: Record<string, string> = {}) =>
    settings({ set: {}, ...flags }, file)

  it('listens on 127.0.0.1:9092 when nobody says otherwise', () => {
    expect(of({})).to.deep.equal({ listeners: 'PLAINTEXT://127.0.0.1:9092' })
  })

  it('lets --set win over the file, and flags over both', () => {
    const file = { 'num.partitions': '1', 'broker.id': '3', 'node.id': '3' }
    const values = of({ set: { 'num.partitions': '2', 'node.id': '4' }, id: 5 }, file)
    expect(values).to.deep.include({ 'num.partitions': '2', 'node.id': '5' })
    expect(values).not.to.have.property('broker.id')
  })

  it('has short names for where data is kept and when it is synced', () => {
    const file = { 'log.dirs': '/old', 'log.flush.interval.messages': '5' }
    expect(of({ dataDir: ['/a', '/b'], fsync: 'always' }, file)).to.deep.include({
      'log.dirs': '/a,/b',
      'log.flush.interval.messages': '1',
    })
    expect(of({ fsync: 'system' }, file))
      .to.include({ 'log.dirs': '/old' })
      .and.not.have.property('log.flush.interval.messages')
  })

  it('replaces the address of the first listener only', () => {
    const file = {
      listeners: 'OUT://:9092, IN://:9093',
      'advertised.listeners': 'OUT://localhost:9092,IN://localhost:9093',
    }
    expect(of({ listen: { host: '::1', port: 0 } }, file)).to.deep.equal({
      listeners: 'OUT://[::1]:0,IN://:9093',
      'advertised.listeners': 'IN://localhost:9093',
    })
    expect(of({ advertise: { host: 'kafka', port: 19092 } }, file)['advertised.listeners']).to.equal(
      'OUT://kafka:19092,IN://localhost:9093',
    )
  })
})
