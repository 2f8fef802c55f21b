import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServer, type Server } from 'node:tls'
import { expect } from 'chai'
import type { NetworkError, Stream } from '../../lib/host/network.js'
import { TlsNetwork, tlsProblem } from '../../lib/host/tls-network.js'

const pem = (name: string): string => readFileSync(join(process.cwd(), 'test/support/tls', name), 'utf8')

describe('host/tls-network', () => {
  let server: Server
  let port: number

  /** Sends back what comes, with the name of the client's certificate in front. */
  async function serve(requestCert: boolean): Promise<void> {
    server = createServer(
      {
        cert: pem('server.pem'),
        key: pem('server.key.pem'),
        ca: pem('ca.pem'),
        requestCert,
        rejectUnauthorized: requestCert,
      },
      (socket) => {
        socket.on('error', () => {})
        socket.on('data', (data) => socket.write(`${socket.getPeerCertificate().subject?.CN ?? 'nobody'}:${data}`))
      },
    )
    server.on('tlsClientError', () => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    port = typeof address === 'object' && address !== null ? address.port : 0
  }

  afterEach(() => new Promise((resolve) => server.close(resolve)))

  function answer(stream: Stream, text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      stream.attach({
        onData: (view) => {
          resolve(view.toString())
          stream.end()
        },
        onEnd: () => reject(new Error('ended')),
        onClose: (error) => reject(error ?? new Error('closed')),
        onDrain: () => {},
      })
      stream.write([Buffer.from(text)])
    })
  }

  const refusal = (promise: Promise<unknown>): Promise<NetworkError> =>
    promise.then(
      () => expect.fail('was not refused'),
      (error: NetworkError) => error,
    )

  it('carries bytes both ways once the certificate is checked, by address and by name', async () => {
    await serve(false)
    const network = new TlsNetwork({ ca: pem('ca.pem') })
    expect(await answer(await network.connect({ host: '127.0.0.1', port }), 'hello')).to.equal('nobody:hello')
    expect(await answer(await network.connect({ host: 'localhost', port }), 'hello')).to.equal('nobody:hello')
  })

  it('shows its own certificate to a server that asks for one', async () => {
    await serve(true)
    const network = new TlsNetwork({ ca: pem('ca.pem'), cert: pem('server.pem'), key: pem('server.key.pem') })
    expect(await answer(await network.connect({ host: '127.0.0.1', port }), 'me')).to.equal('localhost:me')
  })

  it('refuses a server whose certificate nobody vouches for', async () => {
    await serve(false)
    const error = await refusal(new TlsNetwork({}).connect({ host: '127.0.0.1', port }))
    expect(error.code).to.match(/SELF_SIGNED|UNABLE_TO/)
    expect(error.message).to.match(/^Cannot connect by TLS to 127\.0\.0\.1:\d+: /)
  })

  it('says that nobody listens, and that a key is none', async () => {
    await serve(false)
    await new Promise((resolve) => server.close(resolve))
    const network = new TlsNetwork({ ca: pem('ca.pem') })
    expect((await refusal(network.connect({ host: '127.0.0.1', port }))).code).to.equal('ECONNREFUSED')
    const broken = new TlsNetwork({ cert: 'no certificate', key: 'no key' })
    expect((await refusal(broken.connect({ host: '127.0.0.1', port }))).name).to.equal('NetworkError')
  })
})

describe('host/tls-network tlsProblem', () => {
  const [ca, cert, key] = [pem('ca.pem'), pem('server.pem'), pem('server.key.pem')]

  it('finds nothing in what can be used', () => {
    for (const options of [{}, { ca }, { cert, key }, { ca, cert, key }]) expect(tlsProblem(options)).to.equal(null)
  })

  it('tells before anybody connects what Node would tell at every connection, or never', () => {
    const none = 'There is no PEM certificate.'
    expect(tlsProblem({ ca: key })).to.deep.equal({ of: 'ca', why: none })
    expect(tlsProblem({ cert: 'x', key })).to.deep.equal({ of: 'cert', why: none })
    expect(tlsProblem({ ca, cert })).to.include({ of: 'cert' })
    expect(tlsProblem({ ca, key })).to.include({ of: 'key' })
    expect(tlsProblem({ cert, key: 'x' })).to.include({ of: 'key' })
    const damaged = cert.replace(/[A-Za-z0-9]{8}/, '')
    expect(tlsProblem({ ca, cert: damaged, key })).to.include({ of: 'cert' })
  })
})
