import { expect } from 'chai'
import { Broker } from '../../lib/embed/broker.js'
import { type Ended, type Refusal, runAll } from './support/program.js'

/** What is asked wrongly is refused before any broker is asked. */
const wrong: readonly Refusal[] = [
  { args: ['bogus'], code: 2, sentence: /^There is no command bogus; there are start, topics/ },
  { args: ['--bogus'], code: 2, sentence: /unknown option '--bogus'/ },
  { args: ['topics', 'lost'], code: 2, sentence: /unknown command 'lost' \(Did you mean list\?\)$/ },
  { args: ['start', 'extra'], code: 2, sentence: /too many arguments for 'start'/ },
  { args: ['--listen', 'foo'], code: 2, sentence: /must be HOST:PORT/ },
  { args: ['--listen', '127.0.0.1:70000'], code: 2, sentence: /must be HOST:PORT/ },
  { args: ['--advertise', '0.0.0.0:9092'], code: 2, sentence: /an address that a client can connect to/ },
  { args: ['--advertise', '[::0]:9092'], code: 2, sentence: /an address that a client can connect to/ },
  { args: ['--advertise', 'a:0'], code: 2, sentence: /an address that a client can connect to/ },
  { args: ['--id', '-1'], code: 2, sentence: /whole number from 0/ },
  { args: ['--profile', 'x'], code: 2, sentence: /one of test, kafka/ },
  { args: ['--memory-limit', 'lots'], code: 2, sentence: /must be a size like 512MB/ },
  { args: ['--log-level', 'x'], code: 2, sentence: /one of trace, debug/ },
  { args: ['--set', 'x'], code: 2, sentence: /must be key=value/ },
  { args: ['--listen', '127.0.0.1:0', '--set', 'no.such=1'], code: 2, sentence: /^There is no broker config called/ },
  {
    args: ['--listen', '127.0.0.1:0', '--set', 'num.partitions=x'],
    code: 2,
    sentence: /^Invalid value 'x' for num\.p/,
  },
  {
    args: ['--config', 'no/such.file'],
    code: 2,
    sentence: /^Cannot read no\/such\.file: no such file or directory\.$/,
  },
  { args: ['topics', 'list', '--bootstrap', 'foo'], code: 2, sentence: /must be HOST:PORT/ },
  { args: ['topics', 'create', 'a b'], code: 2, sentence: /1 to 249 letters, digits/ },
  { args: ['topics', 'create', 'a', '--partitions', '0'], code: 2, sentence: /whole number from 1/ },
  { args: ['groups', 'reset', 'g', '--topic', 't'], code: 2, sentence: /required option '--to <position>'/ },
  {
    args: ['groups', 'reset', 'g', '--topic', 't', '--to', '-5'],
    code: 2,
    sentence: /must be earliest, latest, an offset, or a time/,
  },
  { args: ['configs', 'describe'], code: 2, sentence: /either --topic NAME, --broker ID or --broker default/ },
  { args: ['configs', 'alter', '--topic', 't'], code: 2, sentence: /^Say what to change/ },
  { args: ['produce', 't', '--acks', '2'], code: 2, sentence: /one of all, -1, 0, 1/ },
  { args: ['produce', 't', '--compression', 'br'], code: 2, sentence: /one of none, gzip/ },
  { args: ['produce', 't', '--header', 'x'], code: 2, sentence: /must be key=value/ },
  { args: ['produce', 't', '--key-separator', ''], code: 2, sentence: /must not be empty/ },
  { args: ['consume', 't', '--max', '0'], code: 2, sentence: /whole number of at least 1/ },
  { args: ['explain', 'zz'], code: 2, sentence: /even number of hexadecimal digits/ },
  { args: ['explain', '00'], code: 1, sentence: /^This is no Kafka request/ },
  { args: ['explain', '00', '--response', '18'], code: 2, sentence: /must be KEY:VERSION/ },
  { args: ['dump', 'no/such.log'], code: 2, sentence: /^Cannot read no\/such\.log: no such file/ },
  { args: ['dump', 'package.json'], code: 2, sentence: /^package\.json is no \.log/ },
  {
    args: ['topics', 'list', '--bootstrap', '127.0.0.1:1'],
    code: 1,
    sentence: /^Cannot reach a broker at 127\.0\.0\.1:1/,
  },
  {
    // It tries again for a while, and meanwhile nothing but a timer of ours keeps the process.
    args: ['consume', 't', '--bootstrap', '127.0.0.1:1'],
    code: 1,
    sentence: /^Cannot reach a broker at 127\.0\.0\.1:1/,
  },
  {
    args: ['api-versions', '--bootstrap', '127.0.0.1:1'],
    code: 1,
    sentence: /^Cannot reach a broker at 127\.0\.0\.1:1/,
  },
]

