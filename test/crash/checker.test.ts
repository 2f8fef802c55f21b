import { expect } from 'chai'
import { Checker, type CopyPlan, type TopicPromise } from './checker.js'
import { type ClientEvent, parseEvent, parseIdentity, writeIdentity } from './events.js'
import type { FinalPartition, FinalRecord } from './final-state.js'
import { History } from './history.js'
import { checkWordCount } from './word-count.js'

const PROMISES = new Map<string, TopicPromise>([
  ['plain', { exactlyOnce: false, compacted: false }],
  ['exact', { exactlyOnce: true, compacted: false }],
  ['compacted', { exactlyOnce: true, compacted: true }],
  ['copy', { exactlyOnce: true, compacted: false }],
])

/** A partition whose records are one batch each, from offset 0 on; null is a control record, a leading `-` an invisible record. */
function partition(
  topic: string,
  identities: readonly (string | null)[],
  more: Partial<FinalPartition> = {},
  producerIdAt: (offset: number) => number = () => -1,
): FinalPartition {
  const records: FinalRecord[] = []
  identities.forEach((text, offset) => {
    if (text === null) return
    const visible = !text.startsWith('-')
    const [identity, key = null, value = null] = text.replace(/^-/, '').split(' ')
    records.push({ offset, key, identity: identity!, value, producerId: producerIdAt(offset), visible })
  })
  const batches = identities.map((text, offset) => ({
    baseOffset: offset,
    lastOffset: offset,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    recordCount: 1,
    control: text === null,
  }))
  const end = identities.length
  return { topic, partition: 0, startOffset: 0, highWatermark: end, lastStableOffset: end, batches, records, ...more }
}

const sent = (t: string, n: number, c: number, x?: number): ClientEvent => ({
  e: 'sent',
  w: 'w',
  t,
  p: 0,
  n,
  c,
  ...(x === undefined ? {} : { x }),
})
const acked = (t: string, n: number, c: number, o: number | null): ClientEvent => ({
  e: 'acked',
  w: 'w',
  t,
  p: 0,
  n,
  c,
  o,
})
const step = (x: number, s: 'committing' | 'committed' | 'aborted'): ClientEvent => ({ e: 'tx', w: 'w', x, s })
const read = (t: string, i: 0 | 1, r: [number, string][]): ClientEvent => ({ e: 'read', g: 'g', i, t, p: 0, r })
const commit = (t: string, o: number): ClientEvent => ({ e: 'offsets', g: 'g', t, p: 0, o })

interface Scene {
  readonly said: readonly ClientEvent[]
  readonly held: readonly FinalPartition[]
  readonly committed?: Readonly<Record<string, number>>
  readonly copies?: readonly CopyPlan[]
}

function violations({ said, held, committed = {}, copies = [] }: Scene): string[] {
  const history = new History()
  for (const event of said) history.add(event)
  const state = { partitions: held, committed: new Map(Object.entries(committed)) }
  const verdict = new Checker(history, state, PROMISES).run(copies)
  expect(verdict.checks.size).to.be.above(0)
  expect(verdict.broken.size > 0).to.equal(verdict.violations.length > 0)
  return verdict.violations
}

/** Exactly one violation, which reads like this. */
function expectViolation(scene: Scene, pattern: RegExp): void {
  const found = violations(scene)
  expect(found, found.join('\n')).to.have.length(1)
  expect(found[0]).to.match(pattern)
}

