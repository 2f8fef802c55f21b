import { expect } from 'chai'
import { createLogger, isSecret, type NodeLoggerOptions } from '../../lib/host/node-logger.js'

describe('node logger', () => {
  const make = (options: Partial<NodeLoggerOptions>) => {
    const lines: string[] = []
    let wake = (): void => {}
    const write = (text: string): void => {
      lines.push(text)
      wake()
    }
    const logger = createLogger({ level: 'info', write, ...options })
    const until = async (count: number): Promise<void> => {
      while (lines.length < count) await new Promise<void>((resolve) => (wake = resolve))
    }
    return { logger, lines, until }
  }

  it('writes a line for people', () => {
    const { logger, lines } = make({})
    logger.info('The topic has been created.', {
      name: 'orders',
      partitions: 3,
      note: 'two words',
      none: undefined,
      empty: '',
    })
    logger.debug('too fine')
    expect(lines).to.have.length(1)
    expect(lines[0]).to.match(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} INFO {2}The topic has been created\. name=orders partitions=3 note="two words" empty=""\n$/,
    )
  })

  it('writes JSON lines by pino, in order, the first ones too', async () => {
    const { logger, lines, until } = make({ json: true })
    logger.info('one', { port: 9092 })
    logger.error('two', { error: new RangeError('bad') })
    await until(2)
    logger.warn('three')
    await until(3)
    const said = lines.map((line) => JSON.parse(line))
    expect(said.map((line) => [line.level, line.message])).to.deep.equal([
      ['info', 'one'],
      ['error', 'two'],
      ['warn', 'three'],
    ])
    expect(said[0].port).to.equal(9092)
    expect(said[0].time).to.match(/^\d{4}-.*Z$/)
    expect(said[1].error).to.include({ name: 'RangeError', message: 'bad' })
    expect(lines.every((line) => line.endsWith('\n'))).to.equal(true)
    expect(said[0]).to.not.have.any.keys('pid', 'hostname')
  })

  it('says nothing after close, and everything before it', async () => {
    const { logger, lines } = make({ json: true })
    logger.info('before')
    logger.close()
    logger.info('after')
    expect(lines.map((line) => JSON.parse(line).message)).to.deep.equal(['before'])
    await import('pino')
    await new Promise<void>((resolve) => setImmediate(resolve))
    expect(lines).to.have.length(1)
  })

  it('hides secrets, wherever they are', () => {
    const { logger, lines } = make({})
    logger.info('configs', {
      'sasl.jaas.config': 'topsecret',
      nested: { list: [{ userPassword: 'topsecret' }], 'ssl.keystore.password': 'topsecret' },
      user: 'ann',
      map: new Map([['token', 'topsecret']]),
    })
    expect(lines[0]).to.not.include('topsecret')
    expect(lines[0]).to.include('user=ann')
    for (const name of ['ssl.key.password', 'ssl.keystore.key', 'oauthToken', 'SASL_JAAS_CONFIG'])
      expect(isSecret(name), name).to.equal(true)
    for (const name of ['key', 'group.id', 'ssl.keystore.location']) expect(isSecret(name), name).to.equal(false)
  })

  it('keeps a line a line, and short', () => {
    const { logger, lines } = make({})
    const loop: Record<string, unknown> = {}
    loop.self = loop
    logger.info('client\nERROR forged \u001b[31m', {
      id: 'x\ny',
      text: 'z'.repeat(100_000),
      bytes: Buffer.alloc(10),
      big: 2n ** 64n,
      loop,
    })
    expect(lines[0]!.split('\n')).to.have.length(2)
    expect(lines[0]).to.not.include('\u001b')
    expect(lines[0]!.length).to.be.lessThan(3000)
    expect(lines[0]).to.include('bytes="10 bytes"').and.include('big=18446744073709551616')
  })

  it('silent is silent', () => {
    const { logger, lines } = make({ level: 'silent' })
    logger.error('no')
    logger.close()
    expect(lines).to.deep.equal([])
  })
})
