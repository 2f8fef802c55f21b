import assert = require('node:assert')
import odradek = require('odradek')
import protocol = require('odradek/protocol')

async function main(): Promise<void> {
  const broker: odradek.Broker = await odradek.Broker.create({ listen: false })
  assert.deepEqual(broker.brokers, ['odradek.invalid:9092'])
  await broker.close()
  assert.equal(protocol.errorName(protocol.ErrorCode.NOT_COORDINATOR), 'NOT_COORDINATOR')
  // The same class whichever way it was loaded.
  const again = await import('odradek')
  assert.ok(Object.is(again.Broker, odradek.Broker))
}

void main()
