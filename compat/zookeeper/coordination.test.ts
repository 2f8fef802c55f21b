import { coordinationContract } from '../../test/contracts/coordination.js'
import { engineOver } from './engines.js'
import { Ensemble, zooKeeperUnavailable } from './ensemble.js'

const missing = zooKeeperUnavailable()
let ensemble: Ensemble

describe(`ZooKeeper${missing === null ? '' : ` (left out: ${missing})`}`, function () {
  this.timeout(60_000)
  before(async function () {
    if (missing !== null) this.skip()
    ensemble = await Ensemble.start({ servers: 3, tickTimeMs: 200 })
  })
  after(() => ensemble?.stop())
  coordinationContract('ZooKeeper', async () => engineOver(ensemble))
})