/** What the broker refuses. */
const refused: readonly Refusal[] = [
  { args: ['topics', 'create', 'there'], code: 1, sentence: /^The topic there exists already\.$/ },
  { args: ['topics', 'create', 'n', '--config', 'no.such=1'], code: 2, sentence: /no topic config called 'no\.such'/ },
  {
    args: ['topics', 'create', 'n', '--config', 'retention.ms=x'],
    code: 2,
    sentence: /Invalid value 'x' for retention/,
  },
  { args: ['topics', 'create', 'n', '--replication-factor', '3'], code: 2, sentence: /replication factor of 3/ },
  { args: ['topics', 'describe', 'nope'], code: 1, sentence: /^There is no topic nope\.$/ },
  { args: ['topics', 'delete', 'there', 'nope'], code: 1, sentence: /^There is no topic nope; nothing was deleted\.$/ },
  { args: ['groups', 'describe', 'nope'], code: 1, sentence: /^There is no group nope\.$/ },
  { args: ['groups', 'delete', 'nope'], code: 1, sentence: /^There is no group nope\.$/ },
  { args: ['groups', 'reset', 'g', '--topic', 'nope', '--to', '0'], code: 1, sentence: /^There is no topic nope\.$/ },
  { args: ['configs', 'describe', '--topic', 'nope'], code: 1, sentence: /^There is no topic nope\.$/ },
  { args: ['configs', 'describe', '--broker', '7'], code: 1, sentence: /^There is no broker 7: the cluster has 1\.$/ },
  { args: ['configs', 'alter', '--topic', 'there', '--set', 'no.such=1'], code: 2, sentence: /no topic config called/ },
  { args: ['configs', 'alter', '--topic', 'nope', '--set', 'retention.ms=1'], code: 1, sentence: /no topic nope/ },
  { args: ['consume', 'nope'], code: 1, sentence: /^There is no topic nope\.$/ },
  { args: ['consume', 'there', '--max', '1', '--timeout', '1'], code: 1, sentence: /^0 of 1 records came before/ },
]

function describeRefusals(title: string, cases: readonly Refusal[], suffix: () => Promise<readonly string[]>): void {
  describe(title, () => {
    let ends: Ended[] = []
    before(async function () {
      this.timeout(30_000)
      const more = await suffix()
      ends = await runAll(cases.map(({ args }) => ({ args: [...args, ...more] })))
    })
    cases.forEach(({ args, code, sentence }, index) => {
      it(`${args.join(' ')} -> ${code}`, () => {
        const end = ends[index]!
        expect(end.err.trimEnd()).to.match(sentence)
        expect(end.err).not.to.match(/\n +at /)
        expect([end.code, end.out.replace(/^\w+ request, .*\n/, '')]).to.deep.equal([code, ''])
      })
    })
  })
}

describe('cli refusals', () => {
  let broker: Broker
  before(async () => {
    broker = await Broker.create({ topics: ['there'] })
  })
  after(() => broker.close())

  describeRefusals('of what is asked wrongly', wrong, async () => [])
  describeRefusals('of what the broker refuses', refused, async () => ['--bootstrap', broker.bootstrapServers])
})
