const { Broker } = require('odradek')
const { Fetch } = require('odradek/protocol')
const ask = require('./ask')

let broker
beforeAll(async () => {
  broker = await Broker.create({ topics: ['orders'] })
})
afterAll(() => broker.close())

test('time was fake before the broker was loaded, and it goes on', async () => {
  const now = Date.now()
  const { responses } = await ask(broker.bootstrapServers, Fetch, 4, {
    maxWaitMs: 20,
    minBytes: 1,
    topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1024 }] }],
  })
  expect(responses[0].partitions[0].errorCode).toBe(0)
  expect(Date.now()).toBe(now)
})

test('what waits in the broker times out in real time', async () => {
  await expect(broker.groupReady('nobody', { timeoutMs: 10 })).rejects.toThrow(/not ready/)
  expect(jest.getTimerCount()).toBe(0)
})