describe('crash checker', () => {
  it('is content with what was promised', () => {
    const said = [sent('plain', 0, 3), acked('plain', 0, 2, 0), sent('exact', 0, 2), acked('exact', 0, 2, 0)]
    const held = [partition('plain', ['w/0/-', 'w/1/-', 'w/0/-']), partition('exact', ['w/0/-', 'w/1/-'])]
    expect(violations({ said, held })).to.deep.equal([])
  })

  it('misses an acknowledged record, wherever it is', () => {
    const said = [sent('plain', 0, 2), acked('plain', 0, 2, 0)]
    expectViolation({ said, held: [partition('plain', ['w/0/-'])] }, /w\/1 was acknowledged at 1 and is at no offset/)
    const moved = { said: [sent('plain', 0, 1), acked('plain', 0, 1, 1)], held: [partition('plain', ['w/0/-'])] }
    expectViolation(moved, /w\/0 was acknowledged at 1 and is at 0/)
  })

  it('does not ask for what retention removed', () => {
    const said = [sent('plain', 0, 2), acked('plain', 0, 2, 0)]
    const [first, second] = partition('plain', ['w/0/-', 'w/1/-']).batches
    const held = partition('plain', ['w/0/-', 'w/1/-'])
    const left = { ...held, startOffset: 1, batches: [second!], records: held.records.slice(1) }
    expect(first).to.have.property('baseOffset', 0)
    expect(violations({ said, held: [left] })).to.deep.equal([])
  })

  it('finds records that are there twice, only where that matters', () => {
    const held = ['w/0/-', 'w/0/-']
    expect(violations({ said: [sent('plain', 0, 1)], held: [partition('plain', held)] })).to.deep.equal([])
    expectViolation({ said: [sent('exact', 0, 1)], held: [partition('exact', held)] }, /w\/0 is there at 0, 1/)
  })

  it('finds records of an idempotent producer out of order, acknowledged or not', () => {
    const said = [sent('exact', 0, 3)]
    const of = (...producers: number[]) => [partition('exact', ['w/1/-', 'w/0/-', 'w/2/-'], {}, (at) => producers[at]!)]
    expectViolation({ said, held: of(7, 7, 7) }, /w\/0 comes after 1 of the same producer/)
    // Two producers of one writer: the request of the first that gave up may still come.
    expect(violations({ said, held: of(8, 7, 8) })).to.deep.equal([])
  })

  it('finds a record before one that was acknowledged when it was sent, whoever wrote it', () => {
    for (const topic of ['plain', 'exact']) {
      const said = [sent(topic, 0, 1), acked(topic, 0, 1, 1), sent(topic, 1, 1), acked(topic, 1, 1, 0)]
      const scene = { said, held: [partition(topic, ['w/1/-', 'w/0/-'])] }
      expectViolation(scene, /w\/1 is at 0, and was sent after 1 was acknowledged/)
    }
  })

  it('lets what was not acknowledged in time come later, but only once it was sent', () => {
    const held = [partition('plain', ['w/1/-', 'w/2/-', 'w/0/-'])]
    // The request of 0 was never answered, lay in a socket and is executed when 2 is written.
    const late = [sent('plain', 0, 1), sent('plain', 1, 1), acked('plain', 1, 1, 0), sent('plain', 2, 1)]
    expect(violations({ said: late, held })).to.deep.equal([])
    // Both were under way when the leader changed: 0 was asked of the old one, and again of the new one behind the others.
    const moved = [sent('plain', 0, 3), acked('plain', 1, 2, 0), acked('plain', 0, 1, 2)]
    expect(violations({ said: moved, held })).to.deep.equal([])
    // 0 was acknowledged at its place, and stands again behind the others.
    const again = [partition('plain', ['w/0/-', 'w/1/-', 'w/0/-'])]
    const doubled = [sent('plain', 0, 1), acked('plain', 0, 1, 0), sent('plain', 1, 1), acked('plain', 1, 1, 1)]
    expect(violations({ said: doubled, held: again })).to.deep.equal([])
    // 0 was acknowledged before 1 was sent: its first place must be the earlier one.
    const wrong = [sent('plain', 0, 1), acked('plain', 0, 1, 2), sent('plain', 1, 2)]
    expect(violations({ said: wrong, held })).to.have.length(2)
  })

  it('finds records that nobody sent, and those of another transaction', () => {
    expectViolation({ said: [], held: [partition('plain', ['stranger/0/-'])] }, /nobody sent stranger/)
    expectViolation({ said: [sent('plain', 0, 1)], held: [partition('plain', ['garbage'])] }, /nobody sent garbage/)
    const other = { said: [sent('exact', 0, 1, 1), step(1, 'committed')], held: [partition('exact', ['w/0/2', null])] }
    expect(violations(other).join()).to.match(/nobody sent w\/0\/2/)
  })

  it('finds a gap, a sequence that jumps and a transaction that never ends', () => {
    const held = partition('plain', ['w/0/-', 'w/1/-', 'w/2/-'])
    const gap = {
      ...held,
      batches: held.batches.filter((_, i) => i !== 1),
      records: held.records.filter((_, i) => i !== 1),
    }
    expectViolation({ said: [sent('plain', 0, 3)], held: [gap] }, /after offset 0 comes 2/)
    const sequences = [0, 1, 3].map((baseSequence, i) => ({
      ...held.batches[i]!,
      producerId: 7,
      producerEpoch: 0,
      baseSequence,
    }))
    expectViolation({ said: [sent('plain', 0, 3)], held: [{ ...held, batches: sequences }] }, /sequence 3, not 2/)
    expectViolation({ said: [sent('plain', 0, 3)], held: [{ ...held, lastStableOffset: 1 }] }, /LSO 1, but ends at 3/)
  })

  it('wants committed transactions whole and aborted ones unseen', () => {
    const said = [sent('exact', 0, 2, 1)]
    const whole = partition('exact', ['w/0/1', 'w/1/1', null])
    const half = partition('exact', ['w/0/1', null])
    const none = partition('exact', ['-w/0/1', '-w/1/1', null])
    const ended = (state: 'committing' | 'committed' | 'aborted', held: FinalPartition) =>
      violations({ said: [...said, step(1, state)], held: [held] }).join()
    expect(ended('committed', whole)).to.equal('')
    expect(ended('committed', half)).to.match(/was committed, and 1 of its 2 records are seen/)
    expect(ended('committed', none)).to.match(/was committed, and 0 of its 2/)
    expect(ended('committing', whole)).to.equal('')
    expect(ended('committing', none)).to.equal('')
    expect(ended('committing', half)).to.match(/ended in between: 1 of its 2/)
    expect(ended('aborted', none)).to.equal('')
    expect(ended('aborted', half)).to.match(/is aborted, and 1 of its records/)
    expectViolation({ said, held: [whole] }, /is open, and 2 of its records/)
  })

  it('lets compaction remove a record only when its key comes again', () => {
    const said = [sent('compacted', 0, 41), acked('compacted', 0, 41, 0)]
    const all = Array.from({ length: 41 }, (_, n) => `w/${n}/- k${n % 40}`)
    const held = partition('compacted', all)
    const without = (gone: number) => ({ ...held, records: held.records.filter(({ offset }) => offset !== gone) })
    expect(violations({ said, held: [without(0)] })).to.deep.equal([])
    expectViolation({ said, held: [without(5)] }, /w\/5 at 5 is gone, and no later record has key k5/)
  })

  it('finds offsets that went back, and records that a group never saw', () => {
    const said = [sent('plain', 0, 2), read('plain', 0, [[0, 'w/0/-']]), commit('plain', 1)]
    const held = [partition('plain', ['w/0/-', 'w/1/-'])]
    const at = (offset: number) => violations({ said, held, committed: { 'g plain 0': offset } }).join()
    expect(at(1)).to.equal('')
    expect(at(0)).to.match(/1 was acknowledged and it stands at 0/)
    expect(at(2)).to.match(/stands at 2, and offset 1 was never read/)
  })

  it('finds what was read and is no longer there, or should not have been seen', () => {
    const committed = { 'g plain 0': -1 }
    const held = [partition('plain', ['w/0/-'])]
    const one = { said: [sent('plain', 0, 1), read('plain', 0, [[0, 'w/5/-']])], held, committed }
    expectViolation(one, /w\/5\/- was read at 0, where w\/0\/- is/)
    const twice = read('plain', 0, [[0, 'w/0/-']])
    const changed = { ...one, said: [sent('plain', 0, 1), read('plain', 0, [[0, 'w/5/-']]), twice] }
    expectViolation(changed, /read w\/5\/- and later w\/0\/-/)
    const aborted = [sent('exact', 0, 1, 1), step(1, 'aborted'), read('exact', 1, [[0, 'w/0/1']])]
    expectViolation(
      { said: aborted, held: [partition('exact', ['-w/0/1', null])] },
      /was read at 0, where .*not visible/,
    )
  })

  it('believes no producer that hears of a gap', () => {
    const said: ClientEvent[] = [{ e: 'note', w: 'w', m: 'OutOfOrderSequenceException: ...' }]
    expectViolation({ said, held: [partition('plain', [])] }, /w was told: OutOfOrderSequence/)
    expect(
      violations({ said: [{ e: 'note', w: 'w', m: 'Closed connection' }], held: [partition('plain', [])] }),
    ).to.deep.equal([])
  })

  it('believes librdkafka that has a transaction aborted because a batch behind a failed one was refused', () => {
    const m = 'KafkaException: KafkaError{code=OUT_OF_ORDER_SEQUENCE_NUMBER,val=45,str="skipped sequence numbers"}'
    const held = [partition('plain', [])]
    expect(violations({ said: [{ e: 'note', w: 'w', m }], held })).to.deep.equal([])
    const fatal = m.replace('{code', '{FATAL,code')
    expectViolation({ said: [{ e: 'note', w: 'w', m: fatal }], held }, /w was told/)
  })

  it('looks for what was acknowledged without an offset, too', () => {
    const said = [sent('exact', 0, 2), acked('exact', 0, 1, null), acked('exact', 1, 1, 1)]
    expect(violations({ said, held: [partition('exact', ['w/0/-', 'w/1/-'])] })).to.deep.equal([])
    const lost = [sent('exact', 0, 2), acked('exact', 1, 1, null)]
    expectViolation({ said: lost, held: [partition('exact', ['w/0/-'])] }, /w\/1 was acknowledged and is at no offset/)
  })

  it('believes librdkafka that its sequence was refused only where its own unacknowledged batch stands', () => {
    const m =
      'KafkaException: KafkaError{FATAL,code=OUT_OF_ORDER_SEQUENCE_NUMBER,val=45,str="ProduceRequest for exact [0] with 3 message(s) ' +
      'failed due to sequence desynchronization with broker 103 (PID{Id:7,Epoch:2}, base seq 50, idemp state change 1 ms ago'
    const said: ClientEvent[] = [sent('exact', 0, 1), { e: 'note', w: 'w', m }]
    const found = partition('exact', ['w/0/-'], {}, () => 7)
    const standing = (baseSequence: number, producerEpoch: number) => [
      { ...found, batches: [{ ...found.batches[0]!, producerId: 7, producerEpoch, baseSequence }] },
    ]
    expect(violations({ said, held: standing(50, 2) })).to.deep.equal([])
    expectViolation({ said, held: standing(49, 2) }, /w was told: .*base seq 50/)
    expectViolation({ said, held: standing(50, 1) }, /w was told: .*base seq 50/)
    expectViolation({ said: [...said, acked('exact', 0, 1, 0)], held: standing(50, 2) }, /w was told: .*base seq 50/)
    expectViolation({ said, held: [partition('exact', [])] }, /w was told: .*base seq 50/)
  })

  it('believes librdkafka that doubled what nobody acknowledged with its next epoch, and nobody else', () => {
    const stored = (writer: string, epochs: readonly number[], identities: readonly string[], producerId = 7) => {
      const found = partition(
        'exact',
        identities.map((identity) => `${writer}/${identity}`),
        {},
        () => producerId,
      )
      const sequence = (at: number) => epochs.slice(0, at).filter((epoch) => epoch === epochs[at]).length
      const batches = found.batches.map((batch, at) => {
        return { ...batch, producerId, producerEpoch: epochs[at]!, baseSequence: sequence(at) }
      })
      return [{ ...found, batches }]
    }
    const by = (writer: string, ...events: ClientEvent[]) =>
      events.map((event) => ({ ...event, w: writer }) as ClientEvent)
    const writer = 'python.idempotent#1'
    const said = by(writer, sent('exact', 0, 2), acked('exact', 0, 1, 0), acked('exact', 1, 1, 2))
    const copies = ['0/-', '1/-', '1/-']
    expect(violations({ said, held: stored(writer, [0, 0, 1], copies) })).to.deep.equal([])
    expectViolation({ said, held: stored(writer, [0, 0, 0], copies) }, /idempotent#1\/1 is there at 1, 2/)
    expectViolation({ said, held: stored(writer, [0, 1, 0], copies) }, /idempotent#1\/1 is there at 1, 2/)
    const other = by('java.idempotent#1', ...said)
    expectViolation({ said: other, held: stored('java.idempotent#1', [0, 0, 1], copies) }, /is there at 1, 2/)
    const older = by(writer, sent('exact', 0, 2), acked('exact', 0, 2, 0))
    expectViolation({ said: older, held: stored(writer, [0, 0, 1], copies) }, /is there at 1, 2/)
    const behind = by(writer, sent('exact', 0, 3), acked('exact', 0, 1, 3), acked('exact', 1, 1, 1))
    const overtaken = stored(writer, [0, 0, 0, 1], ['0/-', '1/-', '2/-', '0/-'])
    expectViolation({ said: behind, held: overtaken }, /idempotent#1\/0 is there at 0, 3/)
  })

  it('counts copies', () => {
    const copies = [{ group: 'c', from: 'exact', to: 'copy' }]
    const said = [sent('exact', 0, 3), sent('copy', 0, 3)]
    const from = partition('exact', ['w/0/-', 'w/1/-', 'w/2/-'])
    const copied = (to: string[], offset: number) =>
      violations({ said, held: [from, partition('copy', to)], committed: { 'c exact 0': offset }, copies }).join()
    expect(copied(['w/0/-/0:0', 'w/1/-/0:1'], 2)).to.equal('')
    expect(copied(['w/0/-/0:0'], 2)).to.match(/offset 1 was copied 0 times, not 1/)
    expect(copied(['w/0/-/0:0', 'w/1/-/0:0'], 1)).to.match(/offset 0 was copied 2 times, not 1/)
    expect(copied(['w/0/-/0:0', 'w/1/-/0:1'], 1)).to.match(/offset 1 was copied 1 times, not 0/)
    expect(copied(['w/0/-/0:9'], 0)).to.match(/made of 0:9, which is not there/)
  })

  it('counts words', () => {
    const from = partition('exact', ['w#1/0/1', 'w#2/0/1', '-w#2/1/2'])
    const counts = (...lines: string[]) =>
      checkWordCount([from, partition('counts', lines)], 'exact', 'counts').violations.join()
    expect(counts('x w 1', 'x n0 1', 'x w 2', 'x n0 2')).to.equal('')
    expect(counts('x w 1', 'x n0 1', 'x w 2')).to.match(/"n0" was counted 1 times and is there 2 times/)
    expect(counts('x w 1', 'x w 1', 'x n0 1', 'x w 2', 'x n0 2')).to.match(/"w" counts 1, and 2 was to come/)
  })

  it('reads what clients say, and nothing else', () => {
    expect(parseEvent('{"e":"tx","w":"a","x":1,"s":"committed"}')).to.have.property('s', 'committed')
    expect(() => parseEvent('{"e":"other"}')).to.throw('no event')
    expect(() => parseEvent('{"e":"tx"')).to.throw()
    const identity = { writer: 'java.copier#2', n: 7, transaction: 3, source: '1:99' }
    expect(parseIdentity(writeIdentity(identity))).to.deep.equal(identity)
    expect(parseIdentity('a/1')).to.equal(null)
  })
})
