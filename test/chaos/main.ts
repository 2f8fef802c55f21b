/**
 * `make chaos`: a cluster of broker processes over Apache ZooKeeper under real clients, whose brokers, ensemble and network fail. `--seconds N`
 * (120), `--seed N`, `--brokers N` (3), `--only WORD[,WORD]` (client kinds whose name contains one), `--keep` (the evidence of a good run too).
 * Exit code 1 on a violation, whose evidence stays in a folder that is named. The last line is `N passed, N failed`.
 */
import { randomInt } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { zooKeeperUnavailable } from '../../compat/zookeeper/ensemble.js'
import { availableKinds } from '../crash/clients.js'
import { reportVerdict } from '../crash/report.js'
import { BROKER_CONFIGS } from '../crash/topics.js'
import { ChaosCluster } from './cluster.js'
import { ChaosRun } from './run.js'

const CONFIGS: Readonly<Record<string, string>> = {
  ...BROKER_CONFIGS,
  'min.insync.replicas': '2',
  'default.replication.factor': '3',
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
  // Partitions between brokers are noticed within the run.
  'replica.lag.time.max.ms': '3000',
  'request.timeout.ms': '4000',
  'leader.imbalance.check.interval.seconds': '5',
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '120' },
      seed: { type: 'string' },
      brokers: { type: 'string', default: '3' },
      only: { type: 'string' },
      keep: { type: 'boolean', default: false },
    },
  })
  const seconds = Number(values.seconds)
  const brokers = Number(values.brokers)
  const seed = values.seed === undefined ? randomInt(2 ** 30) : Number(values.seed)
  if (!(seconds > 0) || !Number.isSafeInteger(seed) || !(Number.isInteger(brokers) && brokers >= 3)) {
    console.error(
      'use --seconds N (above 0), --seed N (a whole number), --brokers N (3 or more), --only WORD[,WORD], --keep',
    )
    return 2
  }
  const missing = zooKeeperUnavailable()
  if (missing !== null) {
    console.log(`left out: ${missing}`)
    return 0
  }
  const kinds = await availableKinds(values.only?.split(','))
  if (kinds.length === 0) {
    console.error(`no client is named like ${values.only}`)
    return 2
  }
  const folder = mkdtempSync(join(tmpdir(), 'odradek-chaos-'))
  const names = kinds.map(({ name }) => name).join(', ')
  console.log(`chaos: seed ${seed}, ${seconds} s, ${brokers} brokers under ${names}`)
  const cluster = await ChaosCluster.create(folder, brokers, CONFIGS)
  const run = new ChaosRun({ seed, seconds, folder, kinds, cluster, say: (line) => console.log(line) })
  const verdict = await run.run()
  const done = [...run.faults].map(([name, times]) => `${times} ${name}`)
  await cluster.close()
  return reportVerdict({
    faults: `faults: ${done.join(', ')}`,
    history: run.history,
    verdict,
    folder,
    keep: values.keep,
  })
}

process.exit(await main())
