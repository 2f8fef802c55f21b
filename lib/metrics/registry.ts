/**
 * Counters, gauges and histograms with names and labels as Prometheus has them. Looking a metric up by its labels is
 * for start-up; the hot path holds the object and does an addition.
 */
export type Labels = Readonly<Record<string, string>>

export interface MetricFamily {
  readonly name: string
  readonly help: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly metrics: readonly { labels: Labels; metric: Counter | Gauge | Histogram }[]
}

export class Counter {
  value = 0
  add(amount = 1): void {
    this.value += amount
  }
}

/** A value that goes up and down; or one that is asked for when somebody looks. */
export class Gauge {
  #value = 0
  readonly #read: (() => number) | null
  constructor(read: (() => number) | null = null) {
    this.#read = read
  }
  get value(): number {
    return this.#read === null ? this.#value : this.#read()
  }
  set(value: number): void {
    this.#value = value
  }
  add(amount: number): void {
    this.#value += amount
  }
}

/** Counts of values by size. `bounds` are the upper ends of the buckets, rising; the last bucket has none. */
export class Histogram {
  readonly bounds: readonly number[]
  /** Values in each bucket alone; one more than bounds. */
  readonly buckets: Float64Array
  count = 0
  sum = 0
  max = 0

  constructor(bounds: readonly number[]) {
    for (let index = 1; index < bounds.length; index += 1) {
      if (bounds[index]! <= bounds[index - 1]!) throw new RangeError('the bounds of a histogram rise')
    }
    this.bounds = bounds
    this.buckets = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    this.count += 1
    this.sum += value
    if (value > this.max) this.max = value
    const bounds = this.bounds
    let index = 0
    // Few buckets, and most values are small: a loop from below beats a search.
    while (index < bounds.length && value > bounds[index]!) index += 1
    this.buckets[index]! += 1
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count
  }

  /** An estimate of the value below which this share (0 to 1) of all values lies, linear inside a bucket; 0 when there is none. */
  quantile(share: number): number {
    let rest = share * this.count
    if (this.count === 0) return 0
    for (let index = 0; index < this.buckets.length; index += 1) {
      const inBucket = this.buckets[index]!
      if (rest <= inBucket && inBucket > 0) {
        const low = index === 0 ? 0 : this.bounds[index - 1]!
        const high = Math.min(this.bounds[index] ?? this.max, this.max)
        return low + (Math.max(high, low) - low) * (rest / inBucket)
      }
      rest -= inBucket
    }
    return this.max
  }
}

/** Milliseconds: from a tenth of one, which is a fast answer, to the half minute after which clients give up. */
export const TIME_BOUNDS_MS = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000,
] as const

interface Family {
  help: string
  kind: MetricFamily['kind']
  byLabels: Map<string, { labels: Labels; metric: Counter | Gauge | Histogram }>
}

export class MetricsRegistry {
  readonly #families = new Map<string, Family>()

  counter(name: string, help: string, labels: Labels = {}): Counter {
    return this.#metric(name, help, 'counter', labels, () => new Counter()) as Counter
  }

  /** With `read`, the value is asked for on every look. */
  gauge(name: string, help: string, labels: Labels = {}, read: (() => number) | null = null): Gauge {
    return this.#metric(name, help, 'gauge', labels, () => new Gauge(read)) as Gauge
  }

  histogram(name: string, help: string, labels: Labels = {}, bounds: readonly number[] = TIME_BOUNDS_MS): Histogram {
    return this.#metric(name, help, 'histogram', labels, () => new Histogram(bounds)) as Histogram
  }

  /** Forgets one, when what it is about (a topic, a connection) is gone. */
  remove(name: string, labels: Labels = {}): boolean {
    return this.#families.get(name)?.byLabels.delete(labelsKey(labels)) ?? false
  }

  /** Everything, sorted by name. */
  collect(): MetricFamily[] {
    return [...this.#families]
      .map(([name, { help, kind, byLabels }]) => ({ name, help, kind, metrics: [...byLabels.values()] }))
      .filter((family) => family.metrics.length > 0)
      .sort((left, right) => (left.name < right.name ? -1 : 1))
  }

  #metric(
    name: string,
    help: string,
    kind: MetricFamily['kind'],
    labels: Labels,
    make: () => Counter | Gauge | Histogram,
  ): Counter | Gauge | Histogram {
    let family = this.#families.get(name)
    if (family === undefined) {
      if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name))
        throw new RangeError(`${JSON.stringify(name)} is no name for a metric`)
      family = { help, kind, byLabels: new Map() }
      this.#families.set(name, family)
    }
    if (family.kind !== kind) throw new Error(`the metric ${name} is a ${family.kind}, not a ${kind}`)
    const key = labelsKey(labels)
    let entry = family.byLabels.get(key)
    if (entry === undefined) {
      entry = { labels, metric: make() }
      family.byLabels.set(key, entry)
    }
    return entry.metric
  }
}

function labelsKey(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([left], [right]) => (left < right ? -1 : 1)))
}
