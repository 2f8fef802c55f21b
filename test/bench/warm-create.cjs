// How long Broker.create() takes where the package is loaded already, beside a bare listening socket. Prints JSON in milliseconds.
const net = require('node:net')
const { Broker } = require('../../dist/index.cjs')

async function main() {
  const broker = []
  const bare = []
  for (let i = 0; i < 30; i++) {
    let start = performance.now()
    const one = await Broker.create()
    broker.push(performance.now() - start)
    await one.close()
    start = performance.now()
    const server = net.createServer()
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    bare.push(performance.now() - start)
    await new Promise((resolve) => server.close(resolve))
  }
  console.log(JSON.stringify({ first: broker[0], broker: broker.slice(5), bare: bare.slice(5) }))
}
main()
