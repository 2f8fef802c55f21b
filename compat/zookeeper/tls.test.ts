import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { TlsNetwork } from '../../lib/host/tls-network.js'
import { ErrorCode } from '../../protocol/errors.js'
import { eventually, Follower, topicRecord } from '../../test/contracts/coordination.js'
import { projectRoot } from '../project-root.js'
import { engineOver } from './engines.js'
import { Ensemble, zooKeeperUnavailable } from './ensemble.js'

const pem = (name: string): string => readFileSync(join(projectRoot, 'test/support/tls', name), 'utf8')

describe('ZooKeeper by TLS', function () {
  this.timeout(60_000)
  let ensemble: Ensemble
  before(async function () {
    if (zooKeeperUnavailable() !== null) this.skip()
    const tls = { keyAndCertificate: pem('server.key.pem') + pem('server.pem'), authorities: pem('ca.pem') }
    ensemble = await Ensemble.start({ servers: 1, tickTimeMs: 200, tls })
  })
  after(() => ensemble?.stop())

  it('agrees through an encrypted connection to a server whose certificate is checked', async () => {
    const engine = engineOver(ensemble, {}, new TlsNetwork({ ca: pem('ca.pem') }))
    try {
      const port = await engine.connect(1, ensemble.tlsAddresses)
      const seen = new Follower()
      await port.start(seen)
      port.campaign()
      const lease = await eventually(() => seen.lease, 'the lease')
      const { errorCode } = await port.append([topicRecord('a')], lease.controllerEpoch)
      expect(errorCode).to.equal(ErrorCode.NONE)
      expect(seen.names).to.deep.equal(['a'])
    } finally {
      await engine.close()
    }
  })
})
