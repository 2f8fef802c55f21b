import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { NodeDisk } from '../../lib/host/node-disk.js'
import { makeLog, START_MS } from '../log/support/harness.js'
import { run } from './support/program.js'

const REQUEST = '00120003000000010004746573740004636c69023100'
const BATCHES = 40

describe('cli explain', () => {
  it('shows the fields of a request, with or without its size', async () => {
    const [plain, sized] = await Promise.all([
      run(['explain', REQUEST]),
      run(['explain', `0x${(REQUEST.length / 2).toString(16).padStart(8, '0')}${REQUEST}`]),
    ])
    expect([plain.code, sized.code]).to.deep.equal([0, 0])
    expect(plain.out).to.equal(
      'ApiVersions request, version 3, correlation id 1, client id "test"\n0\t4\tclientSoftwareName\t"cli"\n4\t2\tclientSoftwareVersion\t"1"\n',
    )
    expect(sized.out).to.equal(plain.out)
  })

  it('gives one document with --json', async () => {
    const { out } = await run(['explain', REQUEST, '--json'])
    expect(JSON.parse(out)).to.deep.include({ message: 'ApiVersionsRequest', version: 3, correlationId: 1 })
  })

  it('shows what it could read, then says where it went wrong, with 1', async () => {
    const [short, long, response] = await Promise.all([
      run(['explain', REQUEST.slice(0, -4)]),
      run(['explain', `${REQUEST}00`]),
      run(['explain', '0000', '--response', '18:0']),
    ])
    expect([short.code, long.code, response.code]).to.deep.equal([1, 1, 1])
    expect(short.err).to.include('clientSoftwareVersion')
    expect(long.err).to.equal('Bytes left over after the last field: 1.\n')
    expect([response.out, response.err]).to.deep.equal(['0\t2\terrorCode\t0\n', 'apiKeys: want 4 bytes, have 0\n'])
  })
})

describe('cli dump', () => {
  let root: string
  const file = (extension: string): string => join(root, 't-0', `${'0'.repeat(20)}.${extension}`)
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'odradek-cli-'))
    const { log, produce } = makeLog(new NodeDisk({ root }))
    for (let index = 0; index < BATCHES; index++) {
      produce([{ key: `k${index}`, value: 'v'.repeat(1000), headers: [] }], { baseTimestamp: START_MS + index })
    }
    await log.close()
  })
  after(() => rmSync(root, { recursive: true }))

  it('lists the batches of a segment, and its records', async () => {
    const [plain, json, records] = await Promise.all([
      run(['dump', file('log')]),
      run(['dump', file('log'), '--json']),
      run(['dump', file('log'), '--records', '--json']),
    ])
    expect([plain.code, json.code, records.code]).to.deep.equal([0, 0, 0])
    expect(plain.out.trimEnd().split('\n')).to.have.length(BATCHES)
    expect(plain.out).to.match(/^0\t\d+\t0\t0\t1\t0\t1767225600000\tnone\t-\t-\t-\tok\n/)
    expect(JSON.parse(json.out)[BATCHES - 1]).to.include({ baseOffset: BATCHES - 1, count: 1, crcValid: true })
    expect(JSON.parse(records.out)[7]).to.deep.include({ offset: 7, timestamp: START_MS + 7, key: 'k7' })
  })

  it('lists indexes whose entries point to batches', async () => {
    const [log, index, times] = await Promise.all(
      ['log', 'index', 'timeindex'].map(async (kind) => JSON.parse((await run(['dump', file(kind), '--json'])).out)),
    )
    const positions = new Map(
      log.map((one: { baseOffset: number; position: number }) => [one.baseOffset, one.position]),
    )
    expect(index.length).to.be.greaterThan(4)
    for (const { offset, position } of index) expect(positions.get(offset)).to.equal(position)
    expect(times.length).to.be.greaterThan(4)
    for (const { offset, timestamp } of times) expect(timestamp - START_MS).to.equal(offset)
  })

  it('says where a segment is damaged or torn, with 1, and shows the rest', async () => {
    const bytes = readFileSync(file('log'))
    const damaged = Buffer.from(bytes)
    damaged[damaged.length - 1]! ^= 1
    writeFileSync(join(root, 'damaged.log'), damaged)
    writeFileSync(join(root, 'torn.log'), bytes.subarray(0, bytes.length - 5))
    const [wrong, records, torn] = await Promise.all([
      run(['dump', join(root, 'damaged.log')]),
      run(['dump', join(root, 'damaged.log'), '--records', '--json']),
      run(['dump', join(root, 'torn.log')]),
    ])
    expect([wrong.code, records.code, torn.code]).to.deep.equal([1, 1, 1])
    expect(wrong.out).to.include('WRONG')
    expect(wrong.err).to.match(/the batch at byte \d+ has a wrong CRC\.\n$/)
    expect(JSON.parse(records.out)).to.have.length(BATCHES - 1)
    expect(torn.err).to.match(/the last \d+ bytes, from byte \d+, are no whole batch\.\n$/)
  })
})
