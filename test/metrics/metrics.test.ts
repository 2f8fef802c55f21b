import { expect } from 'chai'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { Histogram, MetricsRegistry } from '../../lib/metrics/registry.js'
import { RequestMetrics } from '../../lib/metrics/request-metrics.js'

describe('metrics', () => {
  it('a metric is the same object for the same name and labels, in any order', () => {
    const registry = new MetricsRegistry()
    const one = registry.counter('odradek_x_total', 'X', { a: '1', b: '2' })
    expect(registry.counter('odradek_x_total', 'X', { b: '2', a: '1' })).to.equal(one)
    expect(registry.counter('odradek_x_total', 'X', { a: '2' })).to.not.equal(one)
    expect(() => registry.gauge('odradek_x_total', 'X')).to.throw('is a counter, not a gauge')
    expect(() => registry.gauge('bad name', 'X')).to.throw(RangeError)
    one.add(2)
    expect(registry.collect()[0]!.metrics.map(({ labels }) => labels)).to.deep.equal([{ a: '1', b: '2' }, { a: '2' }])
    expect(registry.remove('odradek_x_total', { a: '2' })).to.equal(true)
    expect(registry.collect()[0]!.metrics).to.have.length(1)
  })

  it('a gauge is set, or asked', () => {
    const registry = new MetricsRegistry()
    const set = registry.gauge('connections', 'Connections')
    set.set(3)
    set.add(-1)
    expect(set.value).to.equal(2)
    let size = 7
    const asked = registry.gauge('size', 'Size', {}, () => size)
    size = 8
    expect(asked.value).to.equal(8)
  })

  it('a histogram counts into its buckets and estimates quantiles', () => {
    const histogram = new Histogram([1, 10, 100])
    expect(histogram.quantile(0.5)).to.equal(0)
    for (let value = 1; value <= 100; value += 1) histogram.observe(value)
    histogram.observe(1000)
    expect([...histogram.buckets]).to.deep.equal([1, 9, 90, 1])
    expect(histogram).to.include({ count: 101, sum: 6050, max: 1000 })
    expect(histogram.quantile(0.5)).to.be.closeTo(50, 2)
    expect(histogram.quantile(1)).to.equal(1000)
    expect(() => new Histogram([2, 1])).to.throw(RangeError)
  })

  it('requests are counted by API, errors by code', () => {
    const registry = new MetricsRegistry()
    const clock = new VirtualClock()
    const metrics = new RequestMetrics(
      { apiName: (key) => `Api${key}`, errorName: (code) => `E${code}` },
      { registry, clock },
    )
    expect(metrics.of(1)).to.equal(undefined)
    const first = metrics.begin(1, 100)
    clock.advance(0.2)
    metrics.handled(1, first)
    const second = metrics.begin(1, 100)
    clock.advance(0.4)
    metrics.handled(1, second)
    metrics.end(1, second, 1000)
    clock.advance(499.4)
    metrics.end(1, first, 2000)
    metrics.failed(1)
    metrics.recordError(1, 0)
    metrics.recordError(1, 6)
    metrics.recordError(1, 6)
    metrics.recordUnknown()
    const api = metrics.of(1)!
    expect([api.requests.value, api.requestBytes.value, api.responseBytes.value]).to.deep.equal([2, 200, 3000])
    expect(api.localTimeMs.mean).to.be.closeTo(0.3, 1e-9)
    expect(api.totalTimeMs.max).to.be.closeTo(500, 1e-9)
    expect(api.failures.value).to.equal(1)
    expect([...api.errors].map(([code, counter]) => [code, counter.value])).to.deep.equal([[6, 2]])
    const errors = registry.collect().find(({ name }) => name === 'odradek_request_errors_total')!
    expect(errors.metrics[0]!.labels).to.deep.equal({ request: 'Api1', error: 'E6' })
    expect(() => metrics.begin(-1, 0)).to.throw(RangeError)
  })
})
