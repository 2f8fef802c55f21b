import type { Clock } from '../host/clock.js'
import { type Counter, type Histogram, type MetricsRegistry, TIME_BOUNDS_MS } from './registry.js'

/** Kafka's RequestMetrics, per API key: how many, how long, how big, and what went wrong. */
export interface ApiMetrics {
  readonly requests: Counter
  readonly requestBytes: Counter
  readonly responseBytes: Counter
  readonly failures: Counter
  /** Milliseconds from the whole frame until the handler returned, without what it waited for in a purgatory. */
  readonly localTimeMs: Histogram
  /** Milliseconds from the whole frame to the answer's hand-over to the socket. */
  readonly totalTimeMs: Histogram
  /** By Kafka's error code; 0 (NONE) is not counted here. */
  readonly errors: ReadonlyMap<number, Counter>
}

export interface RequestMetricsOptions {
  /** Name of an API key, as in Kafka (`Produce`). */
  apiName(apiKey: number): string
  /** Name of an error code (`NOT_LEADER_OR_FOLLOWER`). */
  errorName(code: number): string
}

/**
 * What requests were. One array access and a few additions per call; the metrics of an API are made when it is asked
 * for the first time. Has the shape of the dispatcher's observer.
 */
export class RequestMetrics {
  readonly #options: RequestMetricsOptions
  readonly #registry: MetricsRegistry
  readonly #clock: Clock
  readonly #byKey: (OneApi | undefined)[] = []
  readonly #unknown: Counter

  constructor(options: RequestMetricsOptions, ports: { registry: MetricsRegistry; clock: Clock }) {
    this.#options = options
    this.#registry = ports.registry
    this.#clock = ports.clock
    this.#unknown = ports.registry.counter(
      'odradek_unknown_requests_total',
      'Requests of an API or version that is not served',
    )
  }

  /** A whole request has come. Returns when (monotonic milliseconds), to be given to the calls below. */
  begin(apiKey: number, requestBytes: number): number {
    const api = this.#byKey[apiKey] ?? this.#make(apiKey)
    api.requests.value += 1
    api.requestBytes.value += requestBytes
    return this.#clock.monotonic()
  }

  /** The handler has returned: with an answer, or with a promise of one. */
  handled(apiKey: number, startedAtMs: number): void {
    this.#byKey[apiKey]?.localTimeMs.observe(this.#clock.monotonic() - startedAtMs)
  }

  /** The answer (0 bytes when the request wants none) has been handed to the socket. */
  end(apiKey: number, startedAtMs: number, responseBytes: number): void {
    const api = this.#byKey[apiKey]
    if (api === undefined) return
    api.responseBytes.value += responseBytes
    api.totalTimeMs.observe(this.#clock.monotonic() - startedAtMs)
  }

  /** There is no answer because the handler failed, and the connection ends. */
  failed(apiKey: number): void {
    const api = this.#byKey[apiKey] ?? this.#make(apiKey)
    api.failures.value += 1
  }

  /** An error code inside an answer; each code once per answer, or once per partition: as the caller counts. */
  recordError(apiKey: number, code: number): void {
    if (code !== 0) (this.#byKey[apiKey] ?? this.#make(apiKey)).error(code).add()
  }

  recordUnknown(): void {
    this.#unknown.add()
  }

  /** What is known about an API; undefined before its first request. */
  of(apiKey: number): ApiMetrics | undefined {
    return this.#byKey[apiKey]
  }

  #make(apiKey: number): OneApi {
    // Keys come from a table of served APIs; a key from the wire that is in none of them must not get here.
    if (!Number.isInteger(apiKey) || apiKey < 0 || apiKey > 0x7fff) throw new RangeError(`${apiKey} is no API key`)
    const api = new OneApi(this.#registry, this.#options.apiName(apiKey), this.#options.errorName)
    this.#byKey[apiKey] = api
    return api
  }
}

class OneApi implements ApiMetrics {
  readonly requests: Counter
  readonly requestBytes: Counter
  readonly responseBytes: Counter
  readonly failures: Counter
  readonly localTimeMs: Histogram
  readonly totalTimeMs: Histogram
  readonly errors = new Map<number, Counter>()
  readonly #registry: MetricsRegistry
  readonly #request: string
  readonly #errorName: (code: number) => string

  constructor(registry: MetricsRegistry, request: string, errorName: (code: number) => string) {
    this.#registry = registry
    this.#request = request
    this.#errorName = errorName
    const labels = { request }
    this.requests = registry.counter('odradek_requests_total', 'Requests by API', labels)
    this.requestBytes = registry.counter('odradek_request_bytes_total', 'Bytes of requests by API', labels)
    this.responseBytes = registry.counter('odradek_response_bytes_total', 'Bytes of responses by API', labels)
    this.failures = registry.counter('odradek_request_failures_total', 'Requests whose handler failed, by API', labels)
    this.localTimeMs = registry.histogram(
      'odradek_request_local_time_ms',
      'Milliseconds in the handler, waiting excluded',
      labels,
      TIME_BOUNDS_MS,
    )
    this.totalTimeMs = registry.histogram(
      'odradek_request_total_time_ms',
      'Milliseconds from request to response',
      labels,
      TIME_BOUNDS_MS,
    )
  }

  error(code: number): Counter {
    let counter = this.errors.get(code)
    if (counter === undefined) {
      const labels = { request: this.#request, error: this.#errorName(code) }
      counter = this.#registry.counter('odradek_request_errors_total', 'Error codes in responses by API', labels)
      this.errors.set(code, counter)
    }
    return counter
  }
}
